"""Whole batches out of (memory-mapped) arrays, without Python work per example."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from hertzian.datasets.dataset import WindowSource
from hertzian.signal import HertzianError

KEPT_BYTES = 4 << 30
"""Windows are kept in memory up to this size."""

Indices = npt.NDArray[np.int64]
Batch = tuple[Tensor, ...]
"""Windows, labels, and what else a learning method wants of each example."""


class BatchSource(Protocol):
    """A dataset that is read a batch at a time."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def __getitem__(self, indices: Indices, /) -> Batch:
        """Read the examples at sorted `indices`."""


class ArrayDataset(Dataset[Batch]):
    """Windows and labels in one or several pairs of arrays, read a batch at a time.

    Args:
        shards: pairs (x [n, 2, samples] of any float type, labels [n] of any integer type), as
            `numpy.load(..., mmap_mode="r")` gives them; nothing is copied.

    Raises:
        HertzianError: no shards, or shapes that do not belong together.
    """

    def __init__(self, shards: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> None:
        if not shards:
            raise HertzianError("training data: expected at least one pair of arrays, found none")
        for number, (x, labels) in enumerate(shards):
            if x.ndim != 3 or x.shape[1] != 2 or labels.shape != x.shape[:1]:
                raise HertzianError(
                    f"training data, part {number}: expected x [n, 2, samples] and labels [n], "
                    f"found {list(x.shape)} and {list(labels.shape)}"
                )
        self._shards = list(shards)
        self._ends = np.cumsum([len(x) for x, _ in shards])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the examples at sorted `indices`: float32 [batch, 2, samples], int64 [batch]."""
        cuts = np.searchsorted(indices, self._ends)
        first, parts, labels = 0, [], []
        for shard, last in enumerate(cuts):
            if last > first:
                start = self._ends[shard - 1] if shard else 0
                rows = indices[first:last] - start
                x, y = self._shards[shard]
                parts.append(np.asarray(x[rows], dtype=np.float32))
                labels.append(np.asarray(y[rows], dtype=np.int64))
            first = last
        return torch.from_numpy(np.concatenate(parts)), torch.from_numpy(np.concatenate(labels))


class DatasetRows(Dataset[Batch]):
    """Some rows of windows that stay in their file, and their labels.

    Args:
        windows: of the whole file.
        rows: rising, [n].
        labels: of these rows, [n].
    """

    def __init__(self, windows: WindowSource, rows: Indices, labels: Indices) -> None:
        self._windows = windows
        self._rows = rows
        self._labels = labels

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the examples at sorted `indices`: float32 [batch, 2, samples], int64 [batch]."""
        x = self._windows.rows(self._rows[indices])
        return torch.from_numpy(x), torch.from_numpy(self._labels[indices])


class Mixed(Dataset[Batch]):
    """Another dataset in a random order that stays, so that a batch has examples of all classes.

    Args:
        inner: read as it lies; within a batch the order is its own.
        seed: of the order.
    """

    def __init__(self, inner: BatchSource, seed: int = 0) -> None:
        self._inner = inner
        self._order = np.random.default_rng(seed).permutation(len(inner))

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the examples at sorted `indices` of the new order."""
        return self._inner[np.sort(self._order[indices])]


def rows_of(windows: WindowSource, rows: Indices, labels: Indices) -> BatchSource:
    """Return some rows of a dataset: in memory up to `KEPT_BYTES`, read batch by batch beyond.

    Args:
        windows: of the whole dataset.
        rows: rising, [n].
        labels: of these rows, [n].
    """
    if len(rows) * 4 * int(np.prod(windows.shape[1:])) > KEPT_BYTES:
        return DatasetRows(windows, rows, labels)
    return ArrayDataset([(windows.rows(rows), labels)])


def shape_of(windows: BatchSource) -> tuple[int, ...]:
    """Return the form of a source's windows: (n, 2, samples)."""
    x, *_ = windows[np.zeros(1, dtype=np.int64)]
    return len(windows), *x.shape[1:]


class EpochBatches(Sampler[Indices]):
    """Index arrays of whole batches; each epoch its own permutation of (seed, epoch).

    With `seed` None the order is that of the file and the last batch may be short; otherwise
    examples that do not fill a batch wait for another epoch. Within a batch indices rise, which
    keeps reads of a memory map sequential.
    """

    def __init__(self, examples: int, batch_size: int, seed: int | None) -> None:
        self._examples = examples
        self._batch_size = min(batch_size, examples)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation; Lightning calls it at the start of every epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        if self._seed is None:
            return -(-self._examples // self._batch_size)
        return self._examples // self._batch_size

    def __iter__(self) -> Iterator[Indices]:
        order = np.arange(self._examples, dtype=np.int64)
        if self._seed is not None:
            order = np.random.default_rng([self._seed, self._epoch]).permutation(order)
        for first in range(0, len(self) * self._batch_size, self._batch_size):
            yield np.sort(order[first : first + self._batch_size])


def batch_loader(data: BatchSource, batch_size: int, seed: int | None) -> DataLoader[Batch]:
    """Return a loader of batches, shuffled when there is a seed."""
    sampler = EpochBatches(len(data), batch_size, seed)
    # DataLoader asks for no more than the protocol's two methods.
    return DataLoader(cast(Dataset[Batch], data), batch_size=None, sampler=sampler)


def steps_per_epoch(data: BatchSource, batch_size: int) -> int:
    """Return the number of batches in an epoch of shuffled training data."""
    return len(EpochBatches(len(data), batch_size, 0))
