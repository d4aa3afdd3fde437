"""`pet-cgdnn`: estimates one phase, turns the signal back by it, then convolutions and a GRU."""

import torch
from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.layers import FirstConv2d, Normalise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.recurrent import GRU
from hertzian.models.registry import register


@register(
    "pet-cgdnn",
    published_parameters=71_871,
    samples=128,
    classes=RML2016,
    paper="Zhang et al., An efficient deep learning model for automatic modulation recognition "
    "based on parameter estimation and transformation, 2021",
)
class PetCgdnn(EmbeddingClassifier):
    """A dense layer guesses a phase; the signal turned back by it is classified.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 128 | |
    | dense on all of it: a phase p | 1 | 257 |
    | (I cos p + Q sin p, Q cos p - I sin p) | 1 x 2 x 128 | |
    | convolution 75 of 2 x 8, valid, ReLU | 75 x 1 x 121 | 1 275 |
    | convolution 25 of 1 x 5, valid, ReLU | 25 x 1 x 117 | 9 400 |
    | GRU, its last state | 128 | 59 520 |
    | dense | 11 | 1 419 |

    71 871 parameters: the GRU is cuDNN's, which is torch's. Source: the paper, as
    Zhang et al. 2022 built it (there the time axis comes first: 8 x 2 and 5 x 1).

    Args:
        class_count: length of the logits.
    """

    def __init__(self, class_count: int = len(RML2016)) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.estimate = nn.Sequential(nn.Flatten(), nn.Linear(2 * 128, 1))
        self.convolutions = nn.Sequential(
            FirstConv2d(75, (2, 8)), nn.ReLU(), nn.Conv2d(75, 25, (1, 5)), nn.ReLU()
        )
        self.recurrent = GRU(25, 128, batch_first=True)
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the stages.

        Returns:
            `phase` [batch, 1] in radians, `turned` [batch, 2, 128], `convolutions`
            [batch, 25, 1, 117], `sequence` [batch, 117 steps, 128], `embedding` [batch, 128].
        """
        normal = self.normalise(x)
        phase = self.estimate(normal)
        cosine, sine = torch.cos(phase), torch.sin(phase)
        inphase, quadrature = normal[:, 0], normal[:, 1]
        turned = torch.stack(
            [inphase * cosine + quadrature * sine, quadrature * cosine - inphase * sine], dim=1
        )
        maps = self.convolutions(turned[:, None])
        sequence, last = self.recurrent(maps[:, :, 0].transpose(1, 2))
        return {
            "phase": phase,
            "turned": turned,
            "convolutions": maps,
            "sequence": sequence,
            "embedding": last[-1],
        }
