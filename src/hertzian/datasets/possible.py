"""`possible-6`: symbols of six modulations in white noise, and what a channel may do to them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel import CarrierOffset, Fading
from hertzian.channel.draws import rotation, uniform
from hertzian.channel.noise import complex_normal
from hertzian.datasets.making import Parts, Synthetic, as_received
from hertzian.datasets.published import Kind
from hertzian.waveforms.base import draw_indices
from hertzian.waveforms.linear import alphabet
from hertzian.waveforms.pulses import pulse, shape

KINDS = tuple(map(Kind, ("BPSK", "QPSK", "8PSK", "4PAM", "16QAM", "64QAM")))
MODULATIONS = tuple(kind.modulation for kind in KINDS)
LENGTHS = (64, 128, 256, 512, 1024)
"""Symbols in a window."""

SNR_DB = tuple(map(float, range(-10, 21, 2)))
SNR_DEFINITION = "mean power of the alphabet over that of the noise, each symbol's"

DOPPLER = 1e-3
"""Largest Doppler frequency of a fading channel, in cycles per symbol."""

_CHUNK = 256
_ROLL_OFF = 0.35
_SPAN = 16  # symbols, beyond which a raised cosine is 60 dB down


@dataclass(frozen=True)
class SymbolSource:
    """What a receiver has behind its matched filter: one sample a symbol, at unit mean power.

    Every impairment is drawn for each window, up to what is given, but the last two.

    Attributes:
        symbols: in a window.
        phase: cycles; half a cycle leaves nothing known.
        carrier: cycles per symbol.
        timing: symbols, below one.
        rate: by which share the receiver's symbol rate is too low, 0.1 at most, the same in every
            window.
        fading: power that comes by scattering over that of the line of sight, K^-1 of Rice; a flat
            channel of `DOPPLER`, whose phase the receiver follows.

    Source:
        pulses are raised cosines of roll-off 0.35 behind the filter (Proakis, 9.2); without error
        in timing and rate one sample holds one symbol.
    """

    symbols: int
    phase: float = 0.0
    carrier: float = 0.0
    timing: float = 0.0
    rate: float = 0.0
    fading: float = 0.0

    def chunk(self, kind: Kind) -> int:
        """Return how many windows are made at once."""
        return _CHUNK

    def parts(self, kind: Kind, snr_db: float, count: int, generator: torch.Generator) -> Parts:
        """Return `count` windows, at most a chunk; each is a group."""
        signal = self._impaired(self._sent(kind, count, generator), generator)
        noise = complex_normal((count, self.symbols), generator) * 10 ** (-snr_db / 20)
        rate = torch.ones(count)
        bandwidth = torch.full((count,), torch.nan)
        return Parts(signal, noise, torch.arange(count), bandwidth, rate)

    def _sent(self, kind: Kind, count: int, generator: torch.Generator) -> Tensor:
        """Return samples behind the matched filter, complex64 [count, symbols]."""
        points, shaping = alphabet(kind.modulation), pulse("rc", _ROLL_OFF, _SPAN)
        per_symbol = 1 / (1 + self.rate)
        plain = shaping.symbols_needed(self.symbols, 1)
        more = shaping.symbols_needed(self.symbols, per_symbol) - plain
        # drawn after the others, which stay what they are at any rate
        chosen = [
            draw_indices(points.numel(), count, number, generator) for number in (plain, more)
        ]
        sent = points[torch.cat(chosen, dim=1)]
        # a whole symbol more, for timing is not negative
        timing = 1 + uniform((count, 1), -self.timing, self.timing, generator)
        return shape(sent, shaping, per_symbol, timing, self.symbols)

    def _impaired(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if self.fading:
            k_db = -10 * math.log10(self.fading)
            channel = Fading(doppler_cycles_per_sample=DOPPLER, rician_k_db=k_db)
            x = x * channel.gains(len(x), self.symbols, generator)[:, 0].abs()
        if self.carrier:
            x = CarrierOffset(max_cycles_per_sample=self.carrier)(x, generator)
        if self.phase:
            x = x * rotation(uniform((len(x), 1), -self.phase, self.phase, generator))
        return x


def _name(symbols: int) -> str:
    return f"possible-6-{symbols}"


SETS = {
    symbols: Synthetic(_name(symbols), SymbolSource(symbols), as_received) for symbols in LENGTHS
}
"""Symbols in a window -> what makes them, without any impairment."""
