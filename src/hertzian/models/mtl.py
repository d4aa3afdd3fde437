"""`mtl`: a small network that names modulation and protocol, one convolution shared by both."""

from collections.abc import Sequence

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import GaussianNoise, batch_norm_2d
from hertzian.models.layers import Normalise
from hertzian.models.published import (
    RADCOM,
    RADCOM_PAPER,
    RADCOM_PROTOCOLS,
    EmbeddingClassifier,
)
from hertzian.models.registry import register
from hertzian.signal import HertzianError

SIDE = 16
"""I, then Q, of 128 samples as an image of so many rows and columns."""


def _stage(
    inputs: int, filters: int, kernel: int, dropout: float, *, pooled: bool
) -> list[nn.Module]:
    pool: list[nn.Module] = [nn.MaxPool2d(2, stride=1)] if pooled else []
    return [
        nn.Conv2d(inputs, filters, kernel),
        batch_norm_2d(filters),
        nn.ReLU(),
        *pool,
        Dropout(dropout),
    ]


@register(
    "mtl",
    published_parameters=253_000,
    samples=128,
    classes=RADCOM,
    protocols=RADCOM_PROTOCOLS,
    paper=RADCOM_PAPER,
)
class Mtl(EmbeddingClassifier):
    """A convolution that the tasks share; a convolution and two dense layers for each.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power, one after the other in rows of 16 | 1 x 16 x 16 | |
    | convolution 8 of 3 x 3, valid, batch norm, ReLU | 8 x 14 x 14 | 96 |
    | max-pool 2 x 2 of stride 1, dropout 0.25, noise in training | 8 x 13 x 13 | |
    | each task: convolution 4 of 3 x 3, batch norm, ReLU, dropout 0.25 | 4 x 11 x 11 | 300 |
    | each task: dense, ReLU, dropout 0.5 | 256 | 124 160 |
    | each task: dense | classes | 257 a class |

    252 614 parameters with 6 modulations and 8 protocols, 254 156 with 9 and 11. Source: Jagannath
    and Jagannath 2022, fig. 13 and sections III and V; its studies are arguments.

    Args:
        class_count: length of the logits of a task.
        shared: filters of the shared convolutions, each of which is pooled.
        task: filters of each task's convolutions.
        dense: units of each task's dense layer.
        kernel: height and width of all convolutions.
        noise: standard deviation of the noise added in training to what is shared; the paper has
            0.1 on its set off the air, and none elsewhere.
        dropout: share dropped after convolutions.
        dense_dropout: share dropped after the dense layer.

    Raises:
        HertzianError: more or larger convolutions than an image of 16 x 16 has room for.
    """

    def __init__(
        self,
        class_count: int = len(RADCOM),
        *,
        shared: Sequence[int] = (8,),
        task: Sequence[int] = (4,),
        dense: int = 256,
        kernel: int = 3,
        noise: float = 0.0,
        dropout: float = 0.25,
        dense_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        left = SIDE - (kernel - 1) * (len(shared) + len(task)) - len(shared)
        if left < 1:
            raise HertzianError(
                f"{len(shared) + len(task)} convolutions of {kernel} x {kernel} leave nothing of "
                f"an image of {SIDE} x {SIDE}; take fewer or smaller ones"
            )
        self.normalise = Normalise()
        layers: list[nn.Module] = []
        inputs = 1
        for filters in shared:
            layers += _stage(inputs, filters, kernel, dropout, pooled=True)
            inputs = filters
        self.shared = nn.Sequential(*layers, GaussianNoise(noise))
        layers = []
        for filters in task:
            layers += _stage(inputs, filters, kernel, dropout, pooled=False)
            inputs = filters
        layers += [nn.Flatten(), nn.Linear(inputs * left * left, dense), nn.ReLU()]
        layers += [Dropout(dense_dropout), nn.Linear(dense, class_count)]
        self.head = nn.Sequential(*layers)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `embedding`, the maps that the tasks share: [batch, 8, 13, 13]."""
        image = self.normalise(x).flatten(1).unflatten(1, (1, SIDE, SIDE))
        return {"embedding": self.shared(image)}
