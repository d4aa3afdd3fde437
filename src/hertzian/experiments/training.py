"""How fast networks train on the processor, beside their twins in Keras and the machine's limit.

Ours are trained by `hertzian.training.fit`, as anyone trains them, on windows of noise in memory.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from hertzian.datasets.jobs import on_threads
from hertzian.experiments.peers import keras
from hertzian.models.registry import ModelSpec, build, count_macs, count_parameters, spec
from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset, Classifier, Precision, fit
from hertzian.training.batches import Batch, Indices
from hertzian.workers.errors import WorkerError

Advance = Callable[[float], None]

PUBLISHED_BATCHES = {"crosstlnet": 32, "mini-crosstlnet": 32, "afnet": 512}
"""Of networks whose papers trained them with other batches than the rest."""

BATCH, LONG_BATCH = 400, 128
"""Of the other networks: as benchmarks on RML2016.10a have it; for windows above 128 samples."""

PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed")

WARM_UP, LEAST_STEPS = 3, 3

_LEARNING_RATE = 1e-4
_SEED = 1
_STORED_BATCHES = 16
_MOST_STEPS = 10_000
_MATRIX = 2048
_FLOPS_PER_MAC = 2
_PASSES = 3  # forward, gradient of the activations, gradient of the weights


@dataclass(frozen=True)
class Way:
    """How a network of ours trains.

    Attributes:
        precision: of `PRECISIONS`.
        compiled: through `torch.compile`.
    """

    precision: Precision
    compiled: bool = False


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        seconds: of training for each figure, after the warm-up, and at least three steps.
        rounds: in which everything has its turn once.
        threads: of each side.
    """

    seconds: float
    rounds: int
    threads: int


def published_batch(network: ModelSpec) -> int:
    """Return how many examples a step has unless the user says otherwise."""
    usual = BATCH if network.samples <= 128 else LONG_BATCH
    return PUBLISHED_BATCHES.get(network.name, usual)


def gemm_peak(precision: Precision, threads: int, seconds: float) -> float:
    """Return the FLOP/s of the fastest of many products of two matrices of 2048 x 2048."""
    dtype = torch.float32 if precision == "32-true" else torch.bfloat16
    left, right = (torch.randn(_MATRIX, _MATRIX).to(dtype) for _ in range(2))
    product = torch.empty_like(left)
    times: list[float] = []
    with on_threads(threads):
        while len(times) < WARM_UP or sum(times) < seconds:
            start = time.perf_counter()
            torch.mm(left, right, out=product)
            times.append(time.perf_counter() - start)
    return _FLOPS_PER_MAC * _MATRIX**3 / min(times)


class _Stopwatch(Callback):
    """Times the steps of `fit` after the warm-up, and stops it when that has taken long enough."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = 0.0
        self.steps = -WARM_UP
        self.passed = 0.0

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count a step."""
        now = time.perf_counter()
        self.steps += 1
        if self.steps <= 0:
            self._began = now
        self.passed = now - self._began
        if self.steps >= LEAST_STEPS and self.passed >= self._seconds:
            trainer.should_stop = True


class _Timed(Classifier):
    """The usual learner with a stopwatch."""

    stopwatch: Callback

    def configure_callbacks(self) -> list[Callback]:
        return [*super().configure_callbacks(), self.stopwatch]


class _Endless:
    """A few stored batches that are an epoch longer than anyone waits for."""

    def __init__(self, network: ModelSpec, batch: int) -> None:
        random = np.random.default_rng(_SEED)
        count = batch * _STORED_BATCHES
        x = random.standard_normal((count, 2, network.samples), dtype=np.float32)
        self._stored = ArrayDataset([(x, random.integers(0, len(network.classes), count))])
        self._length = batch * _MOST_STEPS

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, indices: Indices, /) -> Batch:
        return self._stored[np.sort(indices % len(self._stored))]


class Trainee:
    """A network of ours in one way of training, timed as often as one likes.

    Args:
        name: in the registry.
        batch: examples in a step.
        way: how it trains.
        folder: for the files of `fit`, which are removed after each time.

    Raises:
        HertzianError: no network has that name.
    """

    def __init__(self, name: str, batch: int, way: Way, folder: Path) -> None:
        network = spec(name)
        self._name = name
        self._way = way
        self._batch = batch
        self._folder = folder / "fit"
        self._learner = _Timed(
            build(name), len(network.classes), _LEARNING_RATE, compiled=way.compiled
        )
        self._data = _Endless(network, batch)
        few = np.zeros((1, 2, network.samples), dtype=np.float32)
        self._validation = ArrayDataset([(few, np.zeros(1, dtype=np.int64))])

    def examples_per_second(self, effort: Effort) -> float:
        """Train once more, and return the speed after the warm-up.

        Raises:
            HertzianError: it can't be compiled.
        """
        stopwatch = self._learner.stopwatch = _Stopwatch(effort.seconds)
        try:
            fit(
                self._learner,
                self._data,
                self._validation,
                epochs=1,
                batch_size=self._batch,
                directory=self._folder,
                precision=self._way.precision,
                threads=effort.threads,
                progress=False,
            )
        except RuntimeError as error:
            if not self._way.compiled:
                raise
            reason = str(error).strip().partition("\n")[0]
            raise HertzianError(
                f"torch.compile can't do {self._name} ({reason}): leave --compiled out"
            ) from error
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return stopwatch.steps * self._batch / stopwatch.passed


