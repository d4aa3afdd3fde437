"""`1dcnn-pf`: amplitude and phase in parallel branches, fused."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import AmplitudePhase


def _conv(inputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inputs, 64, 3), nn.ReLU(), Dropout(dropout))


@register(
    "1dcnn-pf",
    published_parameters=174_923,
    samples=128,
    classes=RML2016,
    paper="Perenda, Rajendran and Pollin, Automatic modulation classification using parallel "
    "fusion of convolutional neural networks, 2019",
)
class ParallelFusion(EmbeddingClassifier):
    """Four convolutions over amplitude, four over phase, five over both.

    | layer | output | parameters |
    | --- | --- | --- |
    | amplitude (unit length); phase / pi | 1 x 128 each | |
    | on each: 4 convolutions 64 of 3, valid, ReLU, dropout 0.2 | 64 x 120 each | 74 624 |
    | joined: convolution 64 of 3, valid, ReLU, dropout 0.2, max-pool 2 | 64 x 59 | 24 640 |
    | 4 times the same | 64 x 1 | 49 408 |
    | dense, SELU, dropout 0.5 | 128 | 8 320 |
    | dense, SELU, dropout 0.5 | 128 | 16 512 |
    | dense | 11 | 1 419 |

    174 923 parameters. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each convolution.
        dense_dropout: share dropped after the first two dense layers.
    """

    def __init__(
        self, class_count: int = len(RML2016), dropout: float = 0.2, dense_dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.represent = AmplitudePhase()
        self.amplitude, self.phase = (
            nn.Sequential(*(_conv(inputs, dropout) for inputs in (1, 64, 64, 64))) for _ in range(2)
        )
        fused: list[nn.Module] = []
        for inputs in (128, 64, 64, 64, 64):
            fused += [_conv(inputs, dropout), nn.MaxPool1d(2)]
        self.fuse = nn.Sequential(*fused)
        self.embed = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, 128),
            nn.SELU(),
            Dropout(dense_dropout),
            nn.Linear(128, 128),
            nn.SELU(),
        )
        self.head = nn.Sequential(Dropout(dense_dropout), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 128, 120] of both branches, `embedding` [batch, 128]."""
        seen = self.represent(x)
        maps = torch.cat([self.amplitude(seen[:, :1]), self.phase(seen[:, 1:])], dim=1)
        return {"convolutions": maps, "embedding": self.embed(self.fuse(maps))}
