"""AFNet: convolutions of two sizes, fused channel by channel as each window asks for."""

import torch
from torch import Tensor, nn

from hertzian.datasets.published import RML2016_10A
from hertzian.models.initialise import initialise
from hertzian.models.layers import ConvBlock, Normalise
from hertzian.models.registry import register
from hertzian.signal import canonical

FILTERS = 48
UNITS = 9
POOLED_AFTER = (3, 6)
"""Units after which max-pooling halves the samples."""

_COMPRESSION = 16
_SMALL, _LARGE, _DILATION, _GROUPS = 3, 5, 2, 2


class Fusion(nn.Module):
    """The sum of two maps, weighted per channel by what both hold over the whole window.

    Eq. 4-5: V = w_1 U_1 + w_2 U_2, (w_1, w_2) = alpha softmax over the two of dense(ReLU(dense(
    mean over time of U_1 + U_2))), C -> C / 16 -> 2 C. The weights of a channel sum to alpha.

    Args:
        channels: C.
        alpha: 1 chooses between the maps; 2 adds them where the weights are alike.
    """

    def __init__(self, channels: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.squeeze = nn.Linear(channels, channels // _COMPRESSION)
        self.excite = nn.Linear(channels // _COMPRESSION, 2 * channels)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse two of [batch, C, 1, samples]."""
        mean = (first + second).mean(dim=(2, 3))
        scores = self.excite(torch.relu(self.squeeze(mean))).unflatten(1, (2, -1))
        weights = self.alpha * scores.softmax(dim=1)[..., None, None]
        fused: Tensor = weights[:, 0] * first + weights[:, 1] * second
        return fused


class AdaptiveFusion(nn.Module):
    """A convolution of small reach beside one of large reach, fused, then fused with the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.small = _branch(channels, _SMALL, groups=_GROUPS)
        self.large = _branch(channels, _LARGE, dilation=_DILATION)
        self.scales = Fusion(channels, alpha=1.0)
        self.skip = Fusion(channels, alpha=2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [batch, C, 1, samples]."""
        fused: Tensor = self.skip(self.scales(self.small(x), self.large(x)), x)
        return fused


def _branch(channels: int, kernel: int, *, dilation: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(
        channels,
        channels,
        (1, kernel),
        padding=(0, dilation * (kernel // 2)),
        dilation=(1, dilation),
        groups=groups,
        bias=False,
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


@register(
    "afnet",
    samples=RML2016_10A.samples,
    classes=tuple(canonical(name) for name in RML2016_10A.modulations),
    paper="Shi, Peng and Zhuang, An Improved Automatic Modulation Classification Scheme Based on "
    "Adaptive Fusion Network, arXiv:2203.03140, 2022",
)
class AFNet(nn.Module):
    """AFNet (Shi, Peng and Zhuang 2022), 147 377 parameters with 11 classes.

    | layer | output | source |
    | --- | --- | --- |
    | I/Q at unit mean power | [2, samples] | ours |
    | conv 2 -> 48, kernel 7, batch norm, ReLU: mixes I and Q | [48, samples] | sec. III-A; \
kernel ours |
    | 9 adaptive-fusion units | [48, samples] | sec. III-A |
    | - small: conv kernel 3, 2 groups, batch norm, ReLU | | kernel, groups ours |
    | - large: conv kernel 5, dilation 2, batch norm, ReLU | | kernel, dilation ours |
    | - fusion of the two, alpha 1; of that and the input, alpha 2 | | eq. 4-6 |
    | max-pool 2 after units 3 and 6 | [48, samples / 4] | sec. III-A; places ours |
    | mean over time, dense | [48], [classes] | sec. III-A |

    The paper prints neither kernel sizes nor a number of parameters: those marked are ours, and
    so is the count. It groups and dilates its convolutions; here the small one is grouped and the
    large one dilated but whole, so that all channels meet in each unit.

    Args:
        class_count: length of the logits.
    """

    def __init__(self, class_count: int = 11) -> None:
        super().__init__()
        self.normalise = Normalise()
        layers: list[nn.Module] = [ConvBlock(2, FILTERS, 7)]
        for number in range(1, UNITS + 1):
            layers.append(AdaptiveFusion(FILTERS))
            if number in POOLED_AFTER:
                layers.append(nn.MaxPool2d((1, 2)))
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(FILTERS, class_count)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of float32 [batch, 2, samples] at any scale."""
        logits: Tensor = self.head(self.features(x)["embedding"])
        return logits

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `embedding` [batch, 48]: the mean over time of what the last unit gives."""
        image = self.normalise(x)[:, :, None].contiguous(memory_format=torch.channels_last)
        return {"embedding": self.body(image).mean(dim=(2, 3))}
