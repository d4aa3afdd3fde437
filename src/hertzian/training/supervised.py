"""Supervised classification: smoothed cross-entropy, AdamW, one cycle of learning rates."""

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from hertzian.training.augment import augment

GRADIENT_NORM = 5.0
"""Gradients longer than this are shortened to it."""


class Supervised(lightning.LightningModule):
    """Teach a classifier its labels.

    Loss: cross-entropy with label smoothing (Szegedy et al. 2016, sec. 7). Optimiser: AdamW;
    biases and batch-norm parameters do not decay. Learning rate: one cycle (Smith and Topin
    2018): a cosine up over `warmup_share` of the steps and a cosine down to nearly zero.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, class_count].
        class_count: number of classes.
        learning_rate: the peak.
        epochs, steps_per_epoch: length of the schedule.
        label_smoothing: share of probability spread over all classes.
        weight_decay: of AdamW.
        warmup_share: part of the steps in which the learning rate rises.
        class_weights: weight of each class in the loss; None weighs them alike.
        augmented: turn, shift and scale each training batch at random, see `augment`.
        seed: of the augmentation.
        compiled: run training steps through `torch.compile`: about a minute at the start, then
            1.3 to 1.5 times as fast on a CPU.
    """

    def __init__(
        self,
        model: nn.Module,
        class_count: int,
        learning_rate: float,
        epochs: int,
        steps_per_epoch: int,
        *,
        label_smoothing: float = 0.05,
        weight_decay: float = 0.01,
        warmup_share: float = 0.15,
        class_weights: Sequence[float] | None = None,
        augmented: bool = True,
        seed: int = 0,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.learning_rate = learning_rate
        self.total_steps = epochs * steps_per_epoch
        self.weight_decay = weight_decay
        self.warmup_share = warmup_share
        self.augmented = augmented
        self.seed = seed
        weights = None if class_weights is None else torch.tensor(list(class_weights))
        self.loss = nn.CrossEntropyLoss(weight=weights, label_smoothing=label_smoothing)
        self.validation_accuracy = MulticlassAccuracy(class_count, average="micro")
        # Only the call is compiled: the module, its names and its export stay as they are.
        self._train_forward: Any = torch.compile(model.forward) if compiled else model.__call__

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        """Return the loss of one batch."""
        x, labels = batch
        if self.augmented:
            # Seeded by the step, so that a resumed run draws what an uninterrupted one would.
            generator = torch.Generator().manual_seed((self.seed << 32) + self.global_step)
            x = augment(x, generator)
        logits = self._train_forward(x)
        loss: Tensor = self.loss(logits.float(), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Add one batch to the validation loss and accuracy."""
        x, labels = batch
        logits = self.model(x).float()
        self.validation_accuracy.update(logits, labels)
        size = len(labels)
        self.log("validation_loss", self.loss(logits, labels), batch_size=size)
        self.log("validation_accuracy", self.validation_accuracy, prog_bar=True, batch_size=size)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its one-cycle schedule, by steps."""
        decayed = [p for p in self.model.parameters() if p.requires_grad and p.ndim > 1]
        kept = [p for p in self.model.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.learning_rate,
            total_steps=self.total_steps + 1,
            pct_start=self.warmup_share,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
