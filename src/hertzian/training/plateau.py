"""Plain classification as published benchmarks train it: Adam, halved and stopped by plateaus."""

import math
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from hertzian.signal import HertzianError
from hertzian.training.averaging import MovingAverage
from hertzian.training.batches import Batch
from hertzian.training.learner import Learner, decayed_apart

LEAST_IMPROVEMENT = 1e-4
"""A validation loss must fall by more than this for the rate to stay (Keras' default)."""

ADAM_EPSILON = 1e-7
"""Of Adam, as Keras has it."""


class Patience:
    """Counts epochs without improvement of a figure that should fall.

    Args:
        epochs: that many in a row use it up; None never does.
        least: a fall by this or less is none.

    Raises:
        HertzianError: fewer than one epoch.
    """

    def __init__(self, epochs: int | None, least: float = 0.0) -> None:
        if epochs is not None and epochs < 1:
            raise HertzianError(f"a patience is 1 epoch or more, not {epochs}")
        self.epochs = epochs
        self.least = least
        self.best = float("inf")
        self.waited = 0

    @property
    def used_up(self) -> bool:
        """Whether it has waited long enough."""
        return self.epochs is not None and self.waited >= self.epochs

    def see(self, value: float) -> None:
        """Take the next epoch's figure; what is not a number improves nothing."""
        if value < self.best - self.least:
            self.best, self.waited = value, 0
        else:
            self.waited += 1


class PlateauSchedule(Callback):
    """Halve the learning rate, and stop, when the validation loss no longer falls.

    It is a callback, as its state must be in a checkpoint that is written when an epoch ends;
    Lightning steps a scheduler after that, and a resumed run would have lost a step.

    Args:
        halve_after: epochs without improvement; None leaves the rate.
        stop_after: epochs without any improvement; None never stops.
    """

    def __init__(self, halve_after: int | None, stop_after: int | None) -> None:
        self.rate = Patience(halve_after, LEAST_IMPROVEMENT)
        self.stop = Patience(stop_after)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Leave a run alone that had stopped before."""
        trainer.should_stop = trainer.should_stop or self.stop.used_up

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Look at the epoch's validation loss."""
        loss = float(trainer.callback_metrics["validation_loss"])
        self.rate.see(loss)
        self.stop.see(loss)
        if self.rate.used_up:
            self.rate.waited = 0
            for optimizer in trainer.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] /= 2
        if self.stop.used_up:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run has to know."""
        return {name: (p.best, p.waited) for name, p in self._patiences().items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        for name, patience in self._patiences().items():
            patience.best, patience.waited = state_dict[name]

    def _patiences(self) -> dict[str, Patience]:
        return {"rate": self.rate, "stop": self.stop}


class Classifier(Learner):
    """Cross-entropy and Adam, the learning rate and the end set by the validation loss.

    The protocol of the published networks; the best epoch is that of the least validation loss.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, class_count].
        class_count: number of classes.
        learning_rate: of the first epochs.
        halve_after: halve the rate after so many epochs in which the validation loss didn't fall
            by more than 1e-4; None keeps it.
        stop_after: stop after so many in which it didn't fall at all; None goes on to the last.
        averaged: epochs over which the validated and kept weights are averaged, see
            `MovingAverage`; None takes those of the last step.
        weight_decay: of AdamW (Loshchilov and Hutter 2019): a step takes the rate times this off
            all weights but biases and norms; None is Adam.
        compiled: see `Learner`.

    Raises:
        HertzianError: a patience of less than one epoch, or an average or a decay of none.
    """

    def __init__(
        self,
        model: nn.Module,
        class_count: int,
        learning_rate: float,
        *,
        halve_after: int | None = None,
        stop_after: int | None = None,
        averaged: float | None = None,
        weight_decay: float | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__(model, class_count, compiled=compiled)
        self.learning_rate = learning_rate
        self.schedule = PlateauSchedule(halve_after, stop_after)
        self.weight_decay = weight_decay
        self.averaged = averaged
        for what, value in (("an average", averaged), ("a decay of weights", weight_decay)):
            if value is not None and not 0 < value < math.inf:
                raise HertzianError(f"{what} is a number above 0, not {value:g}")

    @property
    def exhausted(self) -> bool:
        """Whether the validation loss has stopped falling."""
        return self.schedule.stop.used_up

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the cross-entropy of (x, labels)."""
        x, labels = batch
        return nn.functional.cross_entropy(self.train_forward(x).float(), labels)

    def on_train_epoch_start(self) -> None:
        """Write the epoch's learning rate to the log."""
        rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        self.log("learning_rate", rate, on_epoch=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam, or AdamW, on the network alone."""
        if self.weight_decay is not None:
            groups = decayed_apart(self.model, self.weight_decay)
            return torch.optim.AdamW(groups, lr=self.learning_rate, eps=ADAM_EPSILON, fused=True)
        wanted = [p for p in self.model.parameters() if p.requires_grad]
        return torch.optim.Adam(wanted, lr=self.learning_rate, eps=ADAM_EPSILON, fused=True)

    def configure_callbacks(self) -> list[Callback]:
        """Give the trainer the plateau schedule and the average of the weights."""
        if self.averaged is None:
            return [self.schedule]
        device = self.trainer.strategy.root_device
        return [self.schedule, MovingAverage(self.averaged, device)]
