"""`symbol-net`: which alphabet symbols are from, by their characteristic function."""

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
_SLOWEST, _FASTEST = 0.5, 16.0  # radians over the root mean square of an alphabet
_TINY = 1e-12
_LEAST_NOISE = 1e-3  # of the alphabet's power: noise weaker than -30 dB hides no alphabet


@register("symbol-net", samples=_SAMPLES, classes=MODULATIONS)
class SymbolNet(EmbeddingClassifier):
    """How the empirical characteristic function differs from a Gaussian's, and a dense head.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x symbols | |
    | at 64 places (w, v): means of cosine and sine of w I + v Q, less those of a Gaussian of the \
same second moments; two ratios of these | 130 | |
    | each to mean 0 and variance 1 (batch norm without weights) | 130 | |
    | 3 times dense, ReLU | 128 | 49 792 |
    | dense | 6 | 774 |

    50 566 parameters, 42 502 with both options; ours. A log-likelihood of independent symbols is a
    sum over them of one function of each, so that no more than such sums need be known of a window,
    in whatever order its symbols come. Noise of variance s^2 takes exp(-s^2 |w|^2 / 4) off the
    characteristic function at w, so that few places tell all that is left of an alphabet in noise
    (Feuerverger and Mureika, The empirical characteristic function and its applications, 1977).
    Where noise is strong every alphabet is nearly a Gaussian, whose characteristic function is
    known: what is left beside it is what tells them apart, as in the test of Epps and Pulley
    (1983). For one sample a symbol; as long as they may be.

    Args:
        class_count: length of the logits.
        waves: places at which the function is taken, by fours: along I, Q and two directions
            between them.
        width: of the dense layers.
        mirrored: whether every alphabet looks the same behind either axis, as those of `possible-6`
            do; a wave is then cos(w I) cos(v Q) alone, and I and Q are uncorrelated.
        known_gain: whether windows come at the gain of the alphabet, whose power then tells the
            noise: logarithms of the power and of what it has above 1 are two more inputs. Windows
            are not scaled then, and another gain changes the answers.
    """

    waves: Tensor

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
        self.register_buffer("waves", (towards[:, None] * length[:, None]).reshape(-1, 2))
        self.mirrored = mirrored
        self.known_gain = known_gain
        inputs = (1 if mirrored else 2) * (len(self.waves) + 1) + 2 * known_gain
        layers: list[nn.Module] = [nn.BatchNorm1d(inputs, affine=False)]
        for size in (inputs, width, width):
            layers += [nn.Linear(size, width), nn.ReLU()]
        self.embed = nn.Sequential(*layers)
        self.head = nn.Linear(width, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `characteristic` [batch, 2 waves] and `embedding` [batch, width].

        Where alphabets are mirrored the first has one number a wave.
        """
        x = self.normalise(x)
        cosine, *sine = self._waves(x)
        in_phase, quadrature = x.square().mean(dim=2, keepdim=True).unbind(1)
        product = (x[:, :1] * x[:, 1:]).mean(dim=2)
        power = (in_phase + quadrature).clamp(min=_TINY)
        w, v = self.waves.unbind(1)
        exponent = in_phase * w.square() + quadrature * v.square()
        ratios = [(in_phase - quadrature) / power]
        if not self.mirrored:
            exponent = exponent + 2 * product * w * v
            ratios.append(product / power)
        # in units of one over the root of their number a mean over symbols is as uncertain as one
        unit = math.sqrt(x.shape[-1])
        told = [unit * mean for mean in (cosine - (-exponent / 2).exp(), *sine, *ratios)]
        if self.known_gain:
            told += [power.log(), (power - 1).clamp(min=_LEAST_NOISE).log()]
        characteristic = unit * torch.cat([cosine, *sine], dim=1)
        return {
            "characteristic": characteristic,
            "embedding": self.embed(torch.cat(told, dim=1)),
        }

    def _waves(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return means over symbols, [batch, waves] each."""
        if self.mirrored:
            in_phase, quadrature = (
                self.waves[:, axis, None] * x[:, axis, None] for axis in range(2)
            )
            return ((in_phase.cos() * quadrature.cos()).mean(dim=2),)
        turned = self.waves @ x
        return turned.cos().mean(dim=2), turned.sin().mean(dim=2)
