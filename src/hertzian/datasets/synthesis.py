"""Datasets from presets: cell by cell of (kind, SNR), by as many workers as wanted."""

import itertools
import math
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from hertzian.datasets.cells import Cell
from hertzian.datasets.converting import SUFFIXES, write_as
from hertzian.datasets.dataset import (
    Advance,
    Dataset,
    DatasetError,
    Float32,
    Int64,
    check_slice,
    ignore,
)
from hertzian.datasets.presets import Preset, find_preset
from hertzian.datasets.published import Kind

_FURTHEST_DB = 100.0
_AHEAD = 2  # cells that each worker may be ahead of the writer
_KEPT_BYTES = 24 << 20


@dataclass(frozen=True)
class Job:
    """A cell to make: examples of a kind at an SNR, of a preset by its name."""

    preset: str
    seed: int
    kind: Kind
    snr_db: float
    count: int


@dataclass(frozen=True)
class _Facts:
    """What is known of windows [n] once they are made; see `Dataset`."""

    group: Int64
    bandwidth_hz: Float32
    symbol_rate_hz: Float32

    @classmethod
    def of(cls, windows: int) -> "_Facts":
        """Return room for what will be known."""
        unknown = np.full(windows, np.nan, dtype=np.float32)
        return cls(np.zeros(windows, dtype=np.int64), unknown, unknown.copy())


