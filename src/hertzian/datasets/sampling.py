"""A part of a dataset: as many windows of each (class, SNR)."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import (
    COLUMNS,
    Dataset,
    DatasetError,
    Float32,
    WindowSource,
    check_slice,
)
from hertzian.datasets.strata import Int64, find_cells


class RowsOf:
    """Some rows [n, 2, samples] of windows that stay where they are.

    Args:
        windows: all of them.
        rows: which, int64 [n], ascending.
    """

    def __init__(self, windows: WindowSource, rows: Int64) -> None:
        self._windows = windows
        self._rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Return [n, 2, samples]."""
        return (len(self._rows), *self._windows.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice, /) -> Float32:
        """Read a slice."""
        start, stop = check_slice(rows, len(self))
        return self._windows.rows(self._rows[start:stop])

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Read the windows at `indices`, in their order."""
        return self._windows.rows(self._rows[np.asarray(indices, dtype=np.int64)])


def sample_cells(dataset: Dataset, per: int, seed: int = 0) -> Dataset:
    """Return `per` windows of each (class, SNR), drawn at random; a cell with fewer gives all.

    Args:
        dataset: its windows stay unread.
        per: at most so many of each cell.
        seed: another one draws others.

    Raises:
        DatasetError: fewer than one.
    """
    if per < 1:
        raise DatasetError(f"{per} windows of each class and SNR are not possible; at least 1 is")
    cells = find_cells(dataset)
    random = np.random.default_rng([seed, per])
    drawn = [random.permutation(cells.rows(cell))[:per] for cell in range(len(cells))]
    rows = np.sort(np.concatenate(drawn)) if drawn else np.empty(0, dtype=np.int64)
    return take_rows(dataset, rows)


def take_rows(dataset: Dataset, rows: Int64) -> Dataset:
    """Return the windows of these numbers, int64 [n], ascending; they stay unread."""
    columns = {name: getattr(dataset, name) for name in COLUMNS}
    taken = {name: each[rows] for name, each in columns.items() if each is not None}
    return replace(dataset, x=RowsOf(dataset.x, rows), **taken)
