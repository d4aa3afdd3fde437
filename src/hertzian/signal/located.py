"""Where a signal lies in a recording, at baseband."""

from typing import Protocol


class Located(Protocol):
    """Something with a time and a band; frequencies in cycles per sample."""

    @property
    def start(self) -> int:
        """First sample."""
        ...

    @property
    def stop(self) -> int:
        """First sample after it."""
        ...

    @property
    def center(self) -> float:
        """Centre of its band."""
        ...

    @property
    def bandwidth(self) -> float:
        """Its 99% occupied bandwidth."""
        ...
