"""`dtc`: the network of deep transfer clustering."""

from torch import Tensor, nn

from hertzian.datasets import published
from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.signal import HertzianError, canonical

TEN = tuple(canonical(name) for name in published.RML2016_10A.modulations if name != "AM-DSB")
"""The ten classes of RML2016.10a and 04C that the paper clusters."""

_POOLED = 4
_KERNEL = 7


def _stage(inputs: int, filters: int, *, pooled: bool) -> list[nn.Module]:
    convolution = nn.Conv1d(inputs, filters, _KERNEL, padding=_KERNEL // 2, bias=False)
    pool: list[nn.Module] = [nn.MaxPool1d(2), nn.BatchNorm1d(filters)] if pooled else []
    return [convolution, nn.BatchNorm1d(filters), nn.ReLU(), *pool]


@register(
    "dtc",
    samples=published.RML2016_10A.samples,
    classes=TEN,
    paper="Xuan, Li, Chen, Xu, Zheng and Yang, Deep transfer clustering of radio signals, "
    "arXiv:2107.12237, 2021",
)
class Dtc(EmbeddingClassifier):
    """Four convolutions and two dense layers; batch norm before every ReLU and after pooling.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 128 | |
    | convolution 32 of 7, same, batch norm, ReLU | 32 x 128 | 512 |
    | convolution 128, likewise, max-pool 2, batch norm | 128 x 64 | 29 184 |
    | convolution 128, likewise, max-pool 2, batch norm | 128 x 32 | 115 200 |
    | convolution 32, likewise, no pooling | 32 x 32 | 28 736 |
    | dense, batch norm, ReLU | 64 | 65 664 |
    | dense | 10 | 650 |

    239 946 parameters with 10 classes. Source: the paper, section II-C and figure 2; the sizes of
    its kernels and pools are not in the text, and ours.

    Args:
        class_count: length of the logits; of clustering, the number of clusters.
        samples: length of a window.

    Raises:
        HertzianError: a window that pooling leaves nothing of.
    """

    def __init__(self, class_count: int = len(TEN), samples: int = 128) -> None:
        super().__init__()
        if samples < _POOLED:
            raise HertzianError(f"dtc takes windows of {_POOLED} samples or more, not {samples}")
        self.normalise = Normalise()
        self.convolutions = nn.Sequential(
            *_stage(2, 32, pooled=False),
            *_stage(32, 128, pooled=True),
            *_stage(128, 128, pooled=True),
            *_stage(128, 32, pooled=False),
        )
        dense = nn.Linear(32 * (samples // _POOLED), 64, bias=False)
        self.embed = nn.Sequential(nn.Flatten(), dense, nn.BatchNorm1d(64), nn.ReLU())
        self.head = nn.Linear(64, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 32, samples / 4] and `embedding` [batch, 64]."""
        maps = self.convolutions(self.normalise(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
