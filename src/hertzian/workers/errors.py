"""The error of this package."""

from hertzian.signal import HertzianError


class WorkerError(HertzianError):
    """Another Python, or its script, is missing or failed; one line says what to do."""

    def __init__(self, message: str) -> None:
        # what a worker prints may hold line breaks
        super().__init__(" ".join(message.split()))
