"""Learn from windows and descriptions of their classes what belongs together (SigZSLNet, eq. 2)."""

import torch
from torch import Tensor, nn

from hertzian.training.batches import Batch
from hertzian.training.plateau import Classifier

_MARGIN = 1.0


def joint_embedding_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the structured joint embedding loss of a batch (eq. 2 and 3).

    Each window should score higher by 1 with its own description than with any other, and each
    description higher with windows of its class than other windows do in the mean of their class;
    means over the wrong descriptions and the wrong classes are taken (after Reed et al., Learning
    deep representations of fine-grained visual descriptions, 2016, who take the worst).

    Args:
        scores: F [batch, classes], of each window with each description.
        labels: int64 [batch].
    """
    own = scores.gather(1, labels[:, None])
    members = nn.functional.one_hot(labels, scores.shape[1]).to(scores.dtype)
    wrong = 1 - members
    by_description = (_MARGIN + scores - own).relu() * wrong
    counts = members.sum(dim=0)
    means = members.T @ scores / counts.clamp(min=1)[:, None]  # of each class with each description
    heard = wrong * (counts > 0)
    by_windows = (_MARGIN + means.T[labels] - own).relu() * heard
    return (_mean(by_description, wrong) + _mean(by_windows, heard)).mean()


def _mean(losses: Tensor, counted: Tensor) -> Tensor:
    return losses.sum(dim=1) / counted.sum(dim=1).clamp(min=1)


class JointEmbeddingClassifier(Classifier):
    """Teach encoders of windows and of descriptions; `Classifier` has the schedule.

    Its accuracy is the share of windows that score highest with the description of their class.
    """

    measured = "described rightly"

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss of (x, labels)."""
        x, labels = batch
        return joint_embedding_loss(self.train_forward(x).float(), labels)

    def validation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the same of the validation."""
        return joint_embedding_loss(logits, labels)


def semantic_vectors(descriptions: nn.Module, codes: Tensor) -> Tensor:
    """Return the vector of each coded description, float32 [classes, 64], of unit length."""
    with torch.no_grad():
        return nn.functional.normalize(descriptions.eval()(codes), dim=1)
