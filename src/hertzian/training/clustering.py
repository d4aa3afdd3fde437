"""Deep transfer clustering: learn from labelled pairs, then from one's own confident ones.

Equation numbers are those of Xuan et al., Deep transfer clustering of radio signals, 2021.
"""

import torch
from torch import Tensor, nn

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch
from hertzian.training.pairs import confident_pairs, labelled_pairs, pair_loss, similarities
from hertzian.training.plateau import Classifier
from hertzian.training.settling import Clustering, Settling

_ALIKE = 0.5
_SETTLED = Settling()


class PairClassifier(Classifier):
    """Pre-training: learn which labelled windows belong together (eq. 5).

    What is learnt tells classes apart, not which is which: the accuracy of the validation is the
    share of pairs that are told rightly at S = 1/2, the mean of those of one class and of two. A
    window and itself are no pair.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, class_count].
        class_count: number of classes.
        learning_rate: of the first epochs.
        balance: lambda, the weight of pairs apart; the paper's is 0.1.
        halve_after, stop_after, averaged, weight_decay: see `Classifier`; the paper stops when the
            loss no longer falls.
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
        averaged: float | None = None,
        weight_decay: float | None = None,
    ) -> None:
        super().__init__(
            model,
            class_count,
            learning_rate,
            halve_after=halve_after,
            stop_after=stop_after,
            averaged=averaged,
            weight_decay=weight_decay,
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
        alike, itself = found.values >= _ALIKE, torch.eye(size, dtype=torch.bool, device=x.device)
        right = (_share(alike, together & ~itself) + _share(~alike, apart)) / 2
        self.log("validation_accuracy", right, prog_bar=True, batch_size=size)


def _share(right: Tensor, of: Tensor) -> Tensor:
    """Return the share of some pairs that are right, 1 where there are none."""
    return (right & of).sum() / of.sum() if of.any() else torch.ones((), device=of.device)


class PairClustering(Clustering):
    """Clustering: learn from the pairs that the network itself is sure of (eq. 7-9).

    The paper stops "when the accuracy no longer improves", which takes the labels that clustering
    does without; here it is when the clusters have settled.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, clusters]; pre-trained.
        clusters: their number.
        learning_rate: of Adam.
        upper, lower: similarities from which on, and up to which, a pair is believed.
        closing: what the upper falls by in an epoch; the lower rises by a tenth of it. When they
            meet, training ends. Deep adaptive clustering (Chang et al. 2017, section 3.2) begins at
            0.95 and 0.455, closes by 0.0099, and has a balance of 1.
        balance: lambda, the weight of pairs apart.
        settling: when it ends.

    Raises:
        HertzianError: thresholds that are not 0 <= lower < upper <= 1, or that open.
    """

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
        settling: Settling = _SETTLED,
    ) -> None:
        super().__init__(model, clusters, learning_rate, settling)
        if not 0 <= lower < upper <= 1:
            raise HertzianError(
                f"similarities of 0 <= lower < upper <= 1 are expected, not {lower} and {upper}"
            )
        if closing < 0:
            raise HertzianError(f"thresholds close by 0 or more in an epoch, not {closing}")
        self.upper, self.lower, self.closing, self.balance = upper, lower, closing, balance

    @property
    def exhausted(self) -> bool:
        """Whether the clusters have settled, or every pair is believed."""
        upper, lower = self.thresholds(self.epochs)
        return super().exhausted or upper <= lower

    def thresholds(self, epoch: int) -> tuple[float, float]:
        """Return the upper and the lower one of an epoch, from 0 on."""
        return self.upper - self.closing * epoch, self.lower + self.closing * epoch / 10

    def clustering_loss(self, logits: Tensor) -> Tensor:
        """Return the loss of the pairs of a batch's windows that it is sure of."""
        found = similarities(logits)
        return pair_loss(
            found, *confident_pairs(found, *self.thresholds(self.epochs)), self.balance
        )
