"""Supervised classification: smoothed cross-entropy, AdamW, one cycle of learning rates."""

from collections.abc import Sequence

import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from hertzian.training.augment import augment
from hertzian.training.batches import Batch
from hertzian.training.learner import Learner, decayed_apart


class Supervised(Learner):
    """Teach a classifier its labels.

    Loss: cross-entropy with label smoothing (Szegedy et al. 2016, sec. 7). Optimiser: AdamW;
    biases and batch-norm parameters do not decay. Learning rate: one cycle (Smith and Topin
    2018): a cosine up over `warmup_share` of the steps and a cosine down to nearly zero. The best
    epoch is the most accurate one.

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
        compiled: see `Learner`.
    """

    monitor = "validation_accuracy"
    mode = "max"
    gradient_norm = 5.0

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
        super().__init__(model, class_count, compiled=compiled)
        self.learning_rate = learning_rate
        self.total_steps = epochs * steps_per_epoch
        self.weight_decay = weight_decay
        self.warmup_share = warmup_share
        self.augmented = augmented
        self.seed = seed
        weights = None if class_weights is None else torch.tensor(list(class_weights))
        self.loss = nn.CrossEntropyLoss(weight=weights, label_smoothing=label_smoothing)

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the smoothed and weighted cross-entropy of (x, labels)."""
        x, labels = batch
        if self.augmented:
            # Seeded by the step, so that a resumed run draws what an uninterrupted one would.
            generator = torch.Generator().manual_seed((self.seed << 32) + self.global_step)
            x = augment(x, generator)
        loss: Tensor = self.loss(self.train_forward(x).float(), labels)
        return loss

    def validation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss that training reduces."""
        loss: Tensor = self.loss(logits, labels)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its one-cycle schedule, by steps."""
        groups = decayed_apart(self.model, self.weight_decay)
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