@dataclass
class _MadeWindows:
    """Windows [n, 2, samples] that are made when it is their turn to be read, once and in order.

    Reading fills in `facts`, so that no more than a few cells are in memory.
    """

    cells: Iterator[Cell]
    shape: tuple[int, ...]
    facts: _Facts
    shared_groups: bool
    sample_rate_hz: float
    advance: Advance
    _rest: Float32 = field(init=False)
    _row: int = 0
    _next_group: int = 0

    def __post_init__(self) -> None:
        self._rest = np.empty((0, *self.shape[1:]), dtype=np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> Float32:
        start, stop = check_slice(rows, len(self))
        if start != self._row:
            raise DatasetError("windows that are being made can be read in order only")
        parts = [self._rest]
        while (have := sum(map(len, parts))) < stop - start:
            parts.append(self._take(next(self.cells), start + have))
        x = parts[1] if len(parts) == 2 and not len(parts[0]) else np.concatenate(parts)
        self._row, self._rest = stop, x[stop - start :]
        return x[: stop - start]

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Refuse: windows that are being made have an order."""
        raise DatasetError("windows that are being made can be read in order only")

    def _take(self, cell: Cell, row: int) -> Float32:
        group = cell.group
        if not self.shared_groups:
            group = np.where(group < 0, -1, group + self._next_group)
            self._next_group += int(cell.group.max(initial=-1)) + 1
        rows = slice(row, row + len(group))
        self.facts.group[rows] = group
        self.facts.bandwidth_hz[rows] = cell.bandwidth * self.sample_rate_hz
        self.facts.symbol_rate_hz[rows] = cell.symbol_rate * self.sample_rate_hz
        self.advance(len(group))
        return np.asarray(cell.x, dtype=np.float32)


def synthesise(
    preset: str,
    out: Path,
    *,
    per: int | None = None,
    seed: int,
    snr_db: Sequence[float] | None = None,
    workers: int = 1,
    advance: Advance = ignore,
) -> None:
    """Write a preset's windows, ordered by modulation, SNR, then kind, to a dataset file.

    The same arguments give the same bytes, whatever the number of workers.

    Args:
        preset: its name.
        out: the file, of one of `SUFFIXES`.
        per: examples of every kind at every SNR; None for those of the preset.
        seed: of the preset.
        snr_db: SNRs; None for those of the preset.
        workers: processes or threads.
        advance: told how many windows are done.

    Raises:
        HertzianError: no such preset, impossible numbers, an SNR at which there is nothing to
            find, or the file cannot be written.
    """
    recipe = find_preset(preset)
    levels = recipe.snr_db if snr_db is None else tuple(map(float, snr_db))
    _check(out, per, seed, levels, workers)
    jobs = [
        Job(preset, seed, kind, level, recipe.count(kind, per))
        for modulation, level in itertools.product(recipe.modulations, sorted(levels))
        for kind in recipe.kinds
        if kind.modulation == modulation
    ]
    with open_pool(recipe.parallel, workers) as pool:
        cells = made(jobs, pool, workers)
        write_as(out, _dataset(recipe, jobs, cells, advance))


def _check(out: Path, per: int | None, seed: int, levels: tuple[float, ...], workers: int) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise DatasetError(f"{out}: a dataset file ends in {', '.join(SUFFIXES)}")
    if not out.parent.is_dir():
        raise DatasetError(f"cannot write {out}: the folder {out.parent} does not exist")
    if out.is_dir():
        raise DatasetError(f"cannot write {out}: it is a folder")
    if (per is not None and per < 1) or workers < 1 or seed < 0:
        raise DatasetError(
            f"{per} examples, seed {seed} and {workers} workers are not possible; at least 1, 0 "
            "and 1 are"
        )
    check_levels(levels)


def check_levels(levels: tuple[float, ...]) -> None:
    """Refuse a list of SNRs in dB that is empty, names one twice or is out of all bounds.

    Raises:
        DatasetError: it is.
    """
    if not levels or len(set(levels)) < len(levels):
        raise DatasetError("the list of SNRs is empty or names one twice")
    if not all(math.isfinite(level) and abs(level) <= _FURTHEST_DB for level in levels):
        raise DatasetError(f"SNRs lie within {_FURTHEST_DB:g} dB of 0, unlike {levels}")


def _dataset(
    recipe: Preset,
    jobs: Sequence[Job],
    cells: Iterator[Cell],
    advance: Advance,
) -> Dataset:
    counts = [job.count for job in jobs]
    total = sum(counts)
    modulations, protocols = recipe.modulations, recipe.protocols
    labels = [modulations.index(job.kind.modulation) for job in jobs]
    protocol = [
        -1 if job.kind.protocol is None else protocols.index(job.kind.protocol) for job in jobs
    ]
    facts = _Facts.of(total)
    return Dataset(
        x=_MadeWindows(
            cells=cells,
            shape=(total, 2, recipe.samples),
            facts=facts,
            shared_groups=recipe.maker.shared_groups,
            sample_rate_hz=recipe.sample_rate_hz,
            advance=advance,
        ),
        modulation=np.repeat(np.asarray(labels, dtype=np.int64), counts),
        snr_db=np.repeat(np.asarray([job.snr_db for job in jobs], dtype=np.float32), counts),
        group=facts.group,
        bandwidth_hz=facts.bandwidth_hz,
        symbol_rate_hz=facts.symbol_rate_hz,
        modulations=modulations,
        protocol=np.repeat(np.asarray(protocol, dtype=np.int64), counts) if protocols else None,
        protocols=protocols,
        preset=recipe.name,
        seed=jobs[0].seed,
        sample_rate_hz=recipe.sample_rate_hz,
        snr_definition=recipe.snr_definition,
        version=version("hertzian"),
    )


@contextmanager
def open_pool(kind: str, workers: int) -> Iterator[Executor]:
    """Open a pool of "threads" or "processes" of which each computes on one thread of its own.

    One thread each, since sums of several differ from those of one in the last bits.
    """
    if kind == "threads" or workers == 1:
        pool: Executor = ThreadPoolExecutor(workers, initializer=_begin_working)
    else:
        # a forked child could inherit a lock that one of torch's threads holds
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, context, _begin_working)
    before = torch.get_num_threads()
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def _begin_working() -> None:
    torch.set_num_threads(1)
    # malloc of glibc keeps for reuse up to twice the largest block that was ever freed; to get the
    # pages anew for every chunk took a third of the time
    torch.empty(_KEPT_BYTES, dtype=torch.uint8)


def made(jobs: Iterable[Job], pool: Executor, workers: int) -> Iterator[Cell]:
    """Make every cell in order, a few for each worker of the pool before they are asked for."""
    waiting: deque[Future[Cell]] = deque()
    for job in jobs:
        waiting.append(pool.submit(_make, job))
        if len(waiting) > _AHEAD * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _make(job: Job) -> Cell:
    return find_preset(job.preset).maker.cell(job.seed, job.kind, job.snr_db, job.count)
