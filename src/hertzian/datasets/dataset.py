"""A dataset of windows: the samples, their labels, and what was done to make them."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hertzian.signal import BANDWIDTH_HZ, SYMBOL_RATE_HZ, HertzianError

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
LONGEST_WINDOW = 1 << 20
MEASURED = (BANDWIDTH_HZ, SYMBOL_RATE_HZ)
"""Columns of what was sent, measured in hertz."""

COLUMNS = ("modulation", "snr_db", "group", "protocol", *MEASURED)
"""Names of what a dataset has for each window, some of it perhaps None."""

_SHOWN = 200  # characters of a name that a message shows
_BATCH_BYTES = 64 << 20

Advance = Callable[[float], None]
"""Is told how many windows more are done."""


def ignore(windows: float) -> None:
    """Do nothing with the count of windows that are done."""


class DatasetError(HertzianError):
    """A dataset that cannot be read, or whose parts do not belong together."""


class DatasetWarning(UserWarning):
    """Something about a dataset that its user should know, although it can be read or written."""


class WindowSource(Protocol):
    """Windows [n, 2, samples], in memory or in a file; what is read of them is float32.

    A window that holds a value that is not finite is refused when it is read.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes [n, 2, samples]."""
        ...

    def __len__(self) -> int:
        """Return the number of windows."""
        ...

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples]; the step of the slice is 1.

        Raises:
            TypeError: what is asked for is no slice; `rows` takes numbers.
        """
        ...

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Return the windows of these numbers, float32 [k, 2, samples], in their order.

        Any order will do, and a number may come twice; ascending runs are read fastest. A list of
        integers will do too; a mask is refused.
        """
        ...


@dataclass(frozen=True)
class ArrayWindows:
    """Windows [n, 2, samples] of real numbers, in memory."""

    array: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes [n, 2, samples]."""
        return self.array.shape

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.array)

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples], without a copy where they are float32.

        Raises:
            DatasetError: one holds a value that is not finite.
        """
        first, stop = check_slice(rows, len(self.array))
        return finite(as_float32(self.array[first:stop]), first)

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Return the windows of these numbers, as `WindowSource` says.

        Raises:
            DatasetError: there is none of a number, or one holds a value that is not finite.
        """
        wanted = check_rows(indices, len(self.array))
        return finite(as_float32(self.array[wanted]), wanted)

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.array, dtype=dtype, copy=copy)


