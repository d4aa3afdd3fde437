"""Names of what a network with several heads says."""

MODULATION = "modulation"
PROTOCOL = "protocol"
"""Heads whose numbers are logits, of the classes of either."""
