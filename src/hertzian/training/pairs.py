"""Which windows of a batch belong together: similarities of pairs, and their losses.

Equation numbers are those of Xuan et al., Deep transfer clustering of radio signals, 2021.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST_DISTANCE = 1e-7
"""Of 1 - S: two features that are closer are alike to single precision."""


@dataclass(frozen=True)
class Similarities:
    """How alike the answers to all windows of a batch are (eq. 1-3).

    Attributes:
        logs: log S, float [batch, batch], at most 0.
        log_distances: log(1 - S), likewise.
    """

    logs: Tensor
    log_distances: Tensor

    @property
    def values(self) -> Tensor:
        """S, in 0 .. 1."""
        return self.logs.exp()


def similarities(logits: Tensor) -> Similarities:
    """Return the cosine similarities of the probabilities that logits [batch, classes] give.

    With f the softmax at unit length S = f f^T. Neither end loses its digits: near 0 the logarithm
    is summed without leaving it, near 1 it is 1 - S = |f_i - f_j|^2 / 2.
    """
    # half precision would leave nothing of either end
    with torch.autocast(logits.device.type, enabled=False):
        logs = logits.float().log_softmax(dim=1)
        logs = logs - torch.logsumexp(2 * logs, dim=1, keepdim=True) / 2
        pairs = torch.logsumexp(logs[:, None] + logs[None], dim=2).clamp(max=0)
        features = logs.exp()
        distances = (features[:, None] - features[None]).square().sum(dim=2) / 2
        return Similarities(pairs, distances.clamp(min=_LEAST_DISTANCE).log())


def pair_loss(found: Similarities, together: Tensor, apart: Tensor, balance: float) -> Tensor:
    """Return the mean over all pairs of -T log S - balance A log(1 - S) (eq. 5 and 9).

    Args:
        found: of a batch.
        together: T, bool [batch, batch]: pairs that should be alike.
        apart: A, likewise: pairs that should not.
        balance: lambda, the weight of those apart.
    """
    alike = torch.where(together, found.logs, 0.0)
    different = torch.where(apart, found.log_distances, 0.0)
    return -(alike + balance * different).mean()


def labelled_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pairs of one label and those of two (eq. 4), bool [batch, batch] each."""
    together = labels[:, None] == labels[None]
    return together, ~together


def confident_pairs(found: Similarities, upper: float, lower: float) -> tuple[Tensor, Tensor]:
    """Return the pairs with S >= upper and those with S <= lower (eq. 7-8), bool [batch, batch]."""
    values = found.values.detach()
    return values >= upper, values <= lower