def as_float32(values: npt.NDArray[Any]) -> Float32:
    """Return real numbers as float32; what is too large for it becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float32)


def finite(windows: Float32, numbers: int | Int64) -> Float32:
    """Return windows [k, 2, samples] as they are.

    Args:
        windows: what was read.
        numbers: number of the first, or of each of them.

    Raises:
        DatasetError: one holds a value that is not finite; the message says which.
    """
    if windows.size and not (np.isfinite(windows.min()) and np.isfinite(windows.max())):
        place = int(np.argmin(np.isfinite(windows).all(axis=(1, 2))))
        row = numbers + place if isinstance(numbers, int) else int(numbers[place])
        raise DatasetError(f"row {row} holds a value that is not finite; remove this window")
    return windows


def check_slice(rows: slice, count: int) -> tuple[int, int]:
    """Return the first row of a slice of `count` windows, and the row after its last.

    Raises:
        TypeError: it is no slice.
        DatasetError: its step is not 1.
    """
    if not isinstance(rows, slice):
        kind = type(rows).__name__
        raise TypeError(
            f"windows are taken by slices such as x[5:6], not by {kind}; or x.rows([5])"
        )
    start, stop, step = rows.indices(count)
    if step != 1:
        raise DatasetError(
            f"windows are taken by slices of step 1, not {step}; x.rows takes others"
        )
    return start, max(start, stop)


def check_rows(indices: npt.ArrayLike, count: int) -> Int64:
    """Return row numbers as int64 [k], all of them in 0 .. count - 1.

    Raises:
        DatasetError: one is outside, or they are no row of integers (a mask is none).
    """
    try:
        wanted = np.asarray(indices)
    except ValueError:
        raise DatasetError("rows were asked for by nested lists, expected integers [k]") from None
    if wanted.ndim != 1 or (wanted.dtype.kind not in "iu" and not _is_empty_list(wanted)):
        hint = "; np.flatnonzero makes them of a mask" if wanted.dtype.kind == "b" else ""
        found = f"{wanted.dtype} {list(wanted.shape)}"
        raise DatasetError(f"rows were asked for by {found}, expected integers [k]{hint}")
    if wanted.size and not 0 <= int(wanted.min()) <= int(wanted.max()) < count:
        raise DatasetError(
            f"rows {wanted.min()} to {wanted.max()} were asked for, but there are {count}"
        )
    return wanted.astype(np.int64, copy=False)


def _is_empty_list(wanted: npt.NDArray[Any]) -> bool:
    """Tell whether these may be the numbers of an empty list, which NumPy takes for float64."""
    return not wanted.size and wanted.dtype == np.float64


def gather(
    indices: npt.ArrayLike, shape: tuple[int, ...], read: Callable[[int, int], Float32]
) -> Float32:
    """Return windows by number, from a source that reads ranges of them.

    Args:
        indices: integers [k], in any order.
        shape: of all windows, [n, 2, samples].
        read: (first, last + 1) -> these windows, float32.

    Raises:
        DatasetError: there is no window of a number.
    """
    wanted = check_rows(indices, shape[0])
    order = np.argsort(wanted, kind="stable")
    ascending = wanted[order]
    out = np.empty((len(wanted), *shape[1:]), dtype=np.float32)
    ends = np.flatnonzero(np.diff(ascending) > 1) + 1
    for run in np.split(np.arange(len(wanted)), ends) if len(wanted) else ():
        first = int(ascending[run[0]])
        block = read(first, int(ascending[run[-1]]) + 1)
        out[order[run]] = block if len(block) == len(run) else block[ascending[run] - first]
    return out


@dataclass(frozen=True)
class Dataset:
    """Windows with their labels.

    Attributes:
        x: [n, 2, samples] (I, Q); may lie in a file and be read slice by slice. A NumPy array
            is taken too, and becomes `ArrayWindows`.
        modulation: int64 [n], indices into `modulations`.
        snr_db: float32 [n], as `snr_definition` says; not finite where there is no signal.
        group: int64 [n]; windows of one realisation (stream, channel draw, recording) share it.
            -1: the window shares samples with two groups, and is in no part of a split.
        modulations: class names, as the preset spells them.
        preset, seed: what made it; with `version` the same windows can be made again.
        sample_rate_hz: 1.0 where frequencies are relative to the sampling rate.
        snr_definition: one sentence.
        version: version of Hertzian that made it.
        protocol: int64 [n], indices into `protocols`, -1 for none; or None.
        protocols: protocol names.
        bandwidth_hz: 99% occupied bandwidth of what was sent, of analog transmissions the necessary
            one (ITU-R SM.1138), float32 [n], NaN where it isn't known; or None.
        symbol_rate_hz: symbols per second, likewise.
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
    bandwidth_hz: Float32 | None = None
    symbol_rate_hz: Float32 | None = None

    def __post_init__(self) -> None:
        """Check that the parts belong together.

        Raises:
            DatasetError: they do not; the message says which.
        """
        if isinstance(self.x, np.ndarray):
            object.__setattr__(self, "x", ArrayWindows(self.x))
        shape = self.x.shape
        if len(shape) != 3 or shape[1] != 2 or not 1 <= shape[2] <= LONGEST_WINDOW:
            raise DatasetError(f"x is {list(shape)}, expected [n, 2, samples]")
        for name in COLUMNS:
            column = getattr(self, name)
            if column is not None and column.shape != shape[:1]:
                raise DatasetError(f"{name} is {list(column.shape)}, expected [{shape[0]}]")
        for name in MEASURED:
            _check_positive(name, getattr(self, name))
        _check_names("modulation", self.modulation, self.modulations, lowest=0)
        if self.protocol is not None:
            _check_names("protocol", self.protocol, self.protocols, lowest=-1)
        if not (math.isfinite(self.sample_rate_hz) and self.sample_rate_hz > 0):
            raise DatasetError(f"sample_rate_hz is {self.sample_rate_hz}, expected more than 0")

    def __len__(self) -> int:
        """Return the number of windows."""
        return self.x.shape[0]

    def batches(self, size: int = 4096) -> Iterator[tuple[slice, Float32]]:
        """Yield (rows, windows float32 [rows, 2, samples]) from the first to the last window.

        Args:
            size: windows at a time; fewer where they would take more than 64 MiB.
        """
        size = max(1, min(size, _BATCH_BYTES // (8 * self.x.shape[2])))
        for first in range(0, len(self), size):
            rows = slice(first, min(first + size, len(self)))
            yield rows, self.x[rows]


def _check_positive(name: str, column: Float32 | None) -> None:
    known = np.empty(0) if column is None else column[~np.isnan(column)]
    if not (np.isfinite(known) & (known > 0)).all():
        worst = known[~(np.isfinite(known) & (known > 0))][0]
        raise DatasetError(f"{name} holds {worst:g}, expected more than 0, or NaN where unknown")


def _check_names(
    what: str, labels: npt.NDArray[np.integer[Any]], names: tuple[str, ...], *, lowest: int
) -> None:
    if len(set(names)) != len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise DatasetError(f"{what}s names a class twice: {ascii(twice[:_SHOWN])[1:-1][:_SHOWN]}")
    if len(labels) and not lowest <= int(labels.min()) <= int(labels.max()) < len(names):
        raise DatasetError(
            f"{what} holds {labels.min()} to {labels.max()}, expected {lowest} to {len(names) - 1}"
        )
