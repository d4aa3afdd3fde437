"""How fast datasets are made, beside what limits that, and beside TorchSig."""

import itertools
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from hertzian.channel.noise import complex_normal
from hertzian.datasets.dataset import DatasetWarning
from hertzian.datasets.presets import Preset, find_preset
from hertzian.datasets.synthesis import Job, made, open_pool, synthesise
from hertzian.experiments.peers import torchsig

Advance = Callable[[float], None]

FLAGSHIP = "rml2016-10a"
"""The preset that is set beside TorchSig."""

TORCHSIG_LEVEL = 2

_SEED = 1
_CELL_SAMPLES = 256_000
_CELL_WINDOWS_OF_PROCESSES = 32  # where a window takes milliseconds
_NOISE_SHAPE = (1000, 128)  # as many windows as are made at once
_COPIED = 1 << 22  # complex64: 32 MB, more than most caches hold
_WARM_UP_EXAMPLES = 20


@dataclass(frozen=True)
class Rate:
    """What was made, and how long it took.

    Attributes:
        windows: made.
        samples: of a window.
        seconds: by the clock.
        cpu_seconds: of all threads together; None where other processes did the work.
    """

    windows: int
    samples: int
    seconds: float
    cpu_seconds: float | None

    @property
    def windows_per_second(self) -> float:
        """Windows in a second."""
        return self.windows / self.seconds

    @property
    def samples_per_second(self) -> float:
        """Complex samples in a second."""
        return self.windows * self.samples / self.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return everything under its name."""
        return vars(self) | {
            "windows_per_second": self.windows_per_second,
            "samples_per_second": self.samples_per_second,
            "windows_per_cpu_second": self.windows / self.cpu_seconds if self.cpu_seconds else None,
        }


def preset_rate(name: str, workers: int, seconds: float) -> Rate:
    """Make windows of a preset for some seconds as `synthesise` does, but for the file.

    Every kind has as many cells as any other, at SNRs from the upper half of the preset's list.
    Neither the start of the workers nor their first cells count.

    Raises:
        DatasetError: there is no such preset.
    """
    preset = find_preset(name)
    with open_pool(preset.parallel, workers) as pool:
        _await_workers(pool, workers)
        for _ in made(_round(preset, 0, 1), pool, workers):
            pass
        windows, start, start_cpu = 0, time.perf_counter(), time.process_time()
        for cell in made(_rounds(preset, seconds), pool, workers):
            windows += len(cell.group)
        passed, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    return Rate(windows, preset.samples, passed, cpu if _in_threads(preset, workers) else None)


def _in_threads(preset: Preset, workers: int) -> bool:
    return preset.parallel == "threads" or workers == 1


def _rounds(preset: Preset, seconds: float) -> Iterator[Job]:
    end = time.perf_counter() + seconds
    for number in itertools.count(1):
        yield from _round(preset, number, None)
        if time.perf_counter() > end:
            return


def _round(preset: Preset, number: int, count: int | None) -> Iterator[Job]:
    """Return one cell of each kind: of so many windows, or of about a quarter million samples."""
    levels = preset.snr_db[len(preset.snr_db) // 2 :]
    most = _CELL_SAMPLES // preset.samples
    if preset.parallel == "processes":
        most = _CELL_WINDOWS_OF_PROCESSES
    for place, kind in enumerate(preset.kinds):
        level = levels[(number + place) % len(levels)]
        size = count or min(preset.count(kind), most)
        yield Job(preset.name, _SEED + number, kind, level, size)


def _await_workers(pool: Executor, workers: int) -> None:
    """Return when every worker of the pool has done something."""
    known: set[tuple[int, int]] = set()
    while len(known) < workers:
        known |= set(pool.map(_name_worker, range(workers)))


def _name_worker(number: int) -> tuple[int, int]:
    time.sleep(0.02)  # so that no worker takes the turn of another
    return os.getpid(), threading.get_ident()


def written_rate(name: str, path: Path, per: int, workers: int, advance: Advance) -> dict[str, Any]:
    """Write `per` windows of every kind and SNR to a file; the start of the workers counts.

    Raises:
        HertzianError: as for `synthesise`.
    """
    preset = find_preset(name)
    windows = cell_count(preset) * per
    start, start_cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        synthesise(name, path, per=per, seed=_SEED, workers=workers, advance=advance)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    size = path.stat().st_size
    rate = Rate(windows, preset.samples, seconds, cpu if _in_threads(preset, workers) else None)
    return rate.to_dict() | {"preset": name, "bytes": size, "bytes_per_second": size / seconds}


def cell_count(preset: Preset) -> int:
    """Return how many pairs of a kind and an SNR a preset has."""
    return len(preset.kinds) * len(preset.snr_db)


def limits(workers: int, seconds: float) -> dict[str, float]:
    """Return what the machine allows, in complex samples per second of all workers together.

    `noise`: normal numbers and nothing else; `copy`: complex64 from memory to memory.
    """
    with open_pool("threads", workers) as pool:
        return {
            "noise": sum(pool.map(_noise_rate, [seconds] * workers)),
            "copy": sum(pool.map(_copy_rate, [seconds] * workers)),
        }


def _noise_rate(seconds: float) -> float:
    generator = torch.Generator().manual_seed(_SEED)
    samples = _NOISE_SHAPE[0] * _NOISE_SHAPE[1]
    return _repeated(lambda: complex_normal(_NOISE_SHAPE, generator), samples, seconds)


def _copy_rate(seconds: float) -> float:
    source = np.ones(_COPIED, dtype=np.complex64)
    target = np.empty_like(source)
    return _repeated(lambda: np.copyto(target, source), _COPIED, seconds)


def _repeated(work: Callable[[], object], samples: int, seconds: float) -> float:
    """Return how many samples a second a repeated piece of work does."""
    work()
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        work()
        done += samples
    return done / passed


def beside_torchsig(
    workers: int, seconds: float, examples: int, rounds: int, folder: Path | None, advance: Advance
) -> dict[str, Any]:
    """Make windows of RML2016.10a and narrowband examples of TorchSig by turns; give the medians.

    TorchSig runs in as many processes at once as Hertzian has workers, all impairments on.

    Raises:
        WorkerError: TorchSig is missing or failed.
    """
    torchsig.ENVIRONMENT.find_python(folder)
    ours, theirs = [], []
    for number in range(rounds):
        ours.append(preset_rate(FLAGSHIP, workers, seconds).samples_per_second)
        speeds = _torchsig_speeds(workers, examples, _SEED + number, folder)
        theirs.append(sum(speed.examples_per_s * speed.samples for speed in speeds))
        advance(1)
    return {
        "versions": speeds[0].versions,
        "level": TORCHSIG_LEVEL,
        "processes": workers,
        "rounds": rounds,
        "samples_per_second": median(theirs),
        "ours": median(ours),
        "ratio": median(ours) / median(theirs),
    }


def _torchsig_speeds(
    processes: int, examples: int, seed: int, folder: Path | None
) -> list[torchsig.Speed]:
    def measure(number: int) -> torchsig.Speed:
        return torchsig.measure_speed(
            TORCHSIG_LEVEL,
            examples=examples,
            warm_up=_WARM_UP_EXAMPLES,
            seed=seed * processes + number,
            folder=folder,
        )

    with open_pool("threads", processes) as pool:
        return list(pool.map(measure, range(processes)))
