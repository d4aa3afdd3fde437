"""How near held-out windows come to training windows, against what chance does.

The measure is the normalised correlation |<x, y>| at zero shift. Chance depends on the spectrum and
the alphabet of a class, so it is measured with the same windows: the largest correlations at other
shifts. For windows that have nothing to do with each other, no shift is special; copies, also with
other noise, agree at zero shift alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from hertzian.datasets.strata import Complex64

SHIFTS = (12, 16, 20, 24, 28, 30)
"""Together they hold whole numbers of symbols at 2-8, 10, 12, 14-16 and more samples a symbol."""

SHORTEST_WINDOW = 2 * SHIFTS[-1]

SIGNIFICANCE = 1e-6
"""Chance that independent windows are found near; windows depend on each other, hence so little."""

# of the distance that the nearest at other shifts leave; and what float32 rounds away
_NEARER, _ROUNDING = 0.9, 1e-5

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Nearest:
    """The nearest training windows of one class's held-out windows.

    Attributes:
        correlation: float32 [n], the largest with any training window, at zero shift.
        chance: the largest with any training window at the other shifts, of all windows.
        near: how many of the n are nearer than chance.
    """

    correlation: Float32
    chance: float
    near: int


def find_nearest(train: Complex64, held: Complex64) -> Nearest:
    """Compare each held-out window with each training window.

    Args:
        train: complex64 [n, samples] of one class, `SHORTEST_WINDOW` samples or more.
        held: those that are compared with them, of the same class.
    """
    length = train.shape[1] - SHIFTS[-1]
    still = _unit(train[:, :length]).T
    correlation = _largest(held[:, :length], still)
    shifted = [_largest(held[:, shift : shift + length], still) for shift in SHIFTS]
    chance = float(np.max(shifted, initial=0))
    near = int(np.sum(1 - correlation < _NEARER * (1 - chance) - _ROUNDING))
    return Nearest(correlation, chance, near)


def chance_of(found: Sequence[Nearest]) -> float:
    """Return the chance that independent windows are as often near as those of these classes.

    With one shift that is as good as zero shift, the nearest of all is at either with even chance,
    so that k windows or more of a class are near with 2^-k, and of several classes by the negative
    binomial law.
    """
    near = sum(one.near for one in found)
    return float(stats.nbinom.sf(near - 1, len(found), 0.5)) if found else 1.0


def _largest(held: Complex64, still: Complex64) -> Float32:
    products = np.abs(np.conj(_unit(held)) @ still)
    largest: Float32 = products.max(axis=1, initial=0)
    return largest


def _unit(x: Complex64) -> Complex64:
    """Return windows of unit energy; what is silent or not finite is 0."""
    with np.errstate(all="ignore"):
        peak = np.abs(x).max(axis=1, keepdims=True)
        x = x / peak
        x = x / np.sqrt(np.sum(np.abs(x) ** 2, axis=1, keepdims=True))
    unit: Complex64 = np.where(np.isfinite(x).all(axis=1, keepdims=True), x, 0)
    return unit
