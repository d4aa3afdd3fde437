"""`dae`: an LSTM autoencoder whose last state also classifies."""

import torch
from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.keras import batch_norm
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import AmplitudePhase


def stretch(x: Tensor) -> Tensor:
    """Map each row of [batch, samples] onto -1 .. 1; a constant row becomes zeros."""
    low, high = x.amin(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)
    span = high - low
    flat = span == 0
    scaled = 2 * (x - low) / span.masked_fill(flat, 1.0) - 1
    return scaled.masked_fill(flat, 0.0)


@register(
    "dae",
    published_parameters=14_989,
    samples=128,
    classes=RML2016,
    paper="Ke and Vikalo, Real-time radio technology and modulation classification via an LSTM "
    "auto-encoder, 2022",
)
class Dae(EmbeddingClassifier):
    """Two small LSTM layers; each state is decoded to its sample, the last one classified.

    | layer | output | parameters |
    | --- | --- | --- |
    | amplitude (unit length) and phase (stretched to -1 .. 1) | 128 steps of 2 | |
    | LSTM | 128 steps of 32 | 4 608 |
    | LSTM | 128 steps of 32 | 8 448 |
    | decoder: dense on each state | 128 steps of 2 | 66 |
    | classifier: dense, ReLU, batch norm on the last state | 32 | 1 056 + 64 |
    | dense, ReLU, batch norm | 16 | 528 + 32 |
    | dense | 11 | 187 |

    14 989 parameters, and 96 running means and variances that are not trained. The loss is
    0.1 cross-entropy + 0.9 mean square of `reconstruction` - `input`, both of `features`. Source:
    the paper, as Zhang et al. 2022 built it, without dropout.

    Args:
        class_count: length of the logits.
    """

    def __init__(self, class_count: int = len(RML2016)) -> None:
        super().__init__()
        self.represent = AmplitudePhase()
        self.recurrent = nn.LSTM(2, 32, num_layers=2, batch_first=True)
        self.decode = nn.Linear(32, 2)
        self.embed = nn.Sequential(
            nn.Linear(32, 32),
            nn.ReLU(),
            batch_norm(32),
            nn.Linear(32, 16),
            nn.ReLU(),
            batch_norm(16),
        )
        self.head = nn.Linear(16, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return what the loss compares, and what classifies.

        Returns:
            `input` and `reconstruction` [batch, 128 steps, 2], `sequence` [batch, 128 steps, 32],
            `embedding` [batch, 16].
        """
        length, angle = self.represent(x).unbind(dim=1)
        seen = torch.stack([length, stretch(angle)], dim=2)
        sequence, _ = self.recurrent(seen)
        return {
            "input": seen,
            "reconstruction": self.decode(sequence),
            "sequence": sequence,
            "embedding": self.embed(sequence[:, -1]),
        }
