"""What all ways of clustering by training share: when it ends, and what came out."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch
from hertzian.training.learner import Learner
from hertzian.training.plateau import ADAM_EPSILON

_EPOCHS = "epochs_before"
_STATE = "clusters"


@dataclass(frozen=True)
class Settling:
    """When clusters have settled.

    Attributes:
        share: of the windows that has to keep its cluster.
        epochs: for so many in a row.

    Raises:
        HertzianError: no share, or no epoch.
    """

    share: float = 0.999
    epochs: int = 3

    def __post_init__(self) -> None:
        """Check both."""
        if not 0 < self.share <= 1 or self.epochs < 1:
            raise HertzianError(
                f"clusters settle when a share within 0 .. 1 stays for an epoch or more, not "
                f"{self.share} for {self.epochs}"
            )


class Clustering(Learner):
    """Teach a network to cluster, without a look at labels.

    The validation data are the windows to be clustered, in one order; their `validation_accuracy`
    is the share whose cluster, the largest of the answers, is the one of the epoch before. Training
    ends when the clusters have settled, and its last epoch counts: without labels nothing tells a
    better one.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, clusters].
        clusters: their number.
        learning_rate: of Adam.
        settling: when it ends.
    """

    measured = "kept their cluster"
    monitor = _EPOCHS
    mode = "max"

    def __init__(
        self, model: nn.Module, clusters: int, learning_rate: float, settling: Settling
    ) -> None:
        super().__init__(model, clusters)
        self.learning_rate = learning_rate
        self.settling = settling
        self.assigned: Tensor = torch.empty(0, dtype=torch.int64)
        self.epochs = 0
        self._kept_for = 0
        self._seen: list[Tensor] = []

    @abstractmethod
    def clustering_loss(self, logits: Tensor) -> Tensor:
        """Return the loss to be reduced of the answers to a batch."""

    def look_at(self, logits: Tensor) -> None:
        """Take note of the answers to all windows, in the order of the validation data."""

    @property
    def exhausted(self) -> bool:
        """Whether the clusters have settled."""
        return self._kept_for >= self.settling.epochs

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss of a batch's windows."""
        return self.clustering_loss(self.train_forward(batch[0]).float())

    def on_train_start(self) -> None:
        """Leave a run alone that had settled before."""
        self.trainer.should_stop = self.trainer.should_stop or self.exhausted

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Assign the windows of one batch."""
        logits = self.model(batch[0]).float()
        self.log("validation_loss", self.clustering_loss(logits), batch_size=len(logits))
        self._seen.append(logits.cpu())

    def on_validation_epoch_end(self) -> None:
        """Count the windows that have kept their cluster."""
        logits = torch.cat(self._seen)
        self._seen = []
        self.look_at(logits)
        assigned = logits.argmax(dim=1)
        same = len(assigned) == len(self.assigned)
        kept = float((assigned == self.assigned).float().mean()) if same else 0.0
        self.assigned = assigned
        self._kept_for = self._kept_for + 1 if kept >= self.settling.share else 0
        self.epochs = self.current_epoch + 1
        self.trainer.should_stop = self.trainer.should_stop or self.exhausted
        self.log("validation_accuracy", kept, prog_bar=True)
        self.log(_EPOCHS, float(self.current_epoch))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what a resumed run has to know."""
        super().on_save_checkpoint(checkpoint)
        counted = {"kept_for": self._kept_for, "epochs": self.epochs}
        checkpoint[_STATE] = {"assigned": self.assigned, **counted}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        state = checkpoint[_STATE]
        self.assigned = state["assigned"]
        self._kept_for, self.epochs = state["kept_for"], state["epochs"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam on the network."""
        wanted = [p for p in self.model.parameters() if p.requires_grad]
        return torch.optim.Adam(wanted, lr=self.learning_rate, eps=ADAM_EPSILON, fused=True)
