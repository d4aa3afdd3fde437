"""Spread offset QPSK, as IEEE 802.15.4 sends it at 2.4 GHz."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require, uniform
from hertzian.waveforms.pulses import pulse, shape
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation

_SYMBOL_0 = "11011001110000110101001000101110"
_PAIRS = len(_SYMBOL_0) // 2


@lru_cache(maxsize=1)
def chip_sequences() -> npt.NDArray[np.float64]:
    """Return the chips of each symbol as +-1 (1 is +1), first chip first: float64 [16, 32].

    IEEE 802.15.4-2015 12.2.4: symbol s below 8 is symbol 0 shifted cyclically by 4 s chips to the
    right; symbol s + 8 is symbol s with its odd chips inverted.
    """
    base = np.array([2.0 * int(bit) - 1 for bit in _SYMBOL_0])
    shifted = np.stack([np.roll(base, 4 * symbol) for symbol in range(8)])
    inverted = shifted.copy()
    inverted[:, 1::2] *= -1
    return np.concatenate([shifted, inverted])


@dataclass(frozen=True)
class SpreadOffsetQPSK(Waveform):
    """One of 16 sequences of 32 chips for each four bits, on half-sines: even chips on I, odd on Q.

    A half-sine lasts two chips, so that Q is a chip later than I and the envelope is constant (IEEE
    802.15.4-2015 12.2.5 and 12.2.6); symbols follow one another without end.

    Attributes:
        label: DSSS-OQPSK.
        samples_per_chip: any real number from 1.5.
        timing: phase of the first sample within a chip, 0 to 1; given, a symbol begins at
            (0 - timing) samples_per_chip; None draws both per example.
    """

    labels: ClassVar[tuple[str, ...]] = ("DSSS-OQPSK",)

    label: str = "DSSS-OQPSK"
    samples_per_chip: float = 4.0
    timing: float | None = None

    def _check(self) -> None:
        spc = self.samples_per_chip
        require(spc >= 1.5, f"{self.label} needs at least 1.5 samples per chip, not {spc}")

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of the half-sines under the mean correlation of the sequences."""
        return _bandwidth(self.samples_per_chip)

    @property
    def symbol_rate(self) -> float:
        """Symbols of 32 chips per sample."""
        return 1 / (len(_SYMBOL_0) * self.samples_per_chip)

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        shaping, sps = pulse("half-sine"), 2 * self.samples_per_chip
        needed = shaping.symbols_needed(samples, sps)
        table = torch.from_numpy(chip_sequences() / 2**0.5).to(generator.device, torch.float32)
        # a symbol more in front, whose last odd chip still sounds when the next one begins
        chosen = draw_indices(len(table), batch, ceil(needed / _PAIRS) + 2, generator)
        pairs = table[chosen].view(batch, -1, 2)
        start = torch.full((batch, 1), _PAIRS, device=pairs.device)
        if self.timing is None:
            place = _PAIRS * uniform(batch, generator)
            start = torch.floor(place).to(torch.int64) + 1
            phase = place - torch.floor(place)
        else:
            phase = draw_timing(self.timing, batch, generator) / 2
        places = start + torch.arange(needed, device=pairs.device)
        in_phase = shape(pairs[:, :, 0].gather(1, places), shaping, sps, phase, samples)
        # from the odd chip before, half a pair of chips further into it
        quadrature = pairs[:, :, 1].gather(1, places - 1)
        quadrature = shape(quadrature, shaping, sps, phase + 0.5, samples)
        return torch.complex(in_phase, quadrature)


@lru_cache(maxsize=256)
def _bandwidth(samples_per_chip: float) -> float:
    """99% bandwidth; I and Q are not correlated, as each sequence stands there with Q inverted."""
    rails = np.concatenate([chip_sequences()[:, 0::2], chip_sequences()[:, 1::2]])
    aperiodic = np.array([np.correlate(rail, rail, "full") for rail in rails]).mean(axis=0)
    correlation = aperiodic[_PAIRS - 1 :] / _PAIRS
    sps = 2 * samples_per_chip
    return bandwidth_of(linear_autocorrelation(correlation, pulse("half-sine"), sps))
