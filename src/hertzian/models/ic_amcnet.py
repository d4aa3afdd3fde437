"""`ic-amcnet`: four convolutions and noise before the decision."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import GaussianNoise, SameConv2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "ic-amcnet",
    published_parameters=1_264_011,
    samples=128,
    classes=RML2016,
    paper="Hermawan et al., CNN-based automatic modulation classification for beyond 5G "
    "communications, 2020",
)
class IcAmcNet(EmbeddingClassifier):
    """Four convolutions, one pooling, Gaussian noise on the embedding in training.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 64 of 1 x 8, same, ReLU, max-pool 2 x 2 | 64 x 1 x 64 | 576 |
    | convolution 64 of 1 x 4, same, ReLU | 64 x 1 x 64 | 16 448 |
    | convolution 128 of 1 x 8, same, ReLU, dropout 0.4 | 128 x 1 x 64 | 65 664 |
    | convolution 128 of 1 x 8, same, ReLU, dropout 0.4 | 128 x 1 x 64 | 131 200 |
    | dense, ReLU, dropout 0.4, noise of variance 1 | 128 | 1 048 704 |
    | dense | 11 | 1 419 |

    1 264 011 parameters. Source: the paper, as Zhang et al. 2022 built it (a pooling of 1 x 1
    after the third convolution does nothing and is left out).

    Args:
        class_count: length of the logits.
        dropout: share dropped after the last convolutions and the first dense layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.4) -> None:
        super().__init__()
        self.represent = Image()
        self.convolutions = nn.Sequential(
            SameConv2d(1, 64, (1, 8)),
            nn.ReLU(),
            nn.MaxPool2d((2, 2)),
            SameConv2d(64, 64, (1, 4)),
            nn.ReLU(),
            SameConv2d(64, 128, (1, 8)),
            nn.ReLU(),
            Dropout(dropout),
            SameConv2d(128, 128, (1, 8)),
            nn.ReLU(),
        )
        self.embed = nn.Sequential(
            Dropout(dropout), nn.Flatten(), nn.Linear(128 * 64, 128), nn.ReLU()
        )
        self.head = nn.Sequential(Dropout(dropout), GaussianNoise(1.0), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 128, 1, 64] and `embedding` [batch, 128]."""
        maps = self.convolutions(self.represent(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
