"""Frequency keying with continuous phase: 2FSK, 4FSK, GFSK, GMSK, MSK, CPFSK."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import erf

from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require, rotate
from hertzian.waveforms.spectra import bandwidth_of

_PHASES = 512

Real = npt.NDArray[np.float64]
Words = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class _Scheme:
    """Symbols and the defaults of one label."""

    order: int
    modulation_index: float
    bt: float | None


_SCHEMES = {
    "2FSK": _Scheme(2, 1.0, None),
    "4FSK": _Scheme(4, 1.0, None),
    "GFSK": _Scheme(2, 0.5, 0.5),
    "GMSK": _Scheme(2, 0.5, 0.3),
    "MSK": _Scheme(2, 0.5, None),
    "CPFSK": _Scheme(2, 0.5, None),
}
_MINIMUM_SHIFT = frozenset({"GMSK", "MSK"})
# 16 of the 20 words with three ones, in the order of half bytes (EN 13757-4, mode T)
_THREE_OF_SIX = (
    *("010110", "001101", "001110", "001011", "011100", "011001", "011010", "010011"),
    *("101100", "100101", "100110", "100011", "110100", "110001", "110010", "101001"),
)
_CODES = {
    "manchester": ((-1, 1), (1, -1)),
    "3-of-6": tuple(tuple(2 * int(bit) - 1 for bit in word) for word in _THREE_OF_SIX),
}
# what a Gaussian filter makes of them
_FILTERED = {"2FSK": "GFSK", "CPFSK": "GFSK", "MSK": "GMSK"}


def _half_span(bt: float | None) -> int:
    """Symbols on each side of the centre beyond which the frequency pulse is below 1e-5."""
    return 0 if bt is None else ceil(0.5 + 3.2 / (np.pi * bt * (2 / np.log(2)) ** 0.5))


def phase_pulse(t: Real, bt: float | None) -> Real:
    """Return the integral of the frequency pulse, 0 to 1; t in symbols.

    Without `bt`, a rectangle over [0, 1). With it, that rectangle centred on 0 after a Gaussian
    filter of 3 dB bandwidth bt symbol rates: g(t) = [erf(c (t + 1/2)) - erf(c (t - 1/2))] / 2,
    c = pi bt sqrt(2 / ln 2) (Murota and Hirade 1981), integrated in closed form.
    """
    if bt is None:
        return np.clip(t, 0.0, 1.0)
    c = np.pi * bt * (2 / np.log(2)) ** 0.5

    def integral(u: Real) -> Real:
        result: Real = u * erf(c * u) + np.exp(-((c * u) ** 2)) / (c * np.pi**0.5)
        return result

    result: Real = 0.5 * (integral(t + 0.5) - integral(t - 0.5)) + 0.5
    return result


@lru_cache(maxsize=64)
def _phase_table(bt: float | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (values, steps): rows [taps, 512] of the phase pulse and its differences."""
    half = _half_span(bt)
    first, taps = (0, 1) if bt is None else (-half, 2 * half)
    t = first + np.arange(taps)[:, None] + np.arange(_PHASES + 1)[None, :] / _PHASES
    values = torch.from_numpy(phase_pulse(t, bt))
    return values[:, :-1].contiguous(), torch.diff(values, dim=1)


def _phase(
    symbols: torch.Tensor, bt: float | None, sps: float, timing: torch.Tensor, samples: int
) -> torch.Tensor:
    """Return sum over k of a_k q(n / sps + timing - k), float64 [batch, samples]."""
    values, steps = _phase_table(bt)
    taps = len(values)
    n = torch.arange(samples, dtype=torch.float64, device=symbols.device)
    ticks = n * (_PHASES / sps) + timing * _PHASES
    whole = torch.floor(ticks)
    fraction = (ticks - whole).view(-1)
    place = whole.to(torch.int64)
    phase = (place & (_PHASES - 1)).view(-1)
    newest = place // _PHASES + (taps - 1)
    # symbols whose pulse is over count in full: the cumulative sum before the oldest tap
    total = (torch.cumsum(symbols, dim=1) - symbols).gather(1, newest - (taps - 1))
    for value, step in zip(values.to(symbols.device), steps.to(symbols.device), strict=True):
        weight = value[phase] + fraction * step[phase]
        total += weight.view(total.shape) * symbols.gather(1, newest)
        newest -= 1
    return total


@lru_cache(maxsize=256)
def _bandwidth(words: Words, index: float, bt: float | None, sps: float) -> float:
    """99% bandwidth from the autocorrelation of continuous phase modulation.

    r(tau) is the mean over t of the product over k of E[cos(pi h sum over i of a_i (q(t + tau - k
    - i) - q(t - k - i)))], a the word at k (Aulin and Sundberg 1983); as there is the opposite of
    each word, the mean of the sine is zero.
    """
    table = np.array(words, dtype=np.float64)
    period, highest = table.shape[1], float(np.abs(table).max())
    per_symbol = min(sps, max(16.0, 8 * (index * highest + 2)))
    half = _half_span(bt)
    # the wider the deviation, the faster r varies with t, and the sooner it has decayed
    reach, steps = (32, 16) if index < 2 else (16, ceil(8 * (1 + index * highest)))
    lags = np.arange(int(reach * per_symbol)) / per_symbol
    total = np.zeros(lags.size)
    times = period * (np.arange(period * steps) + 0.5) / (period * steps)
    for t in times:
        product = np.ones(lags.size)
        for k in range(-half - period, reach + period + half + 1, period):
            places = k + np.arange(period)[:, None]
            moved = phase_pulse(t + lags - places, bt) - phase_pulse(t - places, bt)
            product *= np.cos(np.pi * index * (table @ moved)).mean(axis=0)
        total += product / times.size
    return bandwidth_of(total, endless=True) * per_symbol / sps


