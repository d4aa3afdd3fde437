"""Names of what a network with several heads says."""

MODULATION = "modulation"
PROTOCOL = "protocol"
"""Heads whose numbers are logits, of the classes of either."""

SNR_DB = "snr_db"
"""Head that estimates the SNR as the data are labelled with it, in dB."""
