"""`vtcnn-mtl`: VT-CNN2 with a last layer for each of two tasks."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import he_normal, initialise
from hertzian.models.layers import FirstConv2d
from hertzian.models.published import (
    RADCOM,
    RADCOM_PAPER,
    RADCOM_PROTOCOLS,
    EmbeddingClassifier,
)
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "vtcnn-mtl",
    published_parameters=2_830_000,
    samples=128,
    classes=RADCOM,
    protocols=RADCOM_PROTOCOLS,
    paper=RADCOM_PAPER,
)
class VtCnn(EmbeddingClassifier):
    """VT-CNN2 of O'Shea and West 2016, in all but its last layer shared by the tasks.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power, 2 zeros at both ends | 1 x 2 x 132 | |
    | convolution 256 of 1 x 3, valid, ReLU, dropout 0.5 | 256 x 2 x 130 | 1 024 |
    | 2 zeros at both ends | 256 x 2 x 134 | |
    | convolution 80 of 2 x 3, valid, ReLU, dropout 0.5 | 80 x 1 x 132 | 122 960 |
    | dense, ReLU, dropout 0.5 | 256 | 2 703 616 |
    | each task: dense | classes | 257 a class |

    2 831 198 parameters with 6 modulations and 8 protocols, printed as 2.83 M. Source: Jagannath
    and Jagannath 2022, fig. 19 and table V, after the public code of O'Shea and West, which draws
    the dense layers He normal and drops half.

    Args:
        class_count: length of the logits of a task.
        dropout: share dropped after each layer but the last.
    """

    def __init__(self, class_count: int = len(RADCOM), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        self.convolutions = nn.Sequential(
            nn.ZeroPad2d((2, 2, 0, 0)),
            FirstConv2d(256, (1, 3)),
            nn.ReLU(),
            Dropout(dropout),
            nn.ZeroPad2d((2, 2, 0, 0)),
            nn.Conv2d(256, 80, (2, 3)),
            nn.ReLU(),
            Dropout(dropout),
        )
        dense = nn.Linear(80 * 132, 256)
        self.embed = nn.Sequential(nn.Flatten(), dense, nn.ReLU(), Dropout(dropout))
        self.head = nn.Linear(256, class_count)
        initialise(self)
        he_normal(dense, self.head)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 80, 1, 132] and `embedding` [batch, 256]."""
        maps = self.convolutions(self.represent(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
