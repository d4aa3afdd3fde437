"""Symbol alphabets of the linear modulations, at unit mean power."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hertzian.signal.errors import HertzianError
from hertzian.signal.labels import canonical

Symbols = npt.NDArray[np.complex128]


def _psk(order: int, rotation: float = 0.0) -> Symbols:
    return np.asarray(np.exp(1j * (2 * np.pi * np.arange(order) / order + rotation)))


def _amplitude_levels(levels: npt.ArrayLike) -> Symbols:
    return np.asarray(levels, dtype=np.complex128)


def _square_qam(order: int) -> Symbols:
    side = round(order**0.5)
    axis = np.arange(1 - side, side, 2)
    return (axis[:, None] + 1j * axis[None, :]).ravel().astype(np.complex128)


def _cross_qam(order: int) -> Symbols:
    """Return an odd power of two: a square of 9/8 as many points without its four corners."""
    side = round(1.5 * (order / 2) ** 0.5)
    grid = _square_qam(side * side)
    corner = 2 * side / 3
    kept: Symbols = grid[(np.abs(grid.real) < corner) | (np.abs(grid.imag) < corner)]
    return kept


def _apsk(rings: tuple[tuple[int, float], ...]) -> Symbols:
    return np.concatenate([radius * _psk(points, np.pi / points) for points, radius in rings])


def _cross_8qam() -> Symbols:
    """Return an inner square, and a point on each axis as far from it as its own side.

    Proakis, Digital Communications, fig. 5.2-16: of the 8 points drawn there the best in noise.
    """
    return np.concatenate([np.sqrt(2) * _psk(4, np.pi / 4), (1 + np.sqrt(3)) * _psk(4)])


def _equal_12apsk() -> Symbols:
    """Return 4+8 points, the rings as far apart as neighbours on the inner one; ours."""
    return np.concatenate([_psk(4, np.pi / 4), (1 + np.sqrt(2)) * _psk(8, np.pi / 8)])


def _dvb_s2_32apsk() -> Symbols:
    """ETSI EN 302 307-1 (DVB-S2) 5.4.4, code rate 3/4: 4+12+16 points, radii 1 : 2.84 : 5.27.

    The outer ring begins on the axis, the others half a step from it.
    """
    return np.concatenate([_apsk(((4, 1.0), (12, 2.84))), 5.27 * _psk(16)])


# ETSI EN 302 307-2 (DVB-S2X) 5.4, 128APSK, code rate 135/180: radius of each ring and the phases of
# its points in the first quadrant, in units of pi / 5040
_RINGS_128APSK: tuple[tuple[float, tuple[int, ...]], ...] = (
    (1.0, (332, 927, 1593, 2187)),
    (1.715, (242, 1017, 1503, 2278)),
    (2.118, (414, 845, 1673, 2106)),
    (2.681, (427, 834, 1686, 2094)),
    (2.75, (133, 1126, 1393, 2387)),
    (3.819, (111, 330, 528, 732, 929, 1149, 1372, 1590, 1789, 1993, 2190, 2408)),
)


def _dvb_s2x_128apsk() -> Symbols:
    """Mirror the first quadrant into the others: rings of 16, 16, 16, 16, 16 and 48 points."""
    quadrant = np.concatenate(
        [radius * np.exp(1j * np.pi / 5040 * np.array(turns)) for radius, turns in _RINGS_128APSK]
    )
    half = np.concatenate([quadrant, -quadrant.conj()])
    return np.concatenate([half, half.conj()])


_ALPHABETS: dict[str, Callable[[], Symbols]] = {
    "OOK": lambda: _amplitude_levels([0, 1]),
    "4ASK": lambda: _amplitude_levels([0, 1, 2, 3]),
    "8ASK": lambda: _amplitude_levels(np.arange(8)),
    "4PAM": lambda: _amplitude_levels([-3, -1, 1, 3]),
    "BPSK": lambda: _psk(2),
    "QPSK": lambda: _psk(4, np.pi / 4),
    "OQPSK": lambda: _psk(4, np.pi / 4),
    # its eight phases: four by turns, an eighth of a turn apart (as TETRA, EN 300 392-2 clause 5)
    "PI4-DQPSK": lambda: _psk(8),
    "8PSK": lambda: _psk(8),
    "16PSK": lambda: _psk(16),
    "32PSK": lambda: _psk(32),
    "8QAM": _cross_8qam,
    "16QAM": lambda: _square_qam(16),
    "32QAM": lambda: _cross_qam(32),
    "64QAM": lambda: _square_qam(64),
    "128QAM": lambda: _cross_qam(128),
    "256QAM": lambda: _square_qam(256),
    "12APSK": _equal_12apsk,
    # ETSI EN 302 307 (DVB-S2) 5.4.3: 4+12 points, gamma = 2.85 (code rate 3/4)
    "16APSK": lambda: _apsk(((4, 1.0), (12, 2.85))),
    "32APSK": _dvb_s2_32apsk,
    # ETSI EN 302 307-2 (DVB-S2X) 5.4: 8+16+20+20 points, radii of code rates 7/9 and 4/5
    "64APSK": lambda: _apsk(((8, 1.0), (16, 2.2), (20, 3.6), (20, 5.2))),
    "128APSK": _dvb_s2x_128apsk,
}


LINEAR: tuple[str, ...] = tuple(_ALPHABETS)
"""The labels that have a symbol alphabet."""


def constellation(name: str) -> Symbols:
    """Return the alphabet of a linear modulation, complex128 [order], unit mean power.

    Raises:
        HertzianError: the modulation is unknown or has no symbol alphabet here.
    """
    label = canonical(name)
    if label not in _ALPHABETS:
        raise HertzianError(f"{label} has no constellation; those that do: {', '.join(_ALPHABETS)}")
    points = _ALPHABETS[label]()
    return np.asarray(points / np.sqrt(np.mean(np.abs(points) ** 2)))
