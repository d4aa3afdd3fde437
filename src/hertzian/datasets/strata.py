"""Cells of a dataset, one for each (class, SNR), and samples of windows drawn from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import Dataset, DatasetError, WindowSource

Advance = Callable[[float], None]
Int64 = npt.NDArray[np.int64]
Complex64 = npt.NDArray[np.complex64]

MOST_LEVELS = 256
"""SNRs of more levels than these are drawn at random: they are rounded to steps of 2 dB."""

_STEP_DB = 2.0
_SAMPLES_READ = 1 << 21
_MOST_FAILED = 1000


@dataclass(frozen=True)
class Cells:
    """What (class, SNR) each window is of; a class is a modulation with its protocol, if any.

    Attributes:
        index: int64 [n], the cell of each window.
        class_of: int64 [cells], the class of each cell.
        snr_db: float64 [cells]; NaN where there is no signal.
        names: of the classes; those without a window are left out.
    """

    index: Int64
    class_of: Int64
    snr_db: npt.NDArray[np.float64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of cells that hold a window."""
        return len(self.class_of)

    @cached_property
    def counts(self) -> Int64:
        """Windows in each cell, int64 [cells]."""
        return np.bincount(self.index, minlength=len(self)).astype(np.int64)

    @cached_property
    def _by_cell(self) -> Int64:
        return np.argsort(self.index, kind="stable").astype(np.int64)

    def rows(self, cell: int) -> Int64:
        """Return the windows of a cell, int64, ascending."""
        last = int(self.counts[: cell + 1].sum())
        return self._by_cell[last - int(self.counts[cell]) : last]


def find_cells(dataset: Dataset) -> Cells:
    """Sort the windows of a dataset into cells.

    All SNRs that are not finite are one level. Where a dataset has more than `MOST_LEVELS` levels,
    they are rounded to multiples of 2 dB.
    """
    snr_db = np.where(np.isfinite(dataset.snr_db), dataset.snr_db, np.nan).astype(np.float64)
    levels, level = np.unique(snr_db, return_inverse=True)
    if len(levels) > MOST_LEVELS:
        levels, level = np.unique(np.round(snr_db / _STEP_DB) * _STEP_DB, return_inverse=True)
    stride = len(dataset.protocols) + 1
    protocol = -1 if dataset.protocol is None else dataset.protocol
    waveform = dataset.modulation * stride + protocol + 1
    waveforms, class_of_row = _ranks(waveform)
    cells, index = _ranks(class_of_row * max(len(levels), 1) + level)
    names = []
    for modulation, place in zip(*divmod(waveforms, stride), strict=True):
        name = dataset.modulations[modulation]
        names.append(f"{name} / {dataset.protocols[place - 1]}" if place else name)
    class_of, level_of = divmod(cells, max(len(levels), 1))
    return Cells(index, class_of, levels[level_of], tuple(names))


def _ranks(codes: Int64) -> tuple[Int64, Int64]:
    """Return the distinct codes, ascending, and the place of each code among them.

    Codes are small, so that counting does what `np.unique` needs a sort for.
    """
    distinct = np.flatnonzero(np.bincount(codes)).astype(np.int64)
    place = np.zeros(int(distinct[-1]) + 1 if len(distinct) else 0, np.int64)
    place[distinct] = np.arange(len(distinct))
    return distinct, place[codes]


def sample_rows(cells: Cells, windows: int, run: int, seed: int) -> Int64:
    """Draw about `windows` windows, never more, in runs of neighbours within a cell.

    Each cell gives as many as any other, or all it has. Where that would be fewer than `run` from
    each, some cells are drawn at random and the others are left out.

    Returns:
        int64, ascending; every window where there are no more than `windows`.
    """
    total = len(cells.index)
    if total <= windows:
        return np.arange(total, dtype=np.int64)
    random = np.random.default_rng(seed)
    quota = max(_fill(cells.counts, windows), min(run, windows), 1)
    chosen: list[Int64] = []
    left = windows
    for cell in random.permutation(len(cells)):
        rows = cells.rows(int(cell))
        count = min(quota, len(rows), left)
        start = int(random.integers(0, len(rows) - count + 1))
        chosen.append(rows[start : start + count])
        left -= count
        if not left:
            break
    return np.sort(np.concatenate(chosen))


def _fill(counts: Int64, total: int) -> int:
    """Return the largest q with sum(min(counts, q)) <= total."""
    ascending = np.sort(counts)
    left = total
    for place, count in enumerate(ascending):
        share = left // (len(ascending) - place)
        if count > share:
            return share
        left -= int(count)
    return int(ascending[-1]) if len(ascending) else 0


def read_rows(source: WindowSource, rows: Int64, advance: Advance | None = None) -> Complex64:
    """Read windows, complex64 [rows, samples]; those that cannot be read are NaN.

    Args:
        source: where they lie.
        rows: ascending.
        advance: called with the share of the work done since the last call; the shares sum to 1.

    Raises:
        DatasetError: more than a thousand windows cannot be read, or none of them can.
    """
    samples = source.shape[2]
    out = np.full((len(rows), samples), np.nan, np.complex64)
    largest = max(1, _SAMPLES_READ // samples)
    failed = 0
    for first in range(0, len(rows), largest):
        last = min(first + largest, len(rows))
        failed += _read_into(out, source, rows, first, last, _MOST_FAILED - failed)
        if advance is not None:
            advance((last - first) / len(rows))
    return out


def _read_into(
    out: Complex64, source: WindowSource, rows: Int64, first: int, last: int, allowed: int
) -> int:
    """Read the windows at places first to last - 1; return how many cannot be read.

    Raises:
        DatasetError: more than are allowed, or all of those that were asked for.
    """
    if first == last:
        return 0
    try:
        x = source.rows(rows[first:last])
    except DatasetError:
        if last - first == len(rows) == 1 or allowed < 1:
            raise
        if last - first == 1:
            return 1
        middle = (first + last) // 2
        failed = _read_into(out, source, rows, first, middle, allowed)
        failed += _read_into(out, source, rows, middle, last, allowed - failed)
        if failed == len(rows):
            raise
        return failed
    out.real[first:last] = x[:, 0]
    out.imag[first:last] = x[:, 1]
    return 0
