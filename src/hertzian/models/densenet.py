"""`densenet`: convolutions that see all earlier maps (Liu et al. 2017)."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import SameConv2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "densenet",
    published_parameters=3_282_603,
    samples=128,
    classes=RML2016,
    paper="Liu, Yang and El Gamal, Deep neural network architectures for modulation "
    "classification, 2017",
)
class DenseNet(EmbeddingClassifier):
    """Four densely connected convolutions and two dense layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | a: convolution 256 of 1 x 3, same, ReLU | 256 x 2 x 128 | 1 024 |
    | b: convolution 256 of 2 x 3, same, of a | 256 x 2 x 128 | 393 472 |
    | c: convolution 80 of 1 x 3, same, of ReLU (a, b) | 80 x 2 x 128 | 122 960 |
    | convolution 80 of 1 x 3, same, of ReLU (a, b, c); ReLU | 80 x 2 x 128 | 142 160 |
    | dropout 0.6, dense, ReLU, dropout 0.6 | 128 | 2 621 568 |
    | dense | 11 | 1 419 |

    3 282 603 parameters. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: share dropped before and after the first dense layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.6) -> None:
        super().__init__()
        self.represent = Image()
        self.first = SameConv2d(1, 256, (1, 3))
        self.second = SameConv2d(256, 256, (2, 3))
        self.third = SameConv2d(512, 80, (1, 3))
        self.fourth = SameConv2d(592, 80, (1, 3))
        self.embed = nn.Sequential(
            Dropout(dropout), nn.Flatten(), nn.Linear(80 * 2 * 128, 128), nn.ReLU()
        )
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 80, 2, 128] and `embedding` [batch, 128]."""
        first = torch.relu(self.first(self.represent(x)))
        second = self.second(first)
        joined = torch.cat([first, second], dim=1)
        third = self.third(torch.relu(joined))
        maps = torch.relu(self.fourth(torch.relu(torch.cat([joined, third], dim=1))))
        return {"convolutions": maps, "embedding": self.embed(maps)}
