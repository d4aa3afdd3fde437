"""What every learning method is to the training loop."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import lightning
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch

FIGURES = "figures"
"""Key of a checkpoint: the figures of its epoch, by their names in the log."""


def decayed_apart(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return a network's parameters in an optimiser's groups: biases and norms do not decay."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in wanted if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in wanted if p.ndim <= 1], "weight_decay": 0.0},
    ]


class Learner(lightning.LightningModule, ABC):
    """A network and how it learns; `fit` runs it.

    A learning method gives `training_loss` and `configure_optimizers`, and says by which figure
    of the validation its best epoch is chosen.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, class_count].
        class_count: number of classes.
        compiled: run training steps through `torch.compile`: about a minute at the start, then
            1.3 to 1.5 times as fast on a CPU.

    Raises:
        HertzianError: fewer than two classes.
    """

    measured: ClassVar[str] = "accuracy"
    """What the share `validation_accuracy` is, for the user."""

    monitor: ClassVar[str] = "validation_loss"
    mode: ClassVar[Literal["min", "max"]] = "min"
    gradient_norm: ClassVar[float | None] = None
    """Gradients longer than this are shortened to it; None leaves them."""

    def __init__(self, model: nn.Module, class_count: int, *, compiled: bool = False) -> None:
        super().__init__()
        if class_count < 2:
            raise HertzianError(f"there is nothing to tell apart in {class_count} class")
        self.model = model
        self.validation_accuracy = MulticlassAccuracy(class_count, average="micro")
        # Only the call is compiled: the module, its names and its export stay as they are.
        self.train_forward: Any = torch.compile(model.forward) if compiled else model.__call__

    @abstractmethod
    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss to be reduced on one batch of the training data."""

    def validation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the validation loss of one batch: cross-entropy."""
        return nn.functional.cross_entropy(logits, labels)

    @property
    def exhausted(self) -> bool:
        """Whether more epochs would bring nothing, by the learner's own rule."""
        return False

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return the loss of one batch."""
        loss = self.training_loss(batch)
        size = len(batch[0])
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Add one batch (x, labels) to the validation loss and accuracy."""
        x, labels = batch
        logits = self.model(x).float()
        self.validation_accuracy.update(logits, labels)
        size = len(labels)
        self.log("validation_loss", self.validation_loss(logits, labels), batch_size=size)
        self.log("validation_accuracy", self.validation_accuracy, prog_bar=True, batch_size=size)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write the epoch's figures beside its weights."""
        measured = self.trainer.callback_metrics
        checkpoint[FIGURES] = {name: float(value) for name, value in measured.items()}
