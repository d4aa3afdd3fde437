"""Symbol alphabets with what else a linear modulation does to them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.signal.constellations import Symbols, constellation
from hertzian.signal.errors import HertzianError
from hertzian.signal.labels import canonical

SAME = 1e-6
"""Points nearer than this, at unit mean power, are one."""

_LEAST, _MOST = 1e-100, 1e100
_OFFSET = frozenset({"OQPSK"})
_ALTERNATING = frozenset({"PI4-DQPSK"})


@dataclass(frozen=True, eq=False)
class Alphabet:
    """Points that are sent equally often.

    Attributes:
        points: complex128 [order], brought to unit mean power.
        offset: whether Q comes half a symbol after I.
        alternating: whether symbols are by turns from the points of even and of odd places.

    Raises:
        HertzianError: fewer than two points, one that is there twice, or numbers that aren't
            finite, or so large or small that they couldn't be squared.
    """

    points: Symbols
    offset: bool = False
    alternating: bool = False

    def __post_init__(self) -> None:
        """Check the points and scale them."""
        object.__setattr__(self, "points", _unit_power(self.points))

    def same_as(self, other: "Alphabet") -> bool:
        """Tell whether two send the same symbols in the same way."""
        told = [(len(one.points), one.offset, one.alternating) for one in (self, other)]
        if told[0] != told[1]:
            return False
        gaps = (np.abs(other.points - point).min() for point in self.points)
        return all(gap < SAME for gap in gaps)


def alphabet_of(name: str) -> Alphabet:
    """Return the alphabet of a linear modulation, by any of its spellings.

    Raises:
        HertzianError: the modulation is unknown or has no symbol alphabet here.
    """
    label = canonical(name)
    return Alphabet(constellation(label), label in _OFFSET, label in _ALTERNATING)


def _unit_power(given: npt.ArrayLike) -> Symbols:
    points = np.asarray(given, dtype=np.complex128)
    if points.ndim != 1 or len(points) < 2 or not np.isfinite(points).all():
        raise HertzianError("an alphabet is a row of two or more finite points")
    largest = max(np.abs(points.real).max(), np.abs(points.imag).max())
    if not _LEAST < largest < _MOST:
        raise HertzianError(f"an alphabet reaches between {_LEAST:g} and {_MOST:g} from zero")
    scaled = points / largest
    symbols: Symbols = scaled / np.sqrt(np.mean(np.abs(scaled) ** 2))
    gaps = np.abs(symbols[:, None] - symbols[None, :])
    gaps[np.diag_indices(len(symbols))] = np.inf
    if gaps.min() < SAME:
        raise HertzianError("an alphabet has no point twice")
    return symbols
