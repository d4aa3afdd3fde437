import math

import numpy as np
import pytest
from tests.datasets.radio import like_10a, linear, noise

from hertzian.datasets.coherence import (
    NEIGHBOURS,
    ORDERS,
    PARTS,
    Coherence,
    Part,
    chernoff_tail,
    coherent,
    compare,
    laplace_tail,
    phases,
)

pytestmark = pytest.mark.base


def parts(x, group, seed=0, share=0.7):
    """A random half and the rest of windows, with where they lie."""
    order = np.random.default_rng([seed, 9]).permutation(len(x))
    cut = int(share * len(x))
    x = x.astype(np.complex64)
    return [Part(x[rows], group[rows], rows, 0 * rows) for rows in (order[:cut], order[cut:])]


def test_powers_remove_the_data_and_keep_the_phase():
    random = np.random.default_rng(0)
    angle = 0.3
    for order, offset, sign in ((2, 0.0, 1), (4, 0.5, -1), (8, 0.0, 1)):  # (1 + i)^4 is negative
        x = np.exp(2j * np.pi * (random.integers(0, order, (4, 400)) + offset) / order)
        turned = (5e-4 * np.exp(1j * angle) * x).astype(np.complex64)
        expected = np.full(4, sign * np.exp(1j * order * angle))
        np.testing.assert_allclose(phases(turned, order), expected, atol=1e-5)
        assert np.all(np.abs(phases(x.astype(np.complex64), order // 2)) < 0.3)


def test_silence_and_what_is_no_number_have_no_phase():
    x = np.zeros((3, 50), np.complex64)
    x[1] = np.nan
    x[2, 7] = np.inf
    for order in ORDERS:
        assert np.all(phases(x, order) == 0)


def test_the_law_of_independent_parts():
    """T of many realisations with uniform phases follows the Laplace law."""
    random = np.random.default_rng(1)
    trials, count = 4000, 60
    a = np.exp(2j * np.pi * random.uniform(size=(trials, count))) * random.uniform(size=count)
    b = np.exp(2j * np.pi * random.uniform(size=(trials, count))) * random.uniform(size=count)
    scale = np.sqrt((np.abs(a) ** 2).sum(axis=1) * (np.abs(b) ** 2).sum(axis=1))
    statistic = (np.conj(a.sum(axis=1)) * b.sum(axis=1)).real / scale
    for level in (-0.5, 0.0, 0.5, 1.0, 2.0):
        expected = laplace_tail(level)
        found = np.mean(statistic > level)
        assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / trials)
    assert laplace_tail(0.0) == 0.5


def carriers(phase, random):
    """Windows of a carrier at these phases, in a little noise."""
    return np.exp(1j * phase)[:, None] + 0.1 * noise((len(phase), 128), random)


def test_false_alarms_are_as_rare_as_they_claim_to_be():
    """Over seeds and orders, p-values of independent channels are uniform or larger."""
    random = np.random.default_rng(2)
    found = []
    for _ in range(150):
        phase = random.uniform(0, 2 * np.pi, 200)
        train, held = parts(carriers(phase, random), np.arange(200))
        found += compare("AM", train, held)
    for between, least in ((PARTS, 0.4), (NEIGHBOURS, 0.1)):  # the latter's are bounds
        chances = np.array([test.p_value for test in found if test.between == between])
        assert len(chances) == 150 * len(ORDERS)
        for level in (0.5, 0.1, 0.01):
            assert np.mean(chances < level) < level + 4 * math.sqrt(level / len(chances))
        assert np.mean(chances < 0.5) > least


def test_windows_of_one_realisation_are_no_independent_witnesses():
    """Twenty windows of each of six channels agree within a channel, and prove nothing."""
    random = np.random.default_rng(3)
    found = 0
    for _ in range(60):
        phase = np.repeat(random.uniform(0, 2 * np.pi, 12), 20)
        group = np.repeat(np.arange(12), 20)
        x = carriers(phase, random).astype(np.complex64)
        first = group < 6
        train, held = (
            Part(x[r], group[r], np.flatnonzero(r), 0 * group[r]) for r in (first, ~first)
        )
        found += bool(coherent(compare("AM", train, held)))
    assert found <= 1


@pytest.mark.parametrize("seed", range(6))
def test_one_trajectory_for_all_is_found_and_fresh_channels_are_not(seed):
    for shared in (True, False):
        made = like_10a(seed, shared=shared)
        x = made.x[0 : len(made)]
        tests = []
        for place, name in enumerate(made.modulations):
            rows = np.flatnonzero(made.modulation == place)
            iq = x[rows, 0] + 1j * x[rows, 1]
            tests += compare(name, *parts(iq, made.group[rows], seed))
        assert bool(coherent(tests)) is shared


def test_fixed_phases_are_found():
    random = np.random.default_rng(4)
    train, held = parts(linear("BPSK", 100, 128, random), np.arange(100))
    found = coherent(compare("BPSK", train, held))
    assert {test.order for test in found} >= {2, 4}
    strongest = max(found, key=lambda test: test.statistic)
    # with equal phases T is the geometric mean of the numbers, less what windows differ
    assert 20 < strongest.statistic <= math.sqrt(70 * 30) + 1e-9
    assert strongest.resultant > 0.5


def test_a_channel_that_changes_from_stream_to_stream_shows_in_neighbours():
    """400 streams of two windows, each window called a realisation of its own."""
    random = np.random.default_rng(5)
    phase = np.repeat(random.uniform(0, 2 * np.pi, 400), 2)
    x = carriers(phase, random)
    found = coherent(compare("AM", *parts(x, np.arange(800))))
    assert {test.between for test in found} == {NEIGHBOURS}
    # where groups say so, neighbours of one group are no secret
    tests = compare("AM", *parts(x, np.repeat(np.arange(400), 2)))
    assert not [test for test in coherent(tests) if test.between == NEIGHBOURS]


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_the_bound_of_few_neighbours_holds_and_is_not_far_off(count):
    random = np.random.default_rng(6)
    weight = random.uniform(0.2, 1, count)
    sums = (weight * np.cos(random.uniform(0, 2 * np.pi, (20_000, count)))).sum(axis=1)
    for share in (0.5, 0.1, 0.01):
        level = float(np.quantile(sums, 1 - share))
        # these weights, turned so that they add up to the level
        turned = level / weight.sum()
        bound = chernoff_tail(weight * (turned + 1j * math.sqrt(1 - turned**2)))
        assert 0.8 * share < bound < max(1.01, 12 * share)
    assert chernoff_tail(np.ones(count, complex)) < 1
    assert chernoff_tail(-np.ones(count, complex)) == 1
    assert chernoff_tail(np.zeros(count, complex)) == 1


@pytest.mark.parametrize(("gap", "shows"), [(1, True), (3, True), (4, False)])
def test_neighbours_are_found_across_windows_of_neither_part(gap, shows):
    """A slow carrier in blocks of 20 windows, with so many left out between blocks."""
    random = np.random.default_rng(7)
    count = 20 * (20 + gap)
    drift = np.cumsum(random.normal(0, 0.05, count))
    x = carriers(2 * np.pi * np.arange(count) / 60 + drift, random).astype(np.complex64)
    block, place = divmod(np.arange(count), 20 + gap)
    kept = place < 20
    sides = (np.flatnonzero(kept & (block % 2 == side)) for side in (0, 1))
    train, held = (Part(x[r], block[r], r, 0 * r) for r in sides)
    tests = compare("AM", train, held)
    assert (NEIGHBOURS in {test.between for test in coherent(tests)}) is shows
    # of two cells, none follows the other
    held = Part(held.x, held.group, held.rows, held.cell + 1)
    assert NEIGHBOURS not in {test.between for test in compare("AM", train, held)}


def test_more_tests_ask_for_more():
    one = Coherence("x", 1, PARTS, 4.0, laplace_tail(4.0), 0.1, 10, 10)
    assert coherent([one])
    assert not coherent([one] * 10)
    assert coherent([]) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_windows_prove_nothing(count):
    x = np.ones((count + 1, 64), np.complex64)
    rows = np.arange(count + 1)
    train, held = (Part(x[r], rows[r], rows[r], 0 * rows[r]) for r in (rows < 1, rows > 0))
    assert not coherent(compare("CW", train, held))


def test_silence_is_not_coherent():
    x = np.zeros((100, 64), np.complex64)
    tests = compare("none", *parts(x, np.arange(100)))
    assert not coherent(tests)
    assert all(test.statistic == 0 for test in tests)
