"""Names of what a network with several heads says."""

MODULATION = "modulation"
PROTOCOL = "protocol"
"""Heads whose numbers are logits, of the classes of either."""

NO_PROTOCOL = "none"
"""Class of a protocol head for what is of no protocol that it knows."""

SNR_DB = "snr_db"
"""Head that estimates the SNR as the data are labelled with it, in dB."""

BANDWIDTH_HZ = "bandwidth_hz"
"""Head that estimates the 99% occupied bandwidth of what was sent."""

SYMBOL_RATE_HZ = "symbol_rate_hz"
"""Head that estimates the symbols per second."""

QUANTITIES = (SNR_DB, BANDWIDTH_HZ, SYMBOL_RATE_HZ)
"""Heads of one number that data can teach."""

POSITIVE = frozenset({BANDWIDTH_HZ, SYMBOL_RATE_HZ})
"""Those above zero, of which ratios count: their errors are relative."""
