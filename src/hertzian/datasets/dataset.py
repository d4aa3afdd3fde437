"""A dataset of windows: the samples, their labels, and what was done to make them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hertzian.signal import HertzianError

Float32 = npt.NDArray[np.float32]
LONGEST_WINDOW = 1 << 20


class DatasetError(HertzianError):
    """A dataset that cannot be read, or whose parts do not belong together."""


class WindowSource(Protocol):
    """Windows [n, 2, samples], in memory or in a file; a slice gives them as float32."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes [n, 2, samples]."""
        ...

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples]."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Windows with their labels.

    Attributes:
        x: [n, 2, samples] (I, Q); may lie in a file and be read slice by slice.
        modulation: int64 [n], indices into `modulations`.
        snr_db: float32 [n], as `snr_definition` says; not finite where there is no signal.
        group: int64 [n]; windows of one realisation (stream, channel draw, recording) share it.
        modulations: class names, as the preset spells them.
        preset, seed: what made it; with `version` the same windows can be made again.
        sample_rate_hz: 1.0 where frequencies are relative to the sampling rate.
        snr_definition: one sentence.
        version: version of Hertzian that made it.
        protocol: int64 [n], indices into `protocols`, -1 for none; or None.
        protocols: protocol names.
    """

    x: WindowSource
    modulation: npt.NDArray[np.int64]
    snr_db: Float32
    group: npt.NDArray[np.int64]
    modulations: tuple[str, ...]
    preset: str
    seed: int
    sample_rate_hz: float
    snr_definition: str
    version: str
    protocol: npt.NDArray[np.int64] | None = None
    protocols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts belong together.

        Raises:
            DatasetError: they do not; the message says which.
        """
        shape = self.x.shape
        if len(shape) != 3 or shape[1] != 2 or not 1 <= shape[2] <= LONGEST_WINDOW:
            raise DatasetError(f"x is {list(shape)}, expected [n, 2, samples]")
        for name in ("modulation", "snr_db", "group", "protocol"):
            column = getattr(self, name)
            if column is not None and column.shape != shape[:1]:
                raise DatasetError(f"{name} is {list(column.shape)}, expected [{shape[0]}]")
        _check_names("modulation", self.modulation, self.modulations, lowest=0)
        if self.protocol is not None:
            _check_names("protocol", self.protocol, self.protocols, lowest=-1)
        if not (math.isfinite(self.sample_rate_hz) and self.sample_rate_hz > 0):
            raise DatasetError(f"sample_rate_hz is {self.sample_rate_hz}, expected more than 0")

    def __len__(self) -> int:
        """Return the number of windows."""
        return self.x.shape[0]

    def batches(self, size: int = 4096) -> Iterator[tuple[slice, Float32]]:
        """Yield (rows, windows float32 [rows, 2, samples]) from the first to the last window."""
        for first in range(0, len(self), size):
            rows = slice(first, min(first + size, len(self)))
            yield rows, self.x[rows]


def _check_names(
    what: str, labels: npt.NDArray[np.integer[Any]], names: tuple[str, ...], *, lowest: int
) -> None:
    if len(set(names)) != len(names):
        raise DatasetError(f"{what}s names a class twice: {', '.join(names)}")
    if len(labels) and not lowest <= int(labels.min()) <= int(labels.max()) < len(names):
        raise DatasetError(
            f"{what} holds {labels.min()} to {labels.max()}, expected {lowest} to {len(names) - 1}"
        )
