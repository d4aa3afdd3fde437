"""`sigzsl-cnn`: the convolutions from which SigZSLNet takes its features."""

from torch import Tensor, nn

from hertzian.datasets import published
from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.signal import HertzianError, canonical

SEVEN = tuple(map(canonical, published.SIGZSL.modulations))
"""The classes of the paper's set, in its order."""

_POOLED = 32


@register(
    "sigzsl-cnn",
    samples=published.SIGZSL.samples,
    classes=SEVEN,
    paper="Zhou et al., signal zero-shot learning network (SigZSLNet)",
)
class SigzslCnn(EmbeddingClassifier):
    """Five convolutions, each halving the time axis, and a dense layer whose outputs are features.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 1024 | |
    | convolution 64 of 8, same, ReLU, max-pool 2 | 64 x 512 | 1 088 |
    | 4 times the same | 64 x 32 | 131 328 |
    | dense, ReLU | 128 | 262 272 |
    | dense | 7 | 903 |

    395 591 parameters, our count. Source: the paper's table 2; the ReLUs and the last layer, by
    which the features are learnt, are ours.

    Args:
        class_count: length of the logits.
        samples: length of a window.

    Raises:
        HertzianError: a window that pooling leaves nothing of.
    """

    def __init__(self, class_count: int = len(SEVEN), samples: int = 1024) -> None:
        super().__init__()
        if samples < _POOLED:
            raise HertzianError(f"sigzsl-cnn takes windows of {_POOLED} samples or more")
        self.normalise = Normalise()
        layers: list[nn.Module] = []
        for inputs in (2, 64, 64, 64, 64):
            convolution = nn.Conv1d(inputs, 64, 8)
            layers += [nn.ZeroPad1d((3, 4)), convolution, nn.ReLU(), nn.MaxPool1d(2)]
        self.convolutions = nn.Sequential(*layers)
        dense = nn.Linear(64 * (samples // _POOLED), 128)
        self.embed = nn.Sequential(nn.Flatten(), dense, nn.ReLU())
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 64, samples / 32] and `embedding` [batch, 128]."""
        maps = self.convolutions(self.normalise(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
