"""`resnet`: convolutions with one residual connection (Liu et al. 2017)."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import SameConv2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "resnet",
    published_parameters=3_098_283,
    samples=128,
    classes=RML2016,
    paper="Liu, Yang and El Gamal, Deep neural network architectures for modulation "
    "classification, 2017",
)
class ResNet(EmbeddingClassifier):
    """Four convolutions; the input is added to each map of the second.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 256 of 1 x 3, same, ReLU | 256 x 2 x 128 | 1 024 |
    | convolution 256 of 2 x 3, same; plus input; ReLU | 256 x 2 x 128 | 393 472 |
    | convolution 80 of 1 x 3, same, ReLU | 80 x 2 x 128 | 61 520 |
    | convolution 80 of 1 x 3, same, ReLU, dropout 0.6 | 80 x 2 x 128 | 19 280 |
    | dense, ReLU, dropout 0.6 | 128 | 2 621 568 |
    | dense | 11 | 1 419 |

    3 098 283 parameters. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: share dropped before and after the first dense layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.6) -> None:
        super().__init__()
        self.represent = Image()
        self.branch = nn.Sequential(
            SameConv2d(1, 256, (1, 3)), nn.ReLU(), SameConv2d(256, 256, (2, 3))
        )
        self.convolutions = nn.Sequential(
            SameConv2d(256, 80, (1, 3)), nn.ReLU(), SameConv2d(80, 80, (1, 3)), nn.ReLU()
        )
        self.embed = nn.Sequential(
            Dropout(dropout), nn.Flatten(), nn.Linear(80 * 2 * 128, 128), nn.ReLU()
        )
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `residual`, `convolutions` [batch, 256 or 80, 2, 128], `embedding` (128)."""
        image = self.represent(x)
        residual = torch.relu(image + self.branch(image))
        maps = self.convolutions(residual)
        return {"residual": residual, "convolutions": maps, "embedding": self.embed(maps)}
