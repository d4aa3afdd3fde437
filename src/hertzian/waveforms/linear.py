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


@lru_cache(maxsize=64)
def alphabet(label: str) -> torch.Tensor:
    """Return a constellation as complex64 [order], unit mean power."""
    return torch.from_numpy(constellation(label).astype(np.complex64))


@dataclass(frozen=True)
class Linear(Waveform):
    """PSK, QAM, APSK and PAM: x(t) = sum over k of a_k g(t - k), a_k from `signal.constellation`.

    Attributes:
        label: the alphabet; OQPSK delays Q by half a symbol.
        samples_per_symbol: any real number from 1.5.
        roll_off: excess bandwidth of the "rrc" pulse.
        span: length of the "rrc" pulse in symbols, even.
        pulse: "rrc", "rect" or "half-sine" (with OQPSK that is MSK, as in IEEE 802.15.4).
        timing: phase of the first sample within a symbol, 0 to 1; None draws it per example. A
            symbol's centre stands at samples (k - timing) samples_per_symbol; with "rect" and
            "half-sine" it begins there.
    """

    labels: ClassVar[tuple[str, ...]] = (
        *("4PAM", "BPSK", "QPSK", "8PSK", "OQPSK", "16QAM", "64QAM", "16APSK"),
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

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        shaping, sps = self._shaping(), self.samples_per_symbol
        points = alphabet(self.label).to(generator.device)
        timing = draw_timing(self.timing, batch, generator)
        count = shaping.symbols_needed(samples, sps)
        chosen = draw_indices(points.numel(), batch, count, generator)
        symbols = points[chosen]
        if self.label not in _OFFSET:
            return shape(symbols, shaping, sps, timing, samples)
        # half a symbol more of phase for I is half a symbol of delay for Q
        in_phase = shape(symbols.real, shaping, sps, timing + 0.5, samples)
        return torch.complex(in_phase, shape(symbols.imag, shaping, sps, timing, samples))


@lru_cache(maxsize=256)
def _bandwidth(shaping: Pulse, samples_per_symbol: float) -> float:
    return bandwidth_of(linear_autocorrelation(np.ones(1), shaping, samples_per_symbol))
