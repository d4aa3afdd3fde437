"""The two-sample test: accuracy of classifiers on windows of passes that they have not seen.

Half is what guessing gives. After Lopez-Paz and Oquab, Revisiting classifier two-sample tests,
ICLR 2017.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hertzian.experiments.agreement.classifiers import Labelled, Scores, fit_network, fit_trees
from hertzian.experiments.agreement.sides import Side

CLASSIFIERS = ("trees", "network")
TRAINING_SHARE, VALIDATION_SHARE = 0.6, 0.2
"""Of the passes of each side and label; the test has the rest."""

_RESAMPLINGS = 2000


@dataclass(frozen=True)
class Accuracy:
    """Share of the test windows whose side was told, balanced between the sides.

    Attributes:
        value: of all.
        lower: of the interval that covers 95% of the resamplings of whole passes.
        upper: likewise.
        by_label: SNR label -> accuracy.
    """

    value: float
    lower: float
    upper: float
    by_label: dict[str, float]


def two_sample_test(ours: Side, theirs: Side, seed: int, epochs: int) -> dict[str, Accuracy]:
    """Return what each of `CLASSIFIERS` reaches; both learn from the same passes."""
    training = _labelled(ours, theirs, 0.0, TRAINING_SHARE)
    seen = TRAINING_SHARE + VALIDATION_SHARE
    validation = _labelled(ours, theirs, TRAINING_SHARE, seen)
    tests = ours.of_passes(seen, 1.0), theirs.of_passes(seen, 1.0)
    return {
        "trees": measured(fit_trees(training, validation, seed), *tests, seed),
        "network": measured(fit_network(training, validation, seed, epochs), *tests, seed),
    }


def _labelled(ours: Side, theirs: Side, lower: float, upper: float) -> Labelled:
    parts = ours.of_passes(lower, upper).iq, theirs.of_passes(lower, upper).iq
    return Labelled(np.concatenate(parts), np.repeat([True, False], [len(x) for x in parts]))


def measured(scores: Scores, ours: Side, theirs: Side, seed: int) -> Accuracy:
    """Measure a classifier on the test passes of both sides."""
    right = scores(ours.iq) > 0, scores(theirs.iq) <= 0
    random = np.random.default_rng(seed)
    resampled = [
        _resampled(hits, side.number, random)
        for hits, side in zip(right, (ours, theirs), strict=True)
    ]
    lower, upper = np.quantile((resampled[0] + resampled[1]) / 2, [0.025, 0.975])
    by_label = {
        f"{label:g}": float(
            (right[0][ours.label == label].mean() + right[1][theirs.label == label].mean()) / 2
        )
        for label in np.unique(ours.label)
    }
    value = float((right[0].mean() + right[1].mean()) / 2)
    return Accuracy(value, float(lower), float(upper), by_label)


def _resampled(
    hits: NDArray[np.bool_], number: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return the share of hits in resamplings of whole passes, since windows of one are alike."""
    _, place = np.unique(number, return_inverse=True)
    found, windows = np.bincount(place, weights=hits), np.bincount(place)
    chosen = random.integers(0, len(windows), (_RESAMPLINGS, len(windows)))
    shares: NDArray[np.float64] = found[chosen].sum(axis=1) / windows[chosen].sum(axis=1)
    return shares
