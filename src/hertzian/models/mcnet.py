"""`mcnet`: blocks of asymmetric kernels with skip connections."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import SameAveragePool2d, SameConv2d, SameMaxPool2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image

_POOL = ((1, 3), (1, 2))


def _conv(inputs: int, outputs: int, kernel: tuple[int, int], stride: int = 1) -> nn.Sequential:
    return nn.Sequential(SameConv2d(inputs, outputs, kernel, (1, stride)), nn.ReLU())


class Block(nn.Module):
    """M-block: 1 x 1 to 32 maps, then 1 x 1, 3 x 1 and 1 x 3 beside each other, joined.

    Args:
        inputs: maps in.
        point: maps of the 1 x 1 kernel.
        line: maps of each of the other two.
        stride: 2 halves the time axis: by pooling after the 3 x 1 kernel, by stride in the others.
    """

    def __init__(self, inputs: int, point: int = 32, line: int = 48, stride: int = 1) -> None:
        super().__init__()
        self.squeeze = _conv(inputs, 32, (1, 1))
        self.point = _conv(32, point, (1, 1), stride)
        self.across = _conv(32, line, (3, 1))
        self.along = _conv(32, line, (1, 3), stride)
        self.pool = SameMaxPool2d(*_POOL) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs, 2, n] to [batch, point + 2 line, 2, n / stride]."""
        x = self.squeeze(x)
        return torch.cat([self.point(x), self.pool(self.across(x)), self.along(x)], dim=1)


@register(
    "mcnet",
    published_parameters=121_611,
    samples=128,
    classes=RML2016,
    paper="Huynh-The et al., MCNet: an efficient CNN architecture for robust automatic modulation "
    "classification, 2020",
)
class McNet(EmbeddingClassifier):
    """A stem, a pre-block and six M-blocks; the time axis ends at one value.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 64 of 3 x 7, stride 2; max-pool | 64 x 2 x 32 | 1 408 |
    | 32 of 3 x 1, mean-pool 1 x 3; beside 32 of 1 x 3, stride 2 | 64 x 2 x 16 | 12 352 |
    | max-pool; M-block, half; plus 128 of 1 x 1, stride 2, max-pool | 128 x 2 x 4 | 20 768 |
    | M-block; plus its input | 128 x 2 x 4 | 14 496 |
    | M-block, half; plus its input, max-pooled 2 x 2 | 128 x 2 x 2 | 14 496 |
    | M-block; plus its input | 128 x 2 x 2 | 14 496 |
    | M-block, half; plus its input, max-pooled 2 x 2 | 128 x 2 x 1 | 14 496 |
    | M-block (64, 96, 96); beside its input; mean of rows; dropout 0.5 | 384 | 24 864 |
    | dense | 11 | 4 235 |

    121 611 parameters. All is `same`, with ReLU after each convolution; "max-pool" is 1 x 3 of
    stride 2, "half" halves the time axis. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: share of the embedding dropped in training.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        self.stem = nn.Sequential(_conv(1, 64, (3, 7), 2), SameMaxPool2d(*_POOL))
        self.across = nn.Sequential(_conv(64, 32, (3, 1)), SameAveragePool2d(*_POOL))
        self.along = _conv(64, 32, (1, 3), 2)
        self.skip = nn.Sequential(_conv(64, 128, (1, 1), 2), SameMaxPool2d(*_POOL))
        self.first = nn.Sequential(SameMaxPool2d(*_POOL), Block(64, stride=2))
        self.blocks = nn.ModuleList(Block(128, stride=stride) for stride in (1, 2, 1, 2))
        self.shorten = SameMaxPool2d((2, 2), (1, 2))
        self.last = Block(128, point=64, line=96)
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(384, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 64, 2, 16] after the pre-block, `embedding` (384)."""
        stem = self.stem(self.represent(x))
        early = torch.cat([self.across(stem), self.along(stem)], dim=1)
        maps = self.first(early) + self.skip(early)
        for index, block in enumerate(self.blocks):
            maps = block(maps) + (self.shorten(maps) if index % 2 else maps)
        joined = torch.cat([self.last(maps), maps], dim=1)
        return {"convolutions": early, "embedding": joined.mean(dim=2).flatten(1)}
