"""Orthogonal frequency division multiplexing with cyclic prefix, pilots and preambles."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd, sqrt
from typing import ClassVar

import torch

from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require, uniform
from hertzian.waveforms.linear import alphabet
from hertzian.waveforms.pulses import interpolator, shape

_ALPHABETS = ("BPSK", "QPSK", "8PSK", "16QAM", "64QAM")
_PREAMBLES = ("none", "schmidl-cox", "wifi")


@dataclass(frozen=True)
class OFDM(Waveform):
    """Cyclic-prefix OFDM: x(t) = sum over k of X_k exp(2 pi j k t / N) per symbol, unit mean power.

    The symbols are computed at twice the critical rate and interpolated (Kaiser-windowed sinc,
    error below -60 dB) to any real oversampling.

    Attributes:
        label: OFDM.
        fft_size: N, any size from 8.
        occupied_subcarriers: of them in use, centred on 0, at most N - 1.
        cyclic_prefix: its share of N.
        alphabet: of the data: BPSK, QPSK, 8PSK, 16QAM or 64QAM.
        pilot_spacing: every so many used subcarriers one carries a fixed +-1; 0 is no pilots.
        pilot_step: subcarriers by which the pilots move from symbol to symbol, until they are back
            where they were ("scattered"; DVB-T: 3 of 12); 0 stands still.
        pilot_boost: amplitude of a pilot over that of the data (DVB-T: 4/3).
        null_dc: leave subcarrier 0 empty.
        preamble: "none", "schmidl-cox" (a symbol of two equal halves, Schmidl and Cox 1997) or
            "wifi" (2.5 N of a sequence of period N/4, then N/2 and twice N of a known symbol, as
            IEEE 802.11-2020 17.3.3); the window then begins in it or just behind it.
        oversampling: samples per critical sample, any real number from 1.
        window_share: share of N that each raised-cosine edge between symbols takes.
        timing: phase of the first sample within a critical sample, 0 to 1; given, it is also the
            beginning of the preamble or of a symbol's prefix; None draws both per example.
    """

    labels: ClassVar[tuple[str, ...]] = ("OFDM",)

    label: str = "OFDM"
    fft_size: int = 64
    occupied_subcarriers: int = 52
    cyclic_prefix: float = 0.25
    alphabet: str = "QPSK"
    pilot_spacing: int = 0
    pilot_step: int = 0
    pilot_boost: float = 1.0
    null_dc: bool = True
    preamble: str = "none"
    oversampling: float = 1.25
    window_share: float = 0.0
    timing: float | None = None

    def _check(self) -> None:
        size, used = self.fft_size, self.occupied_subcarriers
        require(size >= 8, f"the FFT has at least 8 points, not {size}")
        require(1 < used < size, f"from 2 to {size - 1} subcarriers can be used, not {used}")
        require(0 <= self.cyclic_prefix <= 1, f"prefix is 0 to 1 of N, not {self.cyclic_prefix}")
        require(self.alphabet in _ALPHABETS, f"alphabet is one of {', '.join(_ALPHABETS)}")
        require(self.preamble in _PREAMBLES, f"preamble is one of {', '.join(_PREAMBLES)}")
        require(
            self.preamble != "wifi" or size % 4 == 0, "the wifi preamble needs N divisible by 4"
        )
        require(self.oversampling >= 1, f"oversampling is from 1, not {self.oversampling}")
        require(0 <= self.window_share <= 0.25, "the edge takes at most a quarter of N")
        spacing, step = self.pilot_spacing, self.pilot_step
        require(spacing >= 0, f"pilot spacing is not negative: {spacing}")
        require(0 <= step < max(1, spacing), f"pilots move by less than their spacing, not {step}")
        require(self.pilot_boost > 0, f"pilot boost is positive, not {self.pilot_boost}")

    @property
    def prefix_samples(self) -> int:
        """Critical samples of the cyclic prefix."""
        return round(self.cyclic_prefix * self.fft_size)

    @property
    def subcarriers(self) -> tuple[int, ...]:
        """Numbers of the subcarriers in use, ascending, -N/2 < k < N/2."""
        used = self.occupied_subcarriers
        if not self.null_dc:
            return tuple(range(-(used // 2), used - used // 2))
        return (*range(-(used // 2), 0), *range(1, used - used // 2 + 1))

    def pilots(self, symbol: int = 0) -> tuple[int, ...]:
        """Return the numbers of the subcarriers that carry a pilot in a symbol from 0."""
        if not self.pilot_spacing:
            return ()
        return self.subcarriers[self._first_pilot(symbol) :: self.pilot_spacing]

    @property
    def occupied_bandwidth(self) -> float:
        """Used subcarriers times their spacing: the sidelobes outside hold about 1%."""
        return min(1.0, len(self.subcarriers) / (self.fft_size * self.oversampling))

    @property
    def symbol_rate(self) -> float:
        """OFDM symbols with their prefix per sample."""
        return 1 / ((self.fft_size + self.prefix_samples) * self.oversampling)

    def _to_time(self, subcarriers: torch.Tensor) -> torch.Tensor:
        """Modulate [..., used] to [..., 2 N] at twice the critical rate, unit mean power."""
        size = 2 * self.fft_size
        places = torch.tensor(self.subcarriers, device=subcarriers.device) % size
        spectrum = subcarriers.new_zeros((*subcarriers.shape[:-1], size))
        spectrum[..., places] = subcarriers
        body: torch.Tensor = torch.fft.ifft(spectrum) * (size / sqrt(self.occupied_subcarriers))
        return body

    def _first_pilot(self, symbol: int) -> int:
        """Return the place among the subcarriers in use of the first pilot of a symbol."""
        return (self.pilot_spacing // 2 + symbol * self.pilot_step) % self.pilot_spacing

    def _with_pilots(self, data: torch.Tensor, first: int) -> torch.Tensor:
        """Put pilots in place of data [batch, symbols, used] from symbol `first` on.

        The mean power stays one.
        """
        if not self.pilot_spacing:
            return data
        spacing, count, used = self.pilot_spacing, *data.shape[1:]
        signs = 2.0 * draw_indices(2, 1, used, _fixed()) - 1
        boosted = (self.pilot_boost * signs).to(data)
        period = spacing // gcd(spacing, self.pilot_step)
        for symbol in range(min(period, count)):
            held = slice(self._first_pilot(first + symbol), None, spacing)
            data[:, symbol::period, held] = boosted[:, None, held]
        pilots = sum(len(self.pilots(symbol)) for symbol in range(period)) / period
        return data / sqrt(1 + pilots / used * (self.pilot_boost**2 - 1))

    def _symbols(self, batch: int, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return data symbols with prefix (and edges), complex64 [batch, samples at 2 N]."""
        used = self.occupied_subcarriers
        points = alphabet(self.alphabet).to(generator.device)
        data = points[draw_indices(points.numel(), batch, count * used, generator)]
        # with given timing it is symbol 0 that begins there
        drawn = self.pilot_step and self.timing is None and self.preamble == "none"
        first = int(draw_indices(self.pilot_spacing, 1, 1, generator)) if drawn else 0
        body = self._to_time(self._with_pilots(data.view(batch, count, used), first))
        prefix, edge = 2 * self.prefix_samples, round(2 * self.fft_size * self.window_share)
        whole = torch.cat([body[..., body.shape[-1] - prefix :], body, body[..., :edge]], dim=-1)
        if edge == 0:
            return whole.view(batch, -1)
        places = torch.arange(edge, device=body.device) + 0.5
        rise = torch.sin(torch.pi / 2 * places / edge) ** 2
        head, tail = whole[..., :edge] * rise, whole[..., -edge:] * (1 - rise)
        head[:, 1:] += tail[:, :-1]
        # nothing was sent before the first symbol that could fade out
        head[:, 0] = whole[:, 0, :edge]
        return torch.cat([head, whole[..., edge:-edge]], dim=-1).view(batch, -1)

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        timing = draw_timing(self.timing, batch, generator)
        kernel, rate = interpolator(), self.oversampling / 2
        length = 2 * (self.fft_size + self.prefix_samples)
        header = _preamble(self).to(generator.device)
        needed = kernel.symbols_needed(samples, rate)
        reach = header.numel() or length
        count = ceil((needed + reach) / length)
        burst = torch.cat([header.expand(batch, -1), self._symbols(batch, count, generator)], dim=1)
        tail = kernel.taps + kernel.first - 1
        start = torch.full((batch, 1), -tail, device=burst.device)
        if self.timing is None:
            start = torch.floor(reach * uniform(batch, generator)).to(torch.int64) - tail
        places = start + torch.arange(needed, device=burst.device)
        # what precedes the burst is taken from its beginning, so that it does not start from zero
        chosen = burst.gather(1, places.abs())
        return shape(chosen, kernel, rate, 2 * timing, samples)


def _fixed() -> torch.Generator:
    """Return a generator for what every OFDM transmitter of this kind has in common."""
    return torch.Generator().manual_seed(802)


@lru_cache(maxsize=64)
def _preamble(waveform: OFDM) -> torch.Tensor:
    """Return the preamble at twice the critical rate, complex64 [samples], unit mean power."""
    numbers = torch.tensor(waveform.subcarriers)
    signs = 2.0 * draw_indices(2, 2, numbers.numel(), _fixed()) - 1
    size, prefix = 2 * waveform.fft_size, 2 * waveform.prefix_samples
    known = waveform._to_time(signs[0].to(torch.complex64))
    if waveform.preamble == "none":
        return known[:0]
    spacing = 2 if waveform.preamble == "schmidl-cox" else 4
    thinned = torch.where(numbers % spacing == 0, signs[1], 0.0)
    thinned = thinned * (numbers.numel() / thinned.abs().sum()) ** 0.5
    sparse = waveform._to_time(torch.complex(thinned, thinned) / 2**0.5)
    if waveform.preamble == "schmidl-cox":
        return torch.cat([sparse[size - prefix :], sparse])
    half = size // 2
    return torch.cat([sparse, sparse, sparse[:half], known[half:], known, known])
