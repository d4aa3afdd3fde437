"""The error and the warning of this room."""

from hertzian.signal import HertzianError


class RecordingError(HertzianError):
    """A recording cannot be read or written; the message is one line and says what to do."""

    def __init__(self, message: str) -> None:
        # a stranger's file name or metadata may hold line breaks
        super().__init__(" ".join(message.splitlines()))


class RecordingWarning(UserWarning):
    """Something about a recording that its user should know, although it can be read."""
