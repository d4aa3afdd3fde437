"""Latency of one window and throughput of many, every way by turns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hertzian.datasets.jobs import on_threads
from hertzian.experiments.inference.memory import peak_activation_bytes
from hertzian.experiments.inference.ways import (
    WAYS,
    Answer,
    Float32,
    Way,
    noise,
    open_ways,
)
from hertzian.models import build, count_macs, count_parameters, spec
from hertzian.signal import HertzianError

Advance = Callable[[float], None]

_REST_SECONDS, _WARM_UP_SECONDS = 0.2, 0.1


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes:
        calls: with one window, each timed, in a turn.
        seconds: of calls with a batch in a turn, and at least three.
        rounds: in which every way has a turn with each number of threads.
        batch: windows of a call for the throughput.
        threads: numbers of threads.
    """

    calls: int
    seconds: float
    rounds: int
    batch: int
    threads: tuple[int, ...]


def measure(
    name: str,
    effort: Effort,
    folder: Path,
    wanted: Sequence[str],
    advance: Advance,
    converter: Path | None = None,
) -> dict[str, Any]:
    """Measure a network in every way that is wanted, by turns.

    Args:
        name: in the registry.
        effort: how much.
        folder: for its files.
        wanted: of `WAYS`.
        advance: called with 1 after every turn: each way with each number of threads a round.
        converter: interpreter that has LiteRT's; None looks in its default place.

    Returns:
        name, samples, parameters, macs, activation_bytes; `ways`: for each its name, `file_bytes`,
        `integer_kernels`, `float_kernels`, `failed` (why it could not answer, or None) and, by the
        number of threads, `latency_us` (`p50`, `p99` over all calls, `turns`: the medians of the
        turns) and `windows_per_second` (the median of the turns).

    Raises:
        HertzianError: no network has that name.
    """
    described, model = spec(name), build(name)
    ways = open_ways(name, folder, tuple(way for way in WAYS if way in wanted), converter)
    turns = [_Turns(way, described.samples, effort) for way in ways]
    with on_threads(None):
        for _ in range(effort.rounds):
            for threads in effort.threads:
                for one in turns:
                    one.take(threads)
                    advance(1)
    return {
        **{"name": name, "samples": described.samples, "parameters": count_parameters(model)},
        "macs": count_macs(model, described.samples),
        "activation_bytes": peak_activation_bytes(model, described.samples),
        "ways": [one.to_dict() for one in turns],
    }


class _Turns:
    """What one way did in its turns."""

    def __init__(self, way: Way, samples: int, effort: Effort) -> None:
        self._way = way
        self._effort = effort
        self._one, self._many = noise(1, samples), noise(effort.batch, samples)
        self._answers: dict[int, Answer] = {}
        self._calls: dict[int, list[Float32]] = {threads: [] for threads in effort.threads}
        self._speeds: dict[int, list[float]] = {threads: [] for threads in effort.threads}
        self._failed: str | None = None

    def take(self, threads: int) -> None:
        """Take a turn; a way that failed takes none."""
        if self._failed is not None:
            return
        try:
            answer = self._ready(threads)
            self._calls[threads].append(_latencies(answer, self._one, self._effort.calls))
            self._speeds[threads].append(_throughput(answer, self._many, self._effort.seconds))
        except HertzianError as error:
            self._failed = str(error)
        if not self._way.lasting:
            self._answers.clear()

    def _ready(self, threads: int) -> Answer:
        """Return what answers with so many threads; a session is opened once for each."""
        torch.set_num_threads(threads)
        if threads not in self._answers:
            self._answers[threads] = self._way.answer(threads)
            self._answers[threads](self._many)
        # threads of the turn before spin for a while, waiting for more
        time.sleep(_REST_SECONDS)
        end = time.perf_counter() + _WARM_UP_SECONDS
        while time.perf_counter() < end:
            self._answers[threads](self._one)
        return self._answers[threads]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures of all turns."""
        told = {} if self._failed is not None else self._calls
        return {
            **{"way": self._way.name, "file_bytes": self._way.file_bytes},
            "integer_kernels": self._way.integer_kernels,
            "float_kernels": self._way.float_kernels,
            "failed": self._failed,
            "latency_us": {str(threads): _quantiles(calls) for threads, calls in told.items()},
            "windows_per_second": {
                str(threads): float(np.median(self._speeds[threads])) for threads in told
            },
        }


def _latencies(answer: Answer, window: Float32, calls: int) -> Float32:
    """Return the time of each of many calls with one window, in microseconds: [calls]."""
    found = np.empty(calls, dtype=np.float32)
    for place in range(calls):
        start = time.perf_counter_ns()
        answer(window)
        found[place] = (time.perf_counter_ns() - start) / 1000
    return found


def _throughput(answer: Answer, windows: Float32, seconds: float) -> float:
    """Return windows a second over calls with a batch."""
    answer(windows)
    count, start = 0, time.perf_counter()
    while count < 3 or time.perf_counter() - start < seconds:
        answer(windows)
        count += 1
    return count * len(windows) / (time.perf_counter() - start)


def _quantiles(turns: Sequence[Float32]) -> dict[str, Any]:
    calls = np.concatenate(turns)
    return {
        "p50": float(np.quantile(calls, 0.5)),
        "p99": float(np.quantile(calls, 0.99)),
        "turns": [float(np.median(turn)) for turn in turns],
    }
