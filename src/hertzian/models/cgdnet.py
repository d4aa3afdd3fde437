"""`cgdnet`: shallow convolutions, a GRU over their maps, Gaussian dropout."""

import torch
from torch import Tensor, nn

from hertzian.models.initialise import he_normal, initialise, lecun_uniform
from hertzian.models.keras import GaussianDropout, SameMaxPool2d
from hertzian.models.published import RML2016, EmbeddingClassifier, last_state
from hertzian.models.recurrent import GRU
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "cgdnet",
    published_parameters=124_933,
    samples=128,
    classes=RML2016,
    paper="Njoku, Morocho-Cayamcela and Lim, CGDNet: efficient hybrid deep learning model for "
    "robust automatic modulation recognition, 2021",
)
class CgdNet(EmbeddingClassifier):
    """Three pooled convolutions, the first joined to the last, and a GRU whose steps are the maps.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | a: convolution 50 of 1 x 6, valid, ReLU; max-pool 2 x 2, same | 50 x 2 x 123 | 350 |
    | likewise | 50 x 2 x 118 | 15 050 |
    | b: likewise | 50 x 2 x 113 | 15 050 |
    | a beside b along time; GRU over the maps, its last state | 50 | 78 600 |
    | dense, ReLU | 256 | 13 056 |
    | dense | 11 | 2 827 |

    124 933 parameters: the pooling has a stride of 1; the GRU is cuDNN's, which is torch's. Each of
    its 50 steps sees one map's I then Q over all time (472 values); it is no recurrence in time.
    Gaussian dropout 0.2 after each layer but the last. First convolution LeCun uniform, first
    dense layer He normal. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: rate of the Gaussian dropout.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.2) -> None:
        super().__init__()
        self.represent = Image()
        convolutions = [nn.Conv2d(inputs, 50, (1, 6)) for inputs in (1, 50, 50)]
        self.first, self.second, self.third = (
            nn.Sequential(
                convolution, nn.ReLU(), SameMaxPool2d((2, 2), (1, 1)), GaussianDropout(dropout)
            )
            for convolution in convolutions
        )
        self.recurrent = GRU(2 * (123 + 113), 50, batch_first=True)
        dense = nn.Linear(50, 256)
        self.embed = nn.Sequential(GaussianDropout(dropout), dense, nn.ReLU())
        self.head = nn.Sequential(GaussianDropout(dropout), nn.Linear(256, class_count))
        initialise(self)
        lecun_uniform(convolutions[0])
        he_normal(dense)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 50, 2, 113], `steps` (50 x 472), `embedding` (256)."""
        first = self.first(self.represent(x))
        third = self.third(self.second(first))
        steps = torch.cat([first, third], dim=3).flatten(2)
        embedding = self.embed(last_state(self.recurrent, steps))
        return {"convolutions": third, "steps": steps, "embedding": embedding}
