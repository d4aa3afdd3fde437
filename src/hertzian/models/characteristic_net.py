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
_FEWEST = 8  # symbols in a window
_MOST_SAMPLES = 1024
_LARGEST_SNR = 100
_AT_ONCE = 1 << 24  # numbers that are drawn
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
        HertzianError: too few or many samples a symbol, or a roll-off outside 0..1.
    """

    def __init__(
        self, class_count: int = len(SEVEN), samples_per_symbol: int = 8, roll_off: float = 0.35
    ) -> None:
        super().__init__()
        if not 2 <= samples_per_symbol <= _MOST_SAMPLES or not 0 <= roll_off <= 1:
            raise HertzianError(
                f"characteristic-net takes 2 to {_MOST_SAMPLES} samples per symbol and a roll-off "
                f"from 0 to 1, not {samples_per_symbol} and {roll_off}"
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
        """Return `symbols` [batch, 2, symbols] and `embedding` [batch, 129].

        Raises:
            HertzianError: a window of too few symbols.
        """
        self._symbols(x.shape[-1])
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
        of one symbol in another but between the instants of an offset alphabet.

        Args:
            alphabet: of the symbols.
            snr_db: of each window, as datasets have it: signal over noise in the sampled band.
            samples: length of a window.
            generator: of symbols and noise.

        Raises:
            HertzianError: a window of too few symbols, or an SNR beyond -100 to 100 dB.
        """
        count = self._symbols(samples)
        if not bool((snr_db.abs() <= _LARGEST_SNR).all()):
            raise HertzianError(
                f"features are drawn at SNRs from -{_LARGEST_SNR} to {_LARGEST_SNR} dB, which "
                f"windows of no SNR don't have"
            )
        rows = max(1, _AT_ONCE // (count * len(self.waves)))
        parts = [
            self._drawn(alphabet, some, count, generator) for some in torch.split(snr_db, rows)
        ]
        return torch.cat(parts)

    def _drawn(
        self, alphabet: Alphabet, snr_db: Tensor, count: int, generator: torch.Generator
    ) -> Tensor:
        """Return what `drawn` does, all at once."""
        step = self.samples_per_symbol
        # pulses of an offset alphabet reach into the window from outside it
        shape = (len(snr_db), count + 2 * _REACH)
        points = torch.from_numpy(alphabet.points.astype(np.complex64))
        around = points[_drawn_numbers(alphabet, shape, generator)]
        symbols = around[:, _REACH:-_REACH]
        signal = symbols.abs().square().mean(dim=1, keepdim=True)
        if alphabet.offset:
            # instants are those of Q, as our waveforms have them; I was half a symbol ago
            early = nn.functional.conv1d(around.real[:, None, 1:], self.between)
            symbols = torch.complex(early[:, 0, :count], symbols.imag)
        noise = 10 ** (-snr_db / 10)[:, None]
        white = torch.randn(symbols.shape, dtype=symbols.dtype, generator=generator)
        heard = symbols + (signal * noise / step).sqrt() * white
        passed = (heard * (step / (signal * (1 + noise))).sqrt())[:, _CUT:-_CUT]
        return self._described(torch.stack([passed.real, passed.imag], dim=1))["embedding"]

    def _symbols(self, samples: int) -> int:
        """Return the number of symbols whose middle lies in a window."""
        count = -(-samples // self.samples_per_symbol)
        if count < _FEWEST:
            raise HertzianError(
                f"{samples} samples are {count} symbols at {self.samples_per_symbol} samples each; "
                f"characteristic-net takes windows of {_FEWEST} symbols or more"
            )
        return count

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


def _drawn_numbers(
    alphabet: Alphabet, shape: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Return which point each symbol is, [windows, symbols]."""
    order = len(alphabet.points)
    if not alphabet.alternating:
        return torch.randint(order, shape, generator=generator)
    first = torch.randint(2, (shape[0], 1), generator=generator)
    halves = (first + torch.arange(shape[1])) % 2
    return 2 * torch.randint(order // 2, shape, generator=generator) + halves


def _waves() -> Tensor:
    """Return w [64, 2]."""
    angle = torch.arange(_DIRECTIONS) * math.pi / _DIRECTIONS
    length = torch.linspace(_SLOWEST, _FASTEST, 16)
    towards = torch.stack([angle.cos(), angle.sin()], dim=1)
    return (towards[:, None] * length[:, None]).reshape(-1, 2)
