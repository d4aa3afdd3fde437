"""Linear modulations: symbols of an alphabet on a pulse."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch

from hertzian.signal import constellation
from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require
from hertzian.waveforms.pulses import Pulse, pulse, shape
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation

_OFFSET = frozenset({"OQPSK"})
_DIFFERENTIAL = frozenset({"PI4-DQPSK"})


@lru_cache(maxsize=64)
def alphabet(label: str) -> torch.Tensor:
    """Return a constellation as complex64 [order], unit mean power."""
    return torch.from_numpy(constellation(label).astype(np.complex64))


@dataclass(frozen=True)
class Linear(Waveform):
    """PSK, QAM, APSK and PAM: x(t) = sum over k of a_k g(t - k), a_k from `signal.constellation`.

    Attributes:
        label: the alphabet; OQPSK delays Q by half a symbol, PI4-DQPSK turns the phase by an odd
            multiple of pi/4 from symbol to symbol, so that its axes and diagonals take turns.
        samples_per_symbol: any real number from 1.5.
        roll_off: excess bandwidth of the "rrc" pulse.
        span: length of the "rrc" pulse in symbols, even.
        pulse: "rrc", "rect" or "half-sine" (with OQPSK that is MSK, as in IEEE 802.15.4).
        timing: phase of the first sample within a symbol, 0 to 1; None draws it per example. A
            symbol's centre stands at samples (k - timing) samples_per_symbol; with "rect" and
            "half-sine" it begins there.
    """

    labels: ClassVar[tuple[str, ...]] = (
        *("4PAM", "BPSK", "QPSK", "8PSK", "16PSK", "32PSK", "OQPSK", "PI4-DQPSK"),
        *("8QAM", "16QAM", "32QAM", "64QAM", "128QAM", "256QAM"),
        *("12APSK", "16APSK", "32APSK", "64APSK", "128APSK"),
    )

    label: str
    samples_per_symbol: float = 8.0
    roll_off: float = 0.35
    span: int = 10
    pulse: str = "rrc"
    timing: float | None = None

    def _check(self) -> None:
        sps = self.samples_per_symbol
        require(sps >= 1.5, f"{self.label} needs at least 1.5 samples per symbol, not {sps}")
        require(0 <= self.roll_off <= 1, f"roll-off is from 0 to 1, not {self.roll_off}")
        require(self.span >= 2, f"the pulse spans at least 2 symbols, not {self.span}")
        self._shaping()

    def _shaping(self) -> Pulse:
        return pulse(self.pulse, self.roll_off, self.span)

    @property
    def occupied_bandwidth(self) -> float:
        """99% of |G(f)|^2, the spectrum of independent symbols of zero mean; aliases included."""
        return _bandwidth(self._shaping(), self.samples_per_symbol)

    @property
    def symbol_rate(self) -> float:
        """Symbols per sample."""
        return 1 / self.samples_per_symbol

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        shaping, sps = self._shaping(), self.samples_per_symbol
        points = alphabet(self.label).to(generator.device)
        timing = draw_timing(self.timing, batch, generator)
        count = shaping.symbols_needed(samples, sps)
        if self.label in _DIFFERENTIAL:
            chosen = _turned(batch, count, generator)
        else:
            chosen = draw_indices(points.numel(), batch, count, generator)
        symbols = points[chosen]
        if self.label not in _OFFSET:
            return shape(symbols, shaping, sps, timing, samples)
        # half a symbol more of phase for I is half a symbol of delay for Q
        in_phase = shape(symbols.real, shaping, sps, timing + 0.5, samples)
        return torch.complex(in_phase, shape(symbols.imag, shaping, sps, timing, samples))


def _turned(batch: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw phases in units of pi/4, int64 [batch, count], an odd number of them apart."""
    first = draw_indices(8, batch, 1, generator)
    turns = 2 * draw_indices(4, batch, count - 1, generator) + 1
    return torch.cumsum(torch.cat([first, turns], dim=1), dim=1) % 8


@lru_cache(maxsize=256)
def _bandwidth(shaping: Pulse, samples_per_symbol: float) -> float:
    return bandwidth_of(linear_autocorrelation(np.ones(1), shaping, samples_per_symbol))
