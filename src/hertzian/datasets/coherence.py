"""Whether two parts of a dataset went through the same channel, by the phase of their carriers.

The k-th power of a signal removes the data of a linear modulation with k phases: of a carrier and
AM for k = 1, of BPSK and PAM for 2, of QPSK and QAM for 4, of 8PSK for 8. What is left is the
channel's phase, k times over:

    z = mean(x^k) / mean(|x|^k)   of one window.

Where each realisation has a channel of its own, the sums Z of z over the windows of one realisation
have independent uniform phases. With A and B the sums of Z over the training and the held-out part,

    T = Re(A* B) / sqrt(sum |Z_train|^2 sum |Z_held|^2)

then tends to a Laplace law, P(T > t) = exp(-2 t) / 2: given A, T is normal with variance |A|^2 / 2,
and |A|^2 is exponential. With few realisations T is bounded, and the law errs towards no finding.
One trajectory for all makes T as large as the geometric mean of the two numbers of windows.

A channel that changes from stream to stream shows where a training and a held-out window are
neighbours in the file but, by their groups, of two realisations. The sum of Re(z* z') over such
pairs, divided by the root of the sum of |z z'|^2, is normal with variance 1/2 where phases are
independent.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.datasets.strata import Complex64, Int64

ORDERS = (1, 2, 4, 8)
"""Powers that are tried."""

SIGNIFICANCE = 1e-3
"""Chance that independent parts show a coherent class, over all tests together."""

PARTS, NEIGHBOURS = "parts", "neighbours"
"""What a test compares."""

_BATCH_SAMPLES = 1 << 20
_FEWEST_PAIRS = 30  # below it the sum is not normal yet

Complex128 = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Part:
    """Windows of one class in one part.

    Attributes:
        x: complex64 [n, samples].
        group: int64 [n], 0 or more; windows of one realisation, whose phases may depend on each
            other, share it. Windows of one group in both parts are compared as if of two.
        rows: int64 [n], where they lie in the file.
    """

    x: Complex64
    group: Int64
    rows: Int64


@dataclass(frozen=True)
class Coherence:
    """One class at one power.

    Attributes:
        name: of the class.
        order: the power k.
        between: `PARTS` or `NEIGHBOURS`.
        statistic: T, or the sum over neighbours; without coherence either has mean 0 and standard
            deviation 1 / sqrt(2).
        p_value: chance of a T as large or larger from independent parts, of this test alone.
        resultant: length of the mean of z over all windows, 0 to 1.
        train, held: number of windows.
    """

    name: str
    order: int
    between: str
    statistic: float
    p_value: float
    resultant: float
    train: int
    held: int


def phases(x: Complex64, order: int) -> Complex128:
    """Return z of each window, complex128 [n]; 0 where a window is silent or not finite.

    Args:
        x: complex64 [n, samples], at any scale.
        order: the power k, a power of two.
    """
    z = np.zeros(len(x), np.complex128)
    size = max(1, _BATCH_SAMPLES // x.shape[1])
    for start in range(0, len(x), size):
        some = slice(start, start + size)
        part = x[some]
        with np.errstate(all="ignore"):
            part = part / np.sqrt(np.mean(np.abs(part) ** 2, axis=1, keepdims=True))
            for _ in range(order.bit_length() - 1):
                part = part * part
            z[some] = part.mean(axis=1) / np.abs(part).mean(axis=1)
    z[~np.isfinite(z)] = 0
    return z


def compare(name: str, train: Part, held: Part) -> list[Coherence]:
    """Compare the training and the held-out windows of a class at each order."""
    found = []
    first, second = _neighbours(train, held)
    counts = (len(train.x), len(held.x))
    for order in ORDERS:
        z_train, z_held = phases(train.x, order), phases(held.x, order)
        resultant = abs(complex(np.concatenate([z_train, z_held]).mean()))
        statistic = _statistic(_sums(z_train, train.group), _sums(z_held, held.group))
        chance = laplace_tail(statistic)
        found.append(Coherence(name, order, PARTS, statistic, chance, resultant, *counts))
        if len(first) >= _FEWEST_PAIRS:
            products = np.conj(z_train[first]) * z_held[second]
            scale = math.sqrt(float(np.sum(np.abs(products) ** 2)))
            statistic = float(products.real.sum()) / scale if scale > 0 else 0.0
            chance = math.erfc(statistic) / 2
            found.append(Coherence(name, order, NEIGHBOURS, statistic, chance, resultant, *counts))
    return found


def _neighbours(train: Part, held: Part) -> tuple[Int64, Int64]:
    """Return the places of windows that follow each other in the file, of two groups."""
    place = np.argsort(train.rows)
    rows = train.rows[place]
    pairs = []
    for step in (-1, 1):
        found = np.minimum(np.searchsorted(rows, held.rows + step), max(len(rows) - 1, 0))
        second = np.flatnonzero(rows[found] == held.rows + step)
        first = place[found[second]]
        apart = train.group[first] != held.group[second]
        pairs.append((first[apart], second[apart]))
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def laplace_tail(statistic: float) -> float:
    """Return P(T > statistic) of independent parts."""
    if statistic < 0:
        return 1 - math.exp(2 * statistic) / 2
    return math.exp(-2 * statistic) / 2


def coherent(tests: list[Coherence]) -> list[Coherence]:
    """Return the tests that show coherence, with Bonferroni's correction for their number."""
    return [test for test in tests if test.p_value * len(tests) < SIGNIFICANCE]


def _sums(z: Complex128, group: Int64) -> Complex128:
    place = np.unique(group, return_inverse=True)[1]
    return np.bincount(place, z.real) + 1j * np.bincount(place, z.imag)


def _statistic(train: Complex128, held: Complex128) -> float:
    scale = math.sqrt(float(np.sum(np.abs(train) ** 2)) * float(np.sum(np.abs(held) ** 2)))
    if scale <= 0:
        return 0.0
    return float((np.conj(train.sum()) * held.sum()).real) / scale