@dataclass(frozen=True)
class FrequencyShiftKeying(Waveform):
    """Continuous-phase frequency keying; the envelope is constant.

    x(t) = exp(j pi h sum over k of a_k q(t - k)), a_k = +-1 (4FSK: +-1, +-3), q from 0 to 1. A
    rectangular symbol is at the frequency a_k h / (2 samples_per_symbol) cycles per sample.

    Attributes:
        label: 2FSK, 4FSK, GFSK, GMSK, MSK (rectangular, h = 0.5) or CPFSK (binary, rectangular).
        samples_per_symbol: of a line symbol, any real number from 1.5; a Manchester bit has two,
            a half byte in 3-of-6 has six.
        modulation_index: h; None is 1 (2FSK, 4FSK) or 0.5 (all others).
        bt: bandwidth-time product of the Gaussian filter; None is 0.5 for GFSK, 0.3 for GMSK, no
            filter for the others.
        coding: "nrz", or of binary labels "manchester" (each bit a symbol and its opposite) or
            "3-of-6" (each half byte a word with three ones, EN 13757-4).
        preamble_symbols: so many symbols at the window's beginning alternate between the extremes;
            then words begin.
        timing: phase of the first sample within a symbol, 0 to 1; None draws it per example, and
            the symbol of its word. A rectangular symbol begins, a Gaussian one is centred, at
            (k - timing) samples_per_symbol.
    """

    labels: ClassVar[tuple[str, ...]] = tuple(_SCHEMES)

    label: str = "2FSK"
    samples_per_symbol: float = 8.0
    modulation_index: float | None = None
    bt: float | None = None
    coding: str = "nrz"
    preamble_symbols: int = 0
    timing: float | None = None

    def _check(self) -> None:
        sps, index, bt = self.samples_per_symbol, self.modulation_index, self.bt
        require(sps >= 1.5, f"{self.label} needs at least 1.5 samples per symbol, not {sps}")
        require(index is None or index > 0, f"modulation index is positive, not {index}")
        require(bt is None or bt > 0, f"bt is positive, not {bt}")
        filtered = _FILTERED.get(self.label)
        require(not (filtered and bt), f"{self.label} with a Gaussian filter is {filtered}")
        minimum = self.label in _MINIMUM_SHIFT
        require(not minimum or index in (None, 0.5), f"{self.label} has modulation index 0.5")
        known = ("nrz", *_CODES)
        require(self.coding in known, f"coding is one of {', '.join(known)}, not {self.coding!r}")
        require(self.coding == "nrz" or self._scheme.order == 2, "line codes need binary symbols")

    @property
    def _scheme(self) -> _Scheme:
        return _SCHEMES[self.label]

    @property
    def _words(self) -> Words:
        """Symbols that are sent together, each row of the table as likely as any other."""
        order = self._scheme.order
        return _CODES.get(self.coding) or tuple((level,) for level in range(1 - order, order, 2))

    @property
    def index(self) -> float:
        """Modulation index in force: given, or the label's own."""
        given = self.modulation_index
        return self._scheme.modulation_index if given is None else given

    @property
    def gaussian(self) -> float | None:
        """Bandwidth-time product in force: given, or the label's own."""
        return self._scheme.bt if self.bt is None else self.bt

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of endless random data, from its autocorrelation."""
        return _bandwidth(self._words, self.index, self.gaussian, self.samples_per_symbol)

    @property
    def symbol_rate(self) -> float:
        """Symbols per sample."""
        return 1 / self.samples_per_symbol

    def _symbols(self, batch: int, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return the preamble, then words, float64 [batch, count]; without, one is under way."""
        words = torch.tensor(self._words, dtype=torch.float64, device=generator.device)
        length = words.shape[1]
        needed = count if length == 1 else ceil(count / length) + 1
        drawn = draw_indices(len(words), batch, needed, generator)
        symbols = words[drawn].view(batch, -1)
        if self.preamble_symbols:
            places = torch.arange(self.preamble_symbols, device=generator.device)
            preamble = torch.where(places % 2 == 0, words.max(), words.min())
            words_after = symbols[:, self.preamble_symbols // length * length :]
            return torch.cat([preamble.expand(batch, -1), words_after], dim=1)[:, :count]
        if self.timing is not None or length == 1:
            return symbols[:, :count]
        first = draw_indices(length, batch, 1, generator)
        return symbols.gather(1, first + torch.arange(count, device=generator.device))

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        timing = draw_timing(self.timing, batch, generator)
        sps = self.samples_per_symbol
        count = ceil(samples / sps) + 2 * _half_span(self.gaussian) + 3
        symbols = self._symbols(batch, count, generator)
        return rotate(0.5 * self.index * _phase(symbols, self.gaussian, sps, timing, samples))
