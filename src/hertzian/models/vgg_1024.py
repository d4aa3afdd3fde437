"""`vgg-1024`: seven pooled convolutions for 24 modulations (O'Shea, Roy and Clancy 2018)."""

from torch import Tensor, nn

from hertzian.models.initialise import he_normal, initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import RML2018, EmbeddingClassifier
from hertzian.models.registry import register

PAPER = "O'Shea, Roy and Clancy, Over-the-air deep learning based radio signal classification, 2018"


class SeluLayers(nn.Sequential):
    """Two dense layers of 128 with SELU; alpha dropout between them (Klambauer et al. 2017)."""

    def __init__(self, inputs: int, dropout: float) -> None:
        super().__init__(
            nn.Flatten(),
            nn.Linear(inputs, 128),
            nn.SELU(),
            nn.AlphaDropout(dropout),
            nn.Linear(128, 128),
            nn.SELU(),
        )


def initialise_selu(module: nn.Module) -> None:
    """Draw dense weights He normal, as the paper does, and the others as Keras."""
    initialise(module)
    he_normal(*(layer for layer in module.modules() if isinstance(layer, nn.Linear)))


@register("vgg-1024", samples=1024, classes=RML2018, paper=PAPER)
class Vgg1024(EmbeddingClassifier):
    """Seven convolutions, each halving the time axis, and three dense layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 1024 | |
    | convolution 64 of 3, ReLU, max-pool 2 | 64 x 512 | 448 |
    | 6 times the same | 64 x 8 | 74 112 |
    | dense, SELU, alpha dropout | 128 | 65 664 |
    | dense, SELU, alpha dropout | 128 | 16 512 |
    | dense | 24 | 3 096 |

    159 832 parameters, our count. Source: table III of the paper, which gives outputs and
    activations; the kernel of 3 follows the VGG networks it adopts, the rate of the alpha dropout
    is ours.

    Args:
        class_count: length of the logits.
        dropout: rate of the alpha dropout after each of the first two dense layers.
    """

    def __init__(self, class_count: int = len(RML2018), dropout: float = 0.3) -> None:
        super().__init__()
        self.normalise = Normalise()
        layers: list[nn.Module] = []
        for inputs in (2, 64, 64, 64, 64, 64, 64):
            layers += [nn.Conv1d(inputs, 64, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2)]
        self.convolutions = nn.Sequential(*layers)
        self.embed = SeluLayers(64 * 8, dropout)
        self.head = nn.Sequential(nn.AlphaDropout(dropout), nn.Linear(128, class_count))
        initialise_selu(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 64, 8] and `embedding` [batch, 128]."""
        maps = self.convolutions(self.normalise(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
