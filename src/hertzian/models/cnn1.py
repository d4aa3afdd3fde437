"""`cnn1`: the first convolutional network for modulation recognition, in its 50-filter form."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import he_normal, initialise
from hertzian.models.keras import SameConv2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "cnn1",
    published_parameters=1_592_383,
    samples=128,
    classes=RML2016,
    paper="O'Shea, Corgan and Clancy, Convolutional radio modulation recognition networks, 2016",
)
class Cnn1(EmbeddingClassifier):
    """Two convolutions and two dense layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 50 of 1 x 8, same, ReLU, dropout 0.5 | 50 x 2 x 128 | 450 |
    | convolution 50 of 2 x 8, valid, ReLU, dropout 0.5 | 50 x 1 x 121 | 40 050 |
    | dense, ReLU, dropout 0.5 | 256 | 1 549 056 |
    | dense | 11 | 2 827 |

    1 592 383 parameters. The structure is that of the paper's CNN2; filters and kernels are those
    of Zhang et al. 2022. Dense layers He normal, the rest as Keras.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each layer but the last.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        self.convolutions = nn.Sequential(
            SameConv2d(1, 50, (1, 8)),
            nn.ReLU(),
            Dropout(dropout),
            nn.Conv2d(50, 50, (2, 8)),
            nn.ReLU(),
        )
        dense = nn.Linear(50 * 121, 256)
        output = nn.Linear(256, class_count)
        self.embed = nn.Sequential(Dropout(dropout), nn.Flatten(), dense, nn.ReLU())
        self.head = nn.Sequential(Dropout(dropout), output)
        initialise(self)
        he_normal(dense, output)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 50, 1, 121] and `embedding` [batch, 256]."""
        maps = self.convolutions(self.represent(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
