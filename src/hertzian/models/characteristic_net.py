"""`characteristic-net`: the distribution of symbols, by its characteristic function."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.sigzsl_cnn import SEVEN
from hertzian.signal import Alphabet, HertzianError
from hertzian.waveforms.pulses import raised_cosine, root_raised_cosine

_REACH = 8  # symbols to either side of a pulse
_CUT = 2  # of either end of a window, where most of the pulse may lie outside
_DIRECTIONS = 4
_SLOWEST, _FASTEST = 1.0, 14.0
_TINY = 1e-12


@register("characteristic-net", samples=1024, classes=SEVEN)
class CharacteristicNet(EmbeddingClassifier):
    """A matched filter, the empirical characteristic function of its symbols, a small head.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 1024 | |
    | root-raised cosine, every 8th sample, unit power | 2 x 124 | |
    | mean of cosine and sine of 64 waves, and the power | 129 | |
    | dense, ReLU | 128 | 16 640 |
    | dense | 7 | 903 |

    17 543 parameters; ours. With s_k for the symbols, it takes sum_k exp(j <w, s_k>) / sqrt(n) at
    fixed w: 16 lengths from 1 to 14 along I, along Q and along both diagonals, where the points of
    most alphabets lie in rows (Feuerverger and Mureika, The empirical characteristic function and
    its applications, 1977). Beside it stands the logarithm of the share of the window's power that
    passes the filter, which tells the SNR. None of it is learnt, only the head: features that were
    fitted to some classes need not tell others apart. For windows of a known pulse, whose symbols
    keep one timing and one phase.

    Args:
        class_count: length of the logits.
        samples_per_symbol: the step from one symbol to the next.
        roll_off: of the pulse.

    Raises:
        HertzianError: less than two samples a symbol, or a roll-off outside 0..1.
    """

    def __init__(
        self, class_count: int = len(SEVEN), samples_per_symbol: int = 8, roll_off: float = 0.35
    ) -> None:
        super().__init__()
        if samples_per_symbol < 2 or not 0 <= roll_off <= 1:
            raise HertzianError(
                f"characteristic-net takes two samples per symbol or more and a roll-off from 0 to "
                f"1, not {samples_per_symbol} and {roll_off}"
            )
        self.normalise = Normalise()
        self.samples_per_symbol = samples_per_symbol
        self.pulse: Tensor
        self.waves: Tensor
        self.between: Tensor
        self.register_buffer("pulse", _pulse(samples_per_symbol, roll_off), persistent=False)
        self.register_buffer("waves", _waves(), persistent=False)
        self.register_buffer("between", _between(roll_off), persistent=False)
        dense = nn.Linear(2 * len(self.waves) + 1, 128)
        self.head = nn.Sequential(dense, nn.ReLU(), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `symbols` [batch, 2, symbols] and `embedding` [batch, 129]."""
        step = self.samples_per_symbol
        padding = (_REACH - _CUT) * step
        passed = nn.functional.conv1d(
            self.normalise(x), self.pulse, stride=step, padding=padding, groups=2
        )
        return self._described(passed)

    def drawn(
        self, alphabet: Alphabet, snr_db: Tensor, samples: int, generator: torch.Generator
    ) -> Tensor:
        """Return embeddings as windows of an alphabet would have, [batch, 129], without windows.

        Symbols are drawn, and noise as the filter leaves it; the pulse is taken to leave nothing
        of one symbol in another.

        Args:
            alphabet: of the symbols.
            snr_db: of each window, as datasets have it: signal over noise in the sampled band.
            samples: length of a window.
            generator: of symbols and noise.
        """
        step = self.samples_per_symbol
        shape = (len(snr_db), samples // step)
        points = torch.from_numpy(alphabet.points.astype(np.complex64))
        symbols = points[torch.randint(len(points), shape, generator=generator)]
        signal = symbols.abs().square().mean(dim=1, keepdim=True)
        if alphabet.offset:
            # instants are those of Q, as our waveforms have them; I was half a symbol ago
            around = (_REACH - 1, _REACH)
            real = nn.functional.pad(symbols.real[:, None], around, mode="circular")
            early = nn.functional.conv1d(real, self.between)
            symbols = torch.complex(early[:, 0], symbols.imag)
        noise = 10 ** (-snr_db / 10)[:, None]
        white = torch.randn(shape, dtype=symbols.dtype, generator=generator)
        heard = symbols + (signal * noise / step).sqrt() * white
        passed = (heard * (step / (signal * (1 + noise))).sqrt())[:, _CUT:-_CUT]
        return self._described(torch.stack([passed.real, passed.imag], dim=1))["embedding"]

    def _described(self, passed: Tensor) -> dict[str, Tensor]:
        """Return the features of what has passed the filter, [batch, 2, symbols]."""
        power = passed.square().sum(dim=1).mean(dim=1).clamp(min=_TINY)
        symbols = passed * torch.rsqrt(power)[:, None, None]
        turned, root = self.waves @ symbols, math.sqrt(symbols.shape[2])
        means = [part.mean(dim=2) for part in (turned.cos(), turned.sin())]
        # in units of one over the root of their number a mean over symbols is as uncertain as one
        found = torch.cat([*means, power.log()[:, None]], dim=1) * root
        return {"symbols": symbols, "embedding": found}


def _pulse(samples_per_symbol: int, roll_off: float) -> Tensor:
    """Return the pulse for I and for Q: float32 [2, 1, taps], of unit energy."""
    reach = _REACH * samples_per_symbol
    t = np.arange(-reach, reach + 1) / samples_per_symbol
    taps = root_raised_cosine(t, roll_off)
    return torch.from_numpy(taps / np.linalg.norm(taps)).float().repeat(2, 1, 1)


def _between(roll_off: float) -> Tensor:
    """Return what symbols leave half a symbol after a matched filter: float32 [1, 1, taps]."""
    t = np.arange(-_REACH, _REACH, dtype=np.float64) + 0.5
    return torch.from_numpy(raised_cosine(t, roll_off)).float()[None, None]


def _waves() -> Tensor:
    """Return w [64, 2]."""
    angle = torch.arange(_DIRECTIONS) * math.pi / _DIRECTIONS
    length = torch.linspace(_SLOWEST, _FASTEST, 16)
    towards = torch.stack([angle.cos(), angle.sin()], dim=1)
    return (towards[:, None] * length[:, None]).reshape(-1, 2)
