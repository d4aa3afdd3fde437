"""Pulse shapes, and shaping at any real number of samples per symbol."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
import numpy.typing as npt
import torch

from hertzian.waveforms.base import require

_PHASE_BITS = 13
PHASES = 1 << _PHASE_BITS
"""Phases per symbol at which a pulse is tabulated."""

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pulse:
    """A pulse g(t), t in symbols, tabulated at `PHASES` points per symbol.

    Attributes:
        table: float32 [taps, PHASES]; row j holds g(phase + first + j), 0 <= phase < 1.
        first: whole symbols from the pulse's centre (t = 0) to its beginning, at most zero.
    """

    table: torch.Tensor
    first: int

    @property
    def taps(self) -> int:
        """Symbols that the pulse spans."""
        return int(self.table.shape[0])

    def symbols_needed(self, samples: int, samples_per_symbol: float) -> int:
        """Symbols that `shape` reads for a number of samples, for timing below two."""
        return ceil(samples / samples_per_symbol) + self.taps + 2

    @property
    def autocorrelation(self) -> Real:
        """r(tau) = integral of g(t) g(t + tau) at tau = 0, 1/512, 2/512, ... symbols."""
        fine = self.table.double().numpy().ravel()[:: PHASES // 512]
        spectrum = np.fft.rfft(fine, 2 * fine.size)
        correlation: Real = np.fft.irfft(np.abs(spectrum) ** 2)[: fine.size] / 512
        return correlation


def _tabulate(function: Callable[[Real], Real], first: int, taps: int) -> Pulse:
    t = first + np.arange(taps)[:, None] + np.arange(PHASES)[None, :] / PHASES
    return Pulse(torch.from_numpy(function(t).astype(np.float32)), first)


def root_raised_cosine(t: Real, roll_off: float) -> Real:
    """Root-raised-cosine pulse of unit energy, t in symbols (Proakis, Digital Communications, 9.2).

    g(t) = [sin(pi t (1 - a)) + 4 a t cos(pi t (1 + a))] / [pi t (1 - (4 a t)^2)].
    """
    a = roll_off
    if a == 0:
        return np.sinc(t)
    t = np.where(np.abs(t) < 1e-9, 1e-9, t)
    # the formula is 0/0 at |t| = 1/(4a); a step aside of 1e-7 leaves an error of the same order
    t = np.where(np.abs(np.abs(4 * a * t) - 1) < 1e-7, t * (1 + 1e-6), t)
    numerator = np.sin(np.pi * t * (1 - a)) + 4 * a * t * np.cos(np.pi * t * (1 + a))
    result: Real = numerator / (np.pi * t * (1 - (4 * a * t) ** 2))
    return result


def raised_cosine(t: Real, roll_off: float) -> Real:
    """Raised-cosine pulse, 1 at t = 0 and 0 at other whole t, in symbols (Proakis, 9.2).

    g(t) = sinc(t) cos(pi a t) / (1 - (2 a t)^2).
    """
    a = roll_off
    if a == 0:
        return np.sinc(t)
    # 0/0 at |t| = 1/(2a), as with the root-raised cosine
    t = np.where(np.abs(np.abs(2 * a * t) - 1) < 1e-7, t * (1 + 1e-6), t)
    result: Real = np.sinc(t) * np.cos(np.pi * a * t) / (1 - (2 * a * t) ** 2)
    return result


def _rect(t: Real, rise_share: float) -> Real:
    if rise_share == 0:
        return ((t >= 0) & (t < 1)).astype(np.float64)
    rise = np.clip(t / rise_share + 0.5, 0, 1)
    fall = np.clip((t - 1) / rise_share + 0.5, 0, 1)
    edges: Real = 0.5 * (np.cos(np.pi * fall) - np.cos(np.pi * rise))
    return edges


@lru_cache(maxsize=256)
def pulse(name: str, roll_off: float = 0.35, span: int = 10, rise_share: float = 0.0) -> Pulse:
    """Return a tabulated pulse.

    Args:
        name: "rrc" (unit energy, centred on 0, cut to `span` symbols), "rc" (a raised cosine of
            height 1, likewise), "rect" (height 1 over [0, 1); `rise_share` of a symbol is spent on
            each raised-cosine edge, so that equal neighbours join without a dip) or "half-sine"
            (unit energy over [0, 1)).
        roll_off: excess bandwidth of "rrc" and "rc".
        span: length of these two in symbols, even.
        rise_share: width of the edges of "rect", 0 to 1 symbol.
    """
    half = span // 2
    if name == "rc":
        return _tabulate(lambda t: raised_cosine(t, roll_off), -half, 2 * half)
    if name == "rrc":
        shaped = _tabulate(lambda t: root_raised_cosine(t, roll_off), -half, 2 * half)
        energy = float((shaped.table.double() ** 2).sum()) / PHASES
        return Pulse(shaped.table / energy**0.5, -half)
    if name == "rect":
        first, taps = (0, 1) if rise_share == 0 else (-1, 3)
        return _tabulate(lambda t: _rect(t, rise_share), first, taps)
    require(name == "half-sine", f"unknown pulse {name!r}; known are rrc, rc, rect, half-sine")
    return _tabulate(lambda t: 2**0.5 * np.sin(np.pi * t), 0, 1)


@lru_cache(maxsize=16)
def interpolator(span: int = 12) -> Pulse:
    """Return a Kaiser-windowed sinc that interpolates samples; exact for the lower half band."""
    half = span // 2

    def windowed(t: Real) -> Real:
        window = np.i0(8.0 * np.sqrt(np.clip(1 - (t / half) ** 2, 0, None))) / np.i0(8.0)
        result: Real = np.sinc(t) * window
        return result

    return _tabulate(windowed, -half, 2 * half)


def shape(
    symbols: torch.Tensor,
    shaping: Pulse,
    samples_per_symbol: float,
    timing: torch.Tensor,
    samples: int,
) -> torch.Tensor:
    """Return x[n] = sum over k of a_k g(n / samples_per_symbol + timing - k), [batch, samples].

    `symbols` [batch, count], real or complex, begins with the symbol k = -(taps + first - 1), so
    that the pulse is never cut; `timing` float64 [batch, 1] is not negative. The pulse is read at
    the nearest of its `PHASES` phases: a timing error of at most 1/16384 of a symbol.
    """
    n = torch.arange(samples, dtype=torch.float64, device=symbols.device)
    ticks = torch.round(n * (PHASES / samples_per_symbol) + timing * PHASES).to(torch.int64)
    phase = (ticks & (PHASES - 1)).view(-1)
    newest = (ticks >> _PHASE_BITS) + (shaping.taps - 1)
    table = shaping.table.to(symbols.device)
    total = torch.zeros(ticks.shape, dtype=symbols.dtype, device=symbols.device)
    for row in table:
        weight = row.index_select(0, phase).view(ticks.shape)
        total += weight * symbols.gather(1, newest)
        newest -= 1
    return total
