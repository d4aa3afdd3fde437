"""Datasets from presets: cell by cell of (class, SNR), by as many processes as wanted."""

import itertools
import math
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from hertzian.datasets.dataset import Dataset, DatasetError, Float32, Int64, finite, gather
from hertzian.datasets.files import write_dataset
from hertzian.datasets.presets import Preset, find_preset

SUFFIXES = (".h5", ".npz")
_FURTHEST_DB = 100.0

Group = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Job:
    """A cell to make, and the file for its windows."""

    preset: str
    seed: int
    label: str
    snr_db: float
    per: int
    file: Path


@dataclass(frozen=True)
class _CellFiles:
    """Windows [n, 2, samples] that lie in one file for each cell, `per` in each."""

    files: tuple[Path, ...]
    per: int
    samples: int

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.files) * self.per, 2, self.samples

    def __getitem__(self, rows: slice, /) -> Float32:
        start, stop, _ = rows.indices(self.shape[0])
        x = np.empty((max(0, stop - start), *self.shape[1:]), dtype=np.float32)
        row = start
        while row < stop:
            number, inside = divmod(row, self.per)
            held = np.load(self.files[number], mmap_mode="r")[inside : inside + stop - row]
            x[row - start : row - start + len(held)] = held
            row += len(held)
        return finite(x, start)

    def rows(self, indices: Int64, /) -> Float32:
        return gather(indices, self.shape, lambda first, stop: self[first:stop])


def synthesise(
    preset: str,
    out: Path,
    *,
    per: int,
    seed: int,
    snr_db: Sequence[float] | None = None,
    workers: int = 1,
    advance: Callable[[float], None] = lambda windows: None,
) -> None:
    """Write a preset's windows, ordered by class, then SNR, to a dataset file.

    The same arguments give the same bytes, whatever the number of workers.

    Args:
        preset: its name.
        out: the file, `.h5` or `.npz`.
        per: examples of every class at every SNR.
        seed: of the preset.
        snr_db: SNRs; None for those of the preset.
        workers: processes.
        advance: told how many windows are done.

    Raises:
        HertzianError: no such preset, impossible numbers, an SNR at which there is nothing to
            find, or the file cannot be written.
    """
    recipe = find_preset(preset)
    levels = recipe.snr_db if snr_db is None else tuple(map(float, snr_db))
    _check(out, per, seed, levels, workers)
    cells = list(itertools.product(recipe.classes, levels))
    with tempfile.TemporaryDirectory(prefix=f".{out.stem[:100]}.", dir=out.parent) as folder:
        jobs = [
            _Job(preset, seed, label, level, per, Path(folder) / f"{number}.npy")
            for number, (label, level) in enumerate(cells)
        ]
        groups: list[Group] = []
        for group in _made(jobs, workers):
            groups.append(group + (groups[-1][-1] + 1 if groups else 0))
            advance(per)
        write_dataset(out, _dataset(recipe, jobs, np.concatenate(groups)))


def _check(out: Path, per: int, seed: int, levels: tuple[float, ...], workers: int) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise DatasetError(f"{out}: a dataset file ends in {' or '.join(SUFFIXES)}")
    if not out.parent.is_dir():
        raise DatasetError(f"cannot write {out}: the folder {out.parent} does not exist")
    if out.is_dir():
        raise DatasetError(f"cannot write {out}: it is a folder")
    if min(per, workers) < 1 or seed < 0:
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


def _dataset(recipe: Preset, jobs: Sequence[_Job], group: Group) -> Dataset:
    per = jobs[0].per
    labels = [recipe.classes.index(job.label) for job in jobs]
    levels = [job.snr_db for job in jobs]
    return Dataset(
        x=_CellFiles(tuple(job.file for job in jobs), per, recipe.samples),
        modulation=np.repeat(np.asarray(labels, dtype=np.int64), per),
        snr_db=np.repeat(np.asarray(levels, dtype=np.float32), per),
        group=group,
        modulations=recipe.classes,
        preset=recipe.name,
        seed=jobs[0].seed,
        sample_rate_hz=recipe.sample_rate_hz,
        snr_definition=recipe.snr_definition,
        version=version("hertzian"),
    )


def _made(jobs: Sequence[_Job], workers: int) -> Iterator[Group]:
    """Make every cell; yield their groups in order."""
    if workers == 1:
        with _one_thread():
            yield from map(_make, jobs)
        return
    # a forked child could inherit a lock that one of torch's threads holds
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,)) as pool:
        try:
            yield from pool.map(_make, jobs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sum in one order: results of several threads differ from those of one in the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _make(job: _Job) -> Group:
    cell = find_preset(job.preset).cell(job.seed, job.label, job.snr_db, job.per)
    np.save(job.file, cell.x)
    return cell.group
