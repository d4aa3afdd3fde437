"""What a linear modulation is like, worked out from its symbol alphabet."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.signal.alphabets import SAME, Alphabet, alphabet_of
from hertzian.signal.constellations import Symbols

_ROWS = 256


@dataclass(frozen=True)
class Attributes:
    """Attributes of a symbol alphabet, its points equally likely.

    With a for the symbols, m for their mean and b = a - m, of power P:

    Attributes:
        order: number of points.
        carrier: |m|^2 over the mean power, the share of a line at the carrier, 0..1.
        conjugate: |E b^2| / P, 1 where all points lie on a line, 0 for a circular alphabet.
        c40: real part of cum(b, b, b, b) / P^2 (Swami and Sadler, Hierarchical digital modulation
            classification using cumulants, 2000, eq. 7).
        c42: cum(b, b, b*, b*) / P^2 (eq. 9): -1 for PSK, -2 for BPSK, 0 for noise.
        amplitude_levels: distinct magnitudes.
        phase_levels: distinct angles of what is not zero.
        symmetry: the largest n for which a turn by 1/n maps the alphabet onto itself.
        offset: whether Q comes half a symbol after I.
        alternating: whether every second symbol is from the other half of the points.
    """

    order: int
    carrier: float
    conjugate: float
    c40: float
    c42: float
    amplitude_levels: int
    phase_levels: int
    symmetry: int
    offset: bool = False
    alternating: bool = False

    @property
    def constant_envelope(self) -> bool:
        """Whether all points have the same magnitude."""
        return self.amplitude_levels == 1

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Return them as a vector [11]; numbers of points, levels and turns as their log2."""
        counts = (self.order, self.amplitude_levels, self.phase_levels, self.symmetry)
        ratios = (self.carrier, self.conjugate, self.c40, self.c42)
        flags = (self.constant_envelope, self.offset, self.alternating)
        return np.array([*np.log2(counts), *ratios, *map(float, flags)])


def attributes_of_alphabet(alphabet: Alphabet) -> Attributes:
    """Return the attributes of a symbol alphabet."""
    symbols = alphabet.points
    mean = symbols.mean()
    rest = symbols - mean
    power = np.mean(np.abs(rest) ** 2)
    squared = np.mean(rest**2) / power
    c40 = np.mean(rest**4) / power**2 - 3 * squared**2
    c42 = np.mean(np.abs(rest) ** 4) / power**2 - np.abs(squared) ** 2 - 2
    phases = np.angle(symbols[np.abs(symbols) > SAME])
    return Attributes(
        order=len(symbols),
        carrier=float(np.abs(mean) ** 2),
        conjugate=float(np.abs(squared)),
        c40=float(c40.real),
        c42=float(c42),
        amplitude_levels=_distinct(np.abs(symbols)),
        phase_levels=_distinct(phases, period=2 * np.pi),
        symmetry=_symmetry(symbols),
        offset=alphabet.offset,
        alternating=alphabet.alternating,
    )


def attributes_of(name: str) -> Attributes:
    """Return the attributes of a linear modulation, by any of its spellings.

    Raises:
        HertzianError: the modulation is unknown or has no symbol alphabet here.
    """
    return attributes_of_alphabet(alphabet_of(name))


def _distinct(values: npt.NDArray[np.float64], period: float | None = None) -> int:
    """Count values that differ, angles by their period."""
    ordered = np.sort(values if period is None else values % period)
    count = 1 + int(np.count_nonzero(np.diff(ordered) > SAME))
    wraps = period is not None and count > 1 and ordered[0] + period - ordered[-1] < SAME
    return count - 1 if wraps else count


def _symmetry(symbols: Symbols) -> int:
    magnitudes = np.sort(np.abs(symbols[np.abs(symbols) > SAME]))
    starts = np.flatnonzero(np.diff(magnitudes, prepend=-1.0) > SAME)
    # a turn maps each ring onto itself, so that it divides the number of its points
    most = int(np.gcd.reduce(np.diff(starts, append=len(magnitudes))))
    for turns in range(most, 1, -1):
        if most % turns == 0 and _maps_onto_itself(symbols, turns):
            return turns
    return 1


def _maps_onto_itself(symbols: Symbols, turns: int) -> bool:
    turned = symbols * np.exp(2j * np.pi / turns)
    parts = (turned[at : at + _ROWS] for at in range(0, len(turned), _ROWS))
    return all(np.abs(one[:, None] - symbols).min(axis=1).max() < SAME for one in parts)
