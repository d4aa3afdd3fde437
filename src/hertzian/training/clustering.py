"""Deep transfer clustering: learn from labelled pairs, then from one's own confident ones.

Equation numbers are those of Xuan et al., Deep transfer clustering of radio signals, 2021.
"""

from typing import Any

import torch
from torch import Tensor, nn

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch
from hertzian.training.learner import Learner
from hertzian.training.pairs import (
    Similarities,
    confident_pairs,
    labelled_pairs,
    pair_loss,
    similarities,
)
from hertzian.training.plateau import ADAM_EPSILON, Classifier

_ALIKE = 0.5
_EPOCHS = "epochs_before"
_CLUSTERS = "clusters"


class PairClassifier(Classifier):
    """Pre-training: learn which labelled windows belong together (eq. 5).

    What is learnt tells classes apart, not which is which: the accuracy of the validation is the
    share of pairs, each class of a pair being as likely, that are told rightly at S = 1/2.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, class_count].
        class_count: number of classes.
        learning_rate: of the first epochs.
        balance: lambda, the weight of pairs apart; the paper's is 0.1.
        halve_after, stop_after: see `Classifier`; the paper stops when the loss no longer falls.
    """

    measured = "pairs told rightly"

    def __init__(
        self,
        model: nn.Module,
        class_count: int,
        learning_rate: float,
        *,
        balance: float = 0.1,
        halve_after: int | None = None,
        stop_after: int | None = 5,
    ) -> None:
        super().__init__(
            model, class_count, learning_rate, halve_after=halve_after, stop_after=stop_after
        )
        self.balance = balance

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss of the pairs of (x, labels)."""
        x, labels = batch
        found = similarities(self.train_forward(x))
        return pair_loss(found, *labelled_pairs(labels), self.balance)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Add the pairs of one batch (x, labels)."""
        x, labels = batch
        found = similarities(self.model(x))
        together, apart = labelled_pairs(labels)
        size = len(labels)
        loss = pair_loss(found, together, apart, self.balance)
        self.log("validation_loss", loss, batch_size=size)
        alike = found.values >= _ALIKE
        right = (_share(alike, together) + _share(~alike, apart)) / 2
        self.log("validation_accuracy", right, prog_bar=True, batch_size=size)


def _share(right: Tensor, of: Tensor) -> Tensor:
    """Return the share of some pairs that are right, 1 where there are none."""
    return (right & of).sum() / of.sum() if of.any() else torch.ones(())


class PairClustering(Learner):
    """Clustering: learn from the pairs that the network itself is sure of (eq. 7-9).

    No label is looked at. The validation data are the windows to be clustered, in one order; their
    `validation_accuracy` is the share whose cluster, the largest of their probabilities, is the one
    of the epoch before. Training ends when nearly all have kept it for some epochs, and its last
    epoch counts: without labels nothing tells a better one. The paper stops "when the accuracy no
    longer improves", which takes the labels that clustering does without.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, clusters]; pre-trained.
        clusters: their number.
        learning_rate: of Adam.
        upper, lower: similarities from which on, and up to which, a pair is believed.
        closing: what the upper falls by in an epoch; the lower rises by a tenth of it. When they
            meet, training ends. Deep adaptive clustering (Chang et al. 2017, section 3.2) begins at
            0.95 and 0.455, closes by 0.0099, and has a balance of 1.
        balance: lambda, the weight of pairs apart.
        settled: the share of windows that has to keep its cluster.
        settled_epochs: for so many epochs in a row.

    Raises:
        HertzianError: thresholds that are not 0 <= lower < upper <= 1.
    """

    measured = "kept their cluster"
    monitor = _EPOCHS
    mode = "max"

    def __init__(
        self,
        model: nn.Module,
        clusters: int,
        learning_rate: float,
        *,
        upper: float = 0.95,
        lower: float = 0.7,
        closing: float = 0.0,
        balance: float = 100.0,
        settled: float = 0.999,
        settled_epochs: int = 3,
    ) -> None:
        super().__init__(model, clusters)
        if not 0 <= lower < upper <= 1:
            raise HertzianError(
                f"similarities of 0 <= lower < upper <= 1 are expected, not {lower} and {upper}"
            )
        self.learning_rate = learning_rate
        if closing < 0:
            raise HertzianError(f"thresholds close by 0 or more in an epoch, not {closing}")
        self.upper, self.lower, self.closing, self.balance = upper, lower, closing, balance
        self.settled, self.settled_epochs = settled, settled_epochs
        self.assigned: Tensor = torch.empty(0, dtype=torch.int64)
        self._kept_for = self._epochs = 0
        self._seen: list[Tensor] = []

    @property
    def exhausted(self) -> bool:
        """Whether the clusters have settled, or every pair is believed."""
        upper, lower = self.thresholds(self._epochs)
        return self._kept_for >= self.settled_epochs or upper <= lower

    def thresholds(self, epoch: int) -> tuple[float, float]:
        """Return the upper and the lower one of an epoch, from 0 on."""
        return self.upper - self.closing * epoch, self.lower + self.closing * epoch / 10

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss of the pairs of a batch's windows that it is sure of."""
        return self._loss(similarities(self.train_forward(batch[0])))

    def _loss(self, found: Similarities) -> Tensor:
        believed = confident_pairs(found, *self.thresholds(self._epochs))
        return pair_loss(found, *believed, self.balance)

    def on_train_start(self) -> None:
        """Leave a run alone that had settled before."""
        self.trainer.should_stop = self.trainer.should_stop or self.exhausted

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Assign the windows of one batch."""
        logits = self.model(batch[0])
        loss = self._loss(similarities(logits))
        self.log("validation_loss", loss, batch_size=len(logits))
        self._seen.append(logits.argmax(dim=1).cpu())

    def on_validation_epoch_end(self) -> None:
        """Count the windows that have kept their cluster."""
        assigned = torch.cat(self._seen)
        self._seen = []
        same = len(assigned) == len(self.assigned)
        kept = float((assigned == self.assigned).float().mean()) if same else 0.0
        self.assigned = assigned
        self._kept_for = self._kept_for + 1 if kept >= self.settled else 0
        self._epochs = self.current_epoch + 1
        self.trainer.should_stop = self.trainer.should_stop or self.exhausted
        self.log("validation_accuracy", kept, prog_bar=True)
        self.log(_EPOCHS, float(self.current_epoch))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what a resumed run has to know."""
        super().on_save_checkpoint(checkpoint)
        counted = {"kept_for": self._kept_for, "epochs": self._epochs}
        checkpoint[_CLUSTERS] = {"assigned": self.assigned, **counted}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        state = checkpoint[_CLUSTERS]
        self.assigned = state["assigned"]
        self._kept_for, self._epochs = state["kept_for"], state["epochs"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam on the network."""
        wanted = [p for p in self.model.parameters() if p.requires_grad]
        return torch.optim.Adam(wanted, lr=self.learning_rate, eps=ADAM_EPSILON, fused=True)
