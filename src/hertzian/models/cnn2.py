"""`cnn2`: four convolutions with pooling, made for multipath channels."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import SameConv2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "cnn2",
    published_parameters=858_123,
    samples=128,
    classes=RML2016,
    paper="Tekbiyik et al., Robust and fast automatic modulation classification with CNN under "
    "multipath fading channels, 2020",
)
class Cnn2(EmbeddingClassifier):
    """Four convolutions, each pooled, and two dense layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 256 of 2 x 8, same, ReLU, max-pool 1 x 2, dropout 0.5 | 256 x 2 x 64 | 4 352 |
    | convolution 128 of 2 x 8, likewise | 128 x 2 x 32 | 524 416 |
    | convolution 64 of 2 x 8, likewise | 64 x 2 x 16 | 131 136 |
    | convolution 64 of 2 x 8, likewise | 64 x 2 x 8 | 65 600 |
    | dense, ReLU | 128 | 131 200 |
    | dense | 11 | 1 419 |

    858 123 parameters. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each convolution.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        layers: list[nn.Module] = []
        inputs = 1
        for filters in (256, 128, 64, 64):
            layers += [SameConv2d(inputs, filters, (2, 8)), nn.ReLU()]
            layers += [nn.MaxPool2d((1, 2)), Dropout(dropout)]
            inputs = filters
        self.convolutions = nn.Sequential(*layers)
        self.embed = nn.Sequential(nn.Flatten(), nn.Linear(64 * 2 * 8, 128), nn.ReLU())
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 64, 2, 8] and `embedding` [batch, 128]."""
        maps = self.convolutions(self.represent(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
