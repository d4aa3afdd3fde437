"""Complementary code keying, as IEEE 802.11b sends 5.5 and 11 Mbit/s."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require, uniform
from hertzian.waveforms.pulses import Pulse, pulse, shape
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation

_CHIPS = 8
# chip -> whether phi_2, phi_3 and phi_4 turn it, and its sign
_TURNED_BY = (
    (1, 1, 1),
    (0, 1, 1),
    (1, 0, 1),
    (0, 0, 1),
    (1, 1, 0),
    (0, 1, 0),
    (1, 0, 0),
    (0, 0, 0),
)
_SIGNS = (1, 1, 1, -1, 1, 1, -1, 1)


@lru_cache(maxsize=2)
def cck_codewords(bits_per_symbol: int = 8) -> npt.NDArray[np.complex128]:
    """Return the code words at phi_1 = 0, complex128 [64, 8] (8 bits) or [4, 8] (4 bits).

    IEEE 802.11-2016 16.4.6.6: the chips are e^j of phi_2 + phi_3 + phi_4, phi_3 + phi_4,
    phi_2 + phi_4, phi_4 (negative), phi_2 + phi_3, phi_3, phi_2 (negative), 0, each plus phi_1.
    With 8 bits phi_2, phi_3 and phi_4 are any quarter turns, the word's number 16, 4 and 1 times
    them; with 4 bits phi_2 is 1/4 or 3/4 of a turn, phi_3 is 0 and phi_4 0 or 1/2.

    Raises:
        WaveformError: neither 4 nor 8 bits.
    """
    require(bits_per_symbol in (4, 8), f"a CCK symbol has 4 or 8 bits, not {bits_per_symbol}")
    choices = (range(4),) * 3 if bits_per_symbol == 8 else ((1, 3), (0,), (0, 2))
    quarters = np.stack(np.meshgrid(*choices, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(np.array(_SIGNS) * 1j ** (quarters @ np.array(_TURNED_BY).T % 4))


@dataclass(frozen=True)
class ComplementaryCodeKeying(Waveform):
    """Symbols of eight QPSK chips: a code word for all but two bits, turned by the other two.

    phi_1 is differential from symbol to symbol, half a turn more on odd ones (IEEE 802.11-2016
    16.4.6.6); symbols follow one another without end. The chips have unit power.

    Attributes:
        label: DSSS-CCK.
        samples_per_chip: any real number from 1.5.
        bits_per_symbol: 8 (11 Mbit/s at 11 million chips per second) or 4 (5.5 Mbit/s).
        pulse: "rrc" or "rect".
        roll_off: excess bandwidth of "rrc".
        timing: phase of the first sample within a chip, 0 to 1; given, an even symbol begins at
            (0 - timing) samples_per_chip; None draws both per example.
    """

    labels: ClassVar[tuple[str, ...]] = ("DSSS-CCK",)

    label: str = "DSSS-CCK"
    samples_per_chip: float = 2.0
    bits_per_symbol: int = 8
    pulse: str = "rrc"
    roll_off: float = 0.35
    timing: float | None = None

    def _check(self) -> None:
        spc = self.samples_per_chip
        require(spc >= 1.5, f"{self.label} needs at least 1.5 samples per chip, not {spc}")
        require(self.pulse in ("rrc", "rect"), f"pulse is rrc or rect, not {self.pulse!r}")
        require(0 <= self.roll_off <= 1, f"roll-off is from 0 to 1, not {self.roll_off}")
        cck_codewords(self.bits_per_symbol)

    def _shaping(self) -> Pulse:
        return pulse(self.pulse, self.roll_off)

    @property
    def occupied_bandwidth(self) -> float:
        """99% of |G(f)|^2: over the code words, the chips are not correlated."""
        return _bandwidth(self.bits_per_symbol, self._shaping(), self.samples_per_chip)

    @property
    def symbol_rate(self) -> float:
        """Symbols of eight chips per sample."""
        return 1 / (_CHIPS * self.samples_per_chip)

    def _chips(self, batch: int, count: int, generator: torch.Generator) -> torch.Tensor:
        """Draw the chips of `count` symbols, the first of them even: complex64 [batch, 8 count]."""
        device = generator.device
        words = torch.from_numpy(cck_codewords(self.bits_per_symbol)).to(device, torch.complex64)
        chosen = draw_indices(len(words), batch, count, generator)
        turns = draw_indices(4, batch, count, generator)
        turns[:, 1::2] += 2
        quarters = torch.tensor([1, 1j, -1, -1j], dtype=torch.complex64, device=device)
        first = quarters[torch.cumsum(turns, dim=1) % 4]
        return (words[chosen] * first[:, :, None]).view(batch, -1)

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        shaping, spc = self._shaping(), self.samples_per_chip
        needed = shaping.symbols_needed(samples, spc)
        chips = self._chips(batch, ceil(needed / _CHIPS) + 3, generator)
        timing = draw_timing(self.timing, batch, generator)
        # two symbols, after which odd and even repeat
        period = 2 * _CHIPS
        tail = shaping.taps + shaping.first - 1
        start = torch.full((batch, 1), -tail % period, device=chips.device)
        if self.timing is None:
            start = torch.floor(period * uniform(batch, generator)).to(torch.int64)
        chips = chips.gather(1, start + torch.arange(needed, device=chips.device))
        return shape(chips, shaping, spc, timing, samples)


@lru_cache(maxsize=256)
def _bandwidth(bits_per_symbol: int, shaping: Pulse, samples_per_chip: float) -> float:
    words = cck_codewords(bits_per_symbol)
    aperiodic = np.array([np.correlate(word, word, "full") for word in words]).mean(axis=0)
    correlation = aperiodic[_CHIPS - 1 :].real / _CHIPS
    return bandwidth_of(linear_autocorrelation(correlation, shaping, samples_per_chip))