def measure(
    name: str,
    batch: int,
    ways: Sequence[Way],
    effort: Effort,
    folder: Path,
    python: Path | None,
    advance: Advance,
) -> dict[str, Any]:
    """Train a network in each way, and its twin in Keras, by turns; give the medians.

    Keras computes in float32, in the first round by each of its own ways, then by the faster one.

    Args:
        name: in the registry.
        batch: examples in a step.
        ways: of ours.
        effort: how long.
        folder: for temporary files.
        python: the interpreter that has Keras; None leaves it out.
        advance: called with 1 after every turn: one of each way and one of Keras a round.

    Returns:
        name, batch, samples, parameters, macs; `ours`: for each way its precision, whether it is
        compiled, `examples_per_second`, `flop_per_second` and `ratio` to Keras (None without);
        `keras`: what it reached, or None; `failed`: why it reached nothing although it is there.

    Raises:
        HertzianError: no network has that name, it has several heads, or it can't be compiled.
    """
    network = spec(name)
    macs = _macs(network)
    trainees = [Trainee(name, batch, way, folder) for way in ways]
    ours: list[list[float]] = [[] for _ in ways]
    theirs = _Keras(network, batch, effort, python) if python and name in keras.TWINS else None
    for _ in range(effort.rounds):
        for trainee, speeds in zip(trainees, ours, strict=True):
            speeds.append(trainee.examples_per_second(effort))
            advance(1)
        if theirs is not None:
            theirs.take_turn()
            advance(1)
    told = theirs.to_dict() if theirs is not None else None
    return {
        **{"name": name, "batch": batch, "samples": network.samples},
        **{"parameters": count_parameters(build(name)), "macs": macs},
        "ours": [
            {
                **vars(way),
                "examples_per_second": median(speeds),
                "flop_per_second": _PASSES * _FLOPS_PER_MAC * macs * median(speeds),
                "ratio": median(speeds) / told["examples_per_second"] if told else None,
            }
            for way, speeds in zip(ways, ours, strict=True)
        ],
        "keras": told,
        "failed": theirs.failure if theirs is not None else None,
    }


def _macs(network: ModelSpec) -> int:
    model = build(network.name).eval()
    with torch.no_grad():
        logits = model(torch.zeros(1, 2, network.samples))
    if not isinstance(logits, torch.Tensor):
        raise HertzianError(f"{network.name} has several heads: name a network that has one")
    return count_macs(model, network.samples)


class _Keras:
    """The turns of a network's twin."""

    def __init__(self, network: ModelSpec, batch: int, effort: Effort, python: Path) -> None:
        self._network = network
        self._batch = batch
        self._effort = effort
        self._python = python
        self._turns: list[keras.Twin] = []
        self.failure: str | None = None

    def take_turn(self) -> None:
        """Time the twin: in both ways first, then in the faster one; none after a failure."""
        if self.failure is None:
            try:
                self._turns.append(self._measured((self._faster(),) if self._turns else keras.WAYS))
            except WorkerError as error:
                self.failure = str(error)

    def _measured(self, ways: Sequence[str]) -> keras.Twin:
        return keras.measure_training(
            self._network.name,
            build(self._network.name),
            class_count=len(self._network.classes),
            samples=self._network.samples,
            batch=self._batch,
            learning_rate=_LEARNING_RATE,
            ways=ways,
            warm_up=WARM_UP,
            steps=LEAST_STEPS,
            seconds=self._effort.seconds,
            threads=self._effort.threads,
            python=self._python,
        )

    def _faster(self) -> str:
        speeds = self._turns[0].speeds
        return max(speeds, key=speeds.__getitem__)

    def to_dict(self) -> dict[str, Any] | None:
        """Return the median of the faster way, what the first turn told of both, and the twin.

        None after a failure.
        """
        if self.failure is not None:
            return None
        way, first = self._faster(), self._turns[0]
        return {
            "way": way,
            "examples_per_second": median(turn.speeds[way] for turn in self._turns),
            "first_turn": first.speeds,
            "parameters": first.parameters,
            "largest_difference": max(turn.difference for turn in self._turns),
            "versions": first.versions,
        }
