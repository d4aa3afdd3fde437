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

A channel that changes slowly along a stream shows where a training and a held-out window follow
each other in the file, across no more than a few windows of neither part, but are by their groups
of two realisations. Let w exp(i theta) be the sum of z* z' over all such windows of the same two
groups. Where phases are independent, so are the theta, and by Chernoff's bound the sum S of
w cos(theta) over the pairs of groups has

    P(S > s) <= min over t of exp(-t s) prod I0(t w),

which holds for few pairs too, and is near exp(-T^2) for many, with T = S / sqrt(sum w^2).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import i0e

from hertzian.datasets.strata import Complex64, Int64

ORDERS = (1, 2, 4, 8)
"""Powers that are tried."""

SIGNIFICANCE = 1e-3
"""Chance that independent parts show a coherent class, over all tests together."""

PARTS, NEIGHBOURS = "parts", "neighbours"
"""What a test compares."""

_BATCH_SAMPLES = 1 << 20
_REACH = 4  # rows within which windows on both sides of a gap are neighbours
_EXPONENTS = np.geomspace(1e-2, 1e4, 241)  # t of Chernoff's bound, of weights with unit RMS

Complex128 = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Part:
    """Windows of one class in one part.

    Attributes:
        x: complex64 [n, samples].
        group: int64 [n], 0 or more; windows of one realisation, whose phases may depend on each
            other, share it. Windows of one group in both parts are compared as if of two.
        rows: int64 [n], where they lie in the file.
        cell: int64 [n], numbers of their (class, SNR) cells.
    """

    x: Complex64
    group: Int64
    rows: Int64
    cell: Int64


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
    first, second, pair = _neighbours(train, held)
    counts = (len(train.x), len(held.x))
    for order in ORDERS:
        z_train, z_held = phases(train.x, order), phases(held.x, order)
        resultant = abs(complex(np.concatenate([z_train, z_held]).mean()))
        statistic = _statistic(_sums(z_train, train.group), _sums(z_held, held.group))
        chance = laplace_tail(statistic)
        found.append(Coherence(name, order, PARTS, statistic, chance, resultant, *counts))
        if len(first):
            products = _sums(np.conj(z_train[first]) * z_held[second], pair)
            scale = math.sqrt(float(np.sum(np.abs(products) ** 2)))
            statistic = float(products.real.sum()) / scale if scale > 0 else 0.0
            chance = chernoff_tail(products)
            found.append(Coherence(name, order, NEIGHBOURS, statistic, chance, resultant, *counts))
    return found


def _neighbours(train: Part, held: Part) -> tuple[Int64, Int64, Int64]:
    """Return the places of windows that follow each other in the file, of two groups.

    Only the nearest of each side are paired: pairs form a chain, and their phases are independent.

    Returns:
        int64 [pairs] each: place in training, place in the held-out part, number of the two groups.
    """
    rows = np.concatenate([train.rows, held.rows])
    cell = np.concatenate([train.cell, held.cell])
    order = np.argsort(rows, kind="stable")
    one, other = order[:-1], order[1:]
    count = len(train.rows)
    across = (one < count) != (other < count)
    near = (rows[other] - rows[one] <= _REACH) & (cell[other] == cell[one])
    one, other = one[across & near], other[across & near]
    first, second = np.minimum(one, other), np.maximum(one, other) - count
    groups = np.stack([train.group[first], held.group[second]])
    apart = groups[0] != groups[1]
    pair = np.unique(groups[:, apart], axis=1, return_inverse=True)[1].reshape(-1)
    return first[apart], second[apart], pair.astype(np.int64)


def chernoff_tail(products: Complex128) -> float:
    """Return a bound on P(sum of the real parts) of numbers whose phases are independent.

    Args:
        products: complex128 [n], with their phases as found.
    """
    weight = np.abs(products)
    scale = math.sqrt(float(np.mean(weight**2))) if len(weight) else 0.0
    total = float(products.real.sum())
    if scale <= 0 or total <= 0:
        return 1.0
    t = _EXPONENTS
    logarithm = -t * (total / scale)
    for value in weight / scale:
        logarithm = logarithm + np.log(i0e(t * value)) + t * value
    return math.exp(min(0.0, float(logarithm.min())))


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
