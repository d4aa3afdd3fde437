"""`drcnn-mtl`: DrCNN with a last layer for each of two tasks."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
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
    "drcnn-mtl",
    published_parameters=1_010_000,
    samples=128,
    classes=RADCOM,
    protocols=RADCOM_PROTOCOLS,
    paper=RADCOM_PAPER,
)
class DrCnn(EmbeddingClassifier):
    """DrCNN of Wang et al. 2019, in all but its last layer shared by the tasks.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 128 of 2 x 8, valid, ReLU, dropout 0.5 | 128 x 1 x 121 | 2 176 |
    | convolution 64 of 1 x 16, valid, ReLU, dropout 0.5 | 64 x 1 x 106 | 131 136 |
    | dense, ReLU, dropout 0.5 | 128 | 868 480 |
    | each task: dense | classes | 129 a class |

    1 003 598 parameters with 6 modulations and 8 protocols, where 1.01 M are printed. Sources:
    Jagannath and Jagannath 2022, table V; Wang, Liu, Yang and Gui, Data-driven deep learning for
    automatic modulation recognition in cognitive radios, 2019. Neither prints the sizes of its
    kernels; these are nearest to the count.

    Args:
        class_count: length of the logits of a task.
        dropout: share dropped after each layer but the last.
    """

    def __init__(self, class_count: int = len(RADCOM), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        self.convolutions = nn.Sequential(
            FirstConv2d(128, (2, 8)),
            nn.ReLU(),
            Dropout(dropout),
            nn.Conv2d(128, 64, (1, 16)),
            nn.ReLU(),
            Dropout(dropout),
        )
        self.embed = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * 106, 128), nn.ReLU(), Dropout(dropout)
        )
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 64, 1, 106] and `embedding` [batch, 128]."""
        maps = self.convolutions(self.represent(x))
        return {"convolutions": maps, "embedding": self.embed(maps)}
