"""`resnet-1024`: six residual stacks for 24 modulations (O'Shea, Roy and Clancy 2018)."""

from torch import Tensor, nn

from hertzian.models.layers import Normalise
from hertzian.models.published import RML2018, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.vgg_1024 import PAPER, SeluLayers, initialise_selu
from hertzian.signal import HertzianError


class Unit(nn.Module):
    """Residual unit: convolution, ReLU, convolution, plus input (figure 5 of the paper)."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv1d(32, 32, 3, padding=1), nn.ReLU(), nn.Conv1d(32, 32, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [batch, 32, n]."""
        out: Tensor = x + self.branch(x)
        return out


@register("resnet-1024", samples=1024, classes=RML2018, paper=PAPER)
class ResNet1024(EmbeddingClassifier):
    """Six residual stacks, each halving the time axis, and three dense layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 1024 | |
    | stack: convolution 32 of 1; 2 residual units of 32 of 3; max-pool 2 | 32 x 512 | 12 512 |
    | 5 stacks more | 32 x 16 | 67 360 |
    | dense, SELU, alpha dropout | 128 | 65 664 |
    | dense, SELU, alpha dropout | 128 | 16 512 |
    | dense | 24 | 3 096 |

    165 144 parameters, our count. Source: table IV and figure 5 of the paper, which give outputs
    and activations; the kernel of 3 and the rate of the alpha dropout are ours, as in `vgg-1024`.

    Args:
        class_count: length of the logits.
        dropout: rate of the alpha dropout after each of the first two dense layers.
        samples: window length, a multiple of 64; others have also used it for 128.

    Raises:
        HertzianError: another length.
    """

    def __init__(
        self, class_count: int = len(RML2018), dropout: float = 0.3, *, samples: int = 1024
    ) -> None:
        super().__init__()
        if samples < 64 or samples % 64:
            raise HertzianError(f"six halvings want a multiple of 64 samples, not {samples}")
        self.normalise = Normalise()
        layers: list[nn.Module] = []
        for inputs in (2, 32, 32, 32, 32, 32):
            layers += [nn.Conv1d(inputs, 32, 1), Unit(), Unit(), nn.MaxPool1d(2)]
        self.convolutions = nn.Sequential(*layers)
        self.embed = SeluLayers(32 * samples // 64, dropout)
        self.head = nn.Sequential(nn.AlphaDropout(dropout), nn.Linear(128, class_count))
        initialise_selu(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 32, samples / 64] and `embedding` [batch, 128]."""
        maps = self.convolutions(self.normalise(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
