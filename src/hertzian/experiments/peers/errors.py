"""The error of this package."""

from hertzian.signal import HertzianError


class PeerError(HertzianError):
    """A peer is missing or failed; the message is one line and says what to do."""

    def __init__(self, message: str) -> None:
        # what a peer prints may hold line breaks
        super().__init__(" ".join(message.split()))
