"""`symbol-net`: which alphabet symbols are from, by waves that are learnt."""

import math

import torch
from torch import Tensor, nn

from hertzian.datasets.possible import MODULATIONS
from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import EmbeddingClassifier
from hertzian.models.registry import register

_SAMPLES = 256
_DIRECTIONS = 4
_SLOWEST, _FASTEST = 0.5, 16.0  # radians over the root mean square of an alphabet, of fresh waves
_TINY = 1e-12


@register("symbol-net", samples=_SAMPLES, classes=MODULATIONS)
class SymbolNet(EmbeddingClassifier):
    """The empirical characteristic function of symbols at learnt places, and a dense head.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x symbols | |
    | 64 waves, means of cosine and sine of w I + v Q; power, and its log | 130 | 128 |
    | 3 times dense, ReLU | 128 | 49 792 |
    | dense | 6 | 774 |

    50 694 parameters; ours. A log-likelihood of independent symbols is a sum over them of one
    function of each, so that no more than such sums need be known of a window, in whatever order
    its symbols come. Noise of variance s^2 takes exp(-s^2 |w|^2 / 4) off the characteristic
    function at w, so that few waves tell all that is left of an alphabet in noise (Feuerverger and
    Mureika, The empirical characteristic function and its applications, 1977). For one sample a
    symbol; as long as they may be.

    Args:
        class_count: length of the logits.
        waves: places at which the function is taken, by fours: at first along I, Q and two
            directions between them.
        width: of the dense layers.
        mirrored: whether every alphabet looks the same behind either axis, as those of `possible-6`
            do; a wave is then cos(w I) cos(v Q) alone, and the layer of 130 numbers one of 66.
        known_gain: whether windows come at the gain of the alphabet, whose power then tells the
            noise; they are not scaled then, and another gain changes the answers.
    """

    def __init__(
        self,
        class_count: int = len(MODULATIONS),
        waves: int = 64,
        width: int = 128,
        *,
        mirrored: bool = False,
        known_gain: bool = False,
    ) -> None:
        super().__init__()
        self.normalise: nn.Module = nn.Identity() if known_gain else Normalise()
        # the second and the last of four directions by eighths of a turn are each other's mirror
        apart = math.pi / (6 if mirrored else 4)
        angle = torch.arange(_DIRECTIONS) * apart
        length = torch.linspace(_SLOWEST, _FASTEST, max(1, waves // _DIRECTIONS))
        towards = torch.stack([angle.cos(), angle.sin()], dim=1)
        self.waves = nn.Parameter((towards[:, None] * length[:, None]).reshape(-1, 2))
        self.mirrored = mirrored
        layers: list[nn.Module] = []
        for inputs in ((1 if mirrored else 2) * len(self.waves) + 2, width, width):
            layers += [nn.Linear(inputs, width), nn.ReLU()]
        self.embed = nn.Sequential(*layers)
        self.head = nn.Linear(width, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `characteristic` [batch, 2 waves + 2] and `embedding` [batch, width].

        Where alphabets are mirrored the first has one number a wave.
        """
        x = self.normalise(x)
        power = x.square().sum(dim=1).mean(dim=1, keepdim=True)
        means = [*self._waves(x), power, power.clamp(min=_TINY).log()]
        # in units of one over the root of their number a mean over symbols is as uncertain as one
        found = math.sqrt(x.shape[-1]) * torch.cat(means, dim=1)
        return {"characteristic": found, "embedding": self.embed(found)}

    def _waves(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return means over symbols, [batch, waves] each."""
        if self.mirrored:
            in_phase, quadrature = (
                self.waves[:, axis, None] * x[:, axis, None] for axis in range(2)
            )
            return ((in_phase.cos() * quadrature.cos()).mean(dim=2),)
        turned = self.waves @ x
        return turned.cos().mean(dim=2), turned.sin().mean(dim=2)
