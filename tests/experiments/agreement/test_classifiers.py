import numpy as np
import pytest

from hertzian.experiments.agreement.classifiers import Labelled, fit_network, fit_trees


def noise(count, seed):
    random = np.random.default_rng(seed)
    return (random.standard_normal((count, 128, 2)) @ [1, 1j]).astype(np.complex64)


def sides(count, seed, smoothed):
    """White noise on both sides, or filtered by three taps on ours."""
    ours, theirs = noise(count, [seed, 0]), noise(count, [seed, 1])
    if smoothed:
        ours = ours + 0.3 * np.roll(ours, 1, axis=1)
    x = np.concatenate([ours, theirs])
    x /= np.abs(x).sum(axis=1, keepdims=True)
    return Labelled(x.astype(np.complex64), np.repeat([True, False], count))


def small_network(training, validation, seed):
    return fit_network(training, validation, seed, epochs=4)


@pytest.mark.parametrize("fit", [fit_trees, small_network])
def test_what_differs_is_told_apart_and_what_does_not_is_not(fit):
    for smoothed, lower, upper in ((True, 0.75, 1.0), (False, 0.42, 0.58)):
        scores = fit(sides(500, 0, smoothed), sides(150, 1, smoothed), 0)
        test = sides(400, 2, smoothed)
        assert lower <= np.mean((scores(test.iq) > 0) == test.ours) <= upper


@pytest.mark.parametrize("fit", [fit_trees, small_network])
def test_the_same_seed_learns_the_same(fit):
    training, validation = sides(100, 0, True), sides(50, 1, True)
    a, b = (fit(training, validation, 3)(validation.iq) for _ in range(2))
    np.testing.assert_array_equal(a, b)
