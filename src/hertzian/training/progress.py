"""How far a training is: a bar on a terminal, a line an epoch elsewhere; on standard error."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_SHORTEST_S = 0.5
"""Time between two drawings: a thread that draws would take a core from the training."""


class TrainingProgress(Callback):
    """Shows epoch, figures and the time left if no epoch is spared.

    Args:
        console: where to; None is standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            auto_refresh=False,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._drawn = self._epoch_began = time.monotonic()

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Begin, where a resumed run had stopped."""
        total = (trainer.max_epochs or 0) * int(trainer.num_training_batches)
        self._task = self._bars.add_task(
            "", total=total, completed=trainer.global_step, epoch=_epoch(trainer), figures=""
        )
        self._bars.start()

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Note the time."""
        self._epoch_began = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any
    ) -> None:
        """Draw the bar, now and then."""
        if self._task is not None and time.monotonic() - self._drawn >= _SHORTEST_S:
            self._drawn = time.monotonic()
            self._bars.update(self._task, completed=trainer.global_step, epoch=_epoch(trainer))
            self._bars.refresh()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Tell the epoch's figures."""
        found = trainer.callback_metrics
        figures = ", ".join(
            f"{title} {float(found[name]):{form}}"
            for name, title, form in (
                ("train_loss", "loss", "#.4g"),
                ("validation_loss", "validation loss", "#.4g"),
                ("validation_accuracy", getattr(pl_module, "measured", "accuracy"), ".2%"),
            )
            if name in found
        )
        if self._task is not None:
            self._bars.update(self._task, figures=figures)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._epoch_began
            self._console.print(f"epoch {_epoch(trainer)}: {figures}, {seconds:.1f} s")

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Take the bar away."""
        self._bars.stop()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Take the bar away before the error is told."""
        self._bars.stop()


def _epoch(trainer: lightning.Trainer) -> str:
    return f"{trainer.current_epoch + 1}/{trainer.max_epochs}"
