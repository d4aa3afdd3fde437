"""The training loop: Lightning's trainer, set up so that an interrupted run goes on."""

import contextlib
import csv
import logging
import pickle
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger

from hertzian.datasets.jobs import on_threads
from hertzian.signal import HertzianError
from hertzian.training.batches import BatchSource, batch_loader
from hertzian.training.checkpoints import (
    BEST,
    LAST,
    AtomicCheckpoints,
    best_epoch_keeper,
    last_epoch_keeper,
)
from hertzian.training.learner import FIGURES, Learner
from hertzian.training.memory import keep_freed_memory
from hertzian.training.processor import Accelerator, Precision, fast_precision
from hertzian.training.progress import TrainingProgress

_HISTORY = "metrics.csv"


@dataclass(frozen=True)
class FitResult:
    """What a run of `fit` left behind; its model holds the best epoch's weights.

    Attributes:
        best_checkpoint, last_checkpoint: Lightning checkpoints in the run's directory.
        best_accuracy: validation accuracy of the best epoch, 0..1.
        best_loss: its validation loss.
        epochs: finished epochs, those of an earlier interrupted run included.
        complete: whether all the epochs asked for are finished, or the learner is exhausted.
        seconds: wall time of this call.
        precision: that it trained in.
    """

    best_checkpoint: Path
    last_checkpoint: Path
    best_accuracy: float
    best_loss: float
    epochs: int
    complete: bool
    seconds: float
    precision: Precision


class Deadline(Callback):
    """Stop after the first epoch that ends later than `minutes` after the start."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Ask the trainer to stop once the time is up."""
        if time.monotonic() >= self._end:
            trainer.should_stop = True


class _StepSeed(Callback):
    """Seed what the network draws (dropout) anew in each step.

    So a run that goes on after an interruption draws what an uninterrupted one would.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_batch_start(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        mixed = np.random.SeedSequence([self._seed, trainer.global_step])
        torch.manual_seed(int(mixed.generate_state(1)[0]))


def fit(
    learner: Learner,
    train_data: BatchSource,
    validation_data: BatchSource,
    *,
    epochs: int,
    batch_size: int,
    directory: Path,
    precision: Precision | Literal["auto"] = "32-true",
    accelerator: Accelerator = "cpu",
    seed: int = 0,
    threads: int | None = None,
    max_minutes: float | None = None,
    progress: bool = True,
) -> FitResult:
    """Train a network; with an earlier run's checkpoint in `directory`, go on from there.

    Every finished epoch is written to `directory` (`last.ckpt`, the best one by the learner's
    measure as `best.ckpt`) and appended to `metrics.csv`. At the end the learner's model holds
    the weights of the best epoch and is in evaluation mode.

    Args:
        learner: the network and how it learns; trained in place.
        train_data: what the learner's `training_loss` takes, in any order.
        validation_data: windows and labels; chooses the best epoch.
        epochs: passes over the training data, at most.
        batch_size: examples in a step.
        directory: the run's folder, made if missing.
        precision: "bf16-mixed" is 2 to 3 times as fast on processors with AMX or AVX512-BF16;
            "auto" takes it where it is fast, see `fast_precision`.
        accelerator: "auto" takes a GPU where there is one.
        seed: of the shuffling and the dropout.
        threads: processor threads while it trains; None leaves torch's choice.
        max_minutes: start no further epoch once this much time has passed (the schedule is not
            shortened: call again with the same `epochs` to finish it).
        progress: show on standard error how far it is: a bar, or a line an epoch where that is
            no terminal.

    Raises:
        HertzianError: fewer than one epoch, or an unusable checkpoint in `directory`.
    """
    if epochs < 1:
        raise HertzianError(f"epochs must be 1 or more, not {epochs}")
    started = time.monotonic()
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    chosen = fast_precision(accelerator) if precision == "auto" else precision
    callbacks = [_StepSeed(seed), best_epoch_keeper(directory, learner.monitor, learner.mode)]
    callbacks.append(last_epoch_keeper(directory))
    if max_minutes is not None:
        callbacks.append(Deadline(max_minutes))
    if progress:
        callbacks.append(TrainingProgress())
    last = directory / LAST
    if last.exists():
        _check_resumable(learner, last)
    with _quiet_lightning():
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=1,
            max_epochs=epochs,
            precision=chosen,
            gradient_clip_val=learner.gradient_norm,
            logger=CSVLogger(directory, name="epochs"),
            callbacks=callbacks,
            plugins=[AtomicCheckpoints()],
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=50,
        )
        learner.train()  # Lightning leaves a network in the mode that it finds
        with _interruptible(), on_threads(threads):
            trainer.fit(
                learner,
                batch_loader(train_data, batch_size, seed),
                batch_loader(validation_data, batch_size, None),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
    best = torch.load(directory / BEST, map_location="cpu", weights_only=True)
    learner.load_state_dict(best["state_dict"])
    learner.model.eval()
    return FitResult(
        best_checkpoint=directory / BEST,
        last_checkpoint=last,
        best_accuracy=best[FIGURES]["validation_accuracy"],
        best_loss=best[FIGURES]["validation_loss"],
        epochs=trainer.current_epoch,
        complete=trainer.current_epoch >= epochs or learner.exhausted,
        seconds=time.monotonic() - started,
        precision=chosen,
    )


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Hand on an interrupt, which Lightning makes an exit with status 1, deaf to further ones."""
    ours = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as leaving:
        if not isinstance(leaving.__context__, KeyboardInterrupt):
            raise
        if ours:
            signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advice and its notes about its own internals from the user."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        log.setLevel(level)


def _check_resumable(learner: Learner, last: Path) -> None:
    """Check that a checkpoint is one, and of this network.

    Raises:
        HertzianError: it is not.
    """
    try:
        found = torch.load(last, map_location="cpu", weights_only=True)
        learner.load_state_dict(found["state_dict"])
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise HertzianError(
            f"{last}: cannot go on from this checkpoint ({reason}); "
            "train the same network, or choose another directory"
        ) from error


def history(directory: Path) -> list[dict[str, float]]:
    """Return the run's epochs in order: `epoch`, `train_loss`, `validation_accuracy`, ..."""
    rows: dict[int, dict[str, float]] = {}
    for path in sorted(Path(directory).glob(f"epochs/version_*/{_HISTORY}"), key=_version):
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                known = {key: float(value) for key, value in row.items() if value}
                rows.setdefault(int(known["epoch"]), {}).update(known)
    return [rows[epoch] for epoch in sorted(rows)]


def _version(path: Path) -> int:
    return int(path.parent.name.rpartition("_")[2])
