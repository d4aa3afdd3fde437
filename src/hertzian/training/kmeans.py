"""K-means, and how many clusters it finds again in other points."""

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from hertzian.signal import HertzianError

ENOUGH = 0.8
"""Prediction strength of clusters that are there (Tibshirani and Walther 2005, section 2.1)."""

_SEEDS = 1 << 32  # of scikit-learn
_POINTS = 4000
_STARTS = 5

Points = npt.NDArray[np.floating]


def k_means(points: Points, clusters: int, starts: int, seed: int) -> KMeans:
    """Return the best of several clusterings (MacQueen 1967); the same for any number of cores.

    Args:
        points: [n, features].
        clusters: their number.
        starts: how often the best is sought.
        seed: of the first centres.

    Raises:
        HertzianError: more clusters than points.
    """
    if clusters > len(points):
        raise HertzianError(f"{clusters} clusters of only {len(points)}")
    with threadpool_limits(1):
        return KMeans(clusters, n_init=starts, random_state=seed % _SEEDS).fit(points)


def prediction_strengths(
    points: Points, most: int, seed: int, splits: int = 10
) -> dict[int, float]:
    """Return for each number of clusters from 1 on how surely it is found again.

    Tibshirani and Walther, Cluster validation by prediction strength, 2005, eq. 2.1: halves of the
    points are clustered apart; of each cluster of one half, this share of the pairs is together
    also by the centres of the other. The worst cluster counts; the mean over random halves is
    returned. Of more than 4000 points, 4000 are looked at.

    Args:
        points: [n, features].
        most: the largest number that is tried; fewer where a half has fewer points.
        seed: of the halves.
        splits: how many halvings.

    Raises:
        HertzianError: fewer than 4 points.
    """
    if len(points) < 4:
        raise HertzianError(
            f"{len(points)} signals are too few to tell how many kinds they are of; expected 4 or "
            f"more, or the number of clusters"
        )
    rng = np.random.default_rng(seed)
    looked_at = points[rng.permutation(len(points))[:_POINTS]]
    half = len(looked_at) // 2
    orders = [rng.permutation(len(looked_at)) for _ in range(splits)]
    return {1: 1.0} | {
        count: float(
            np.mean(
                [
                    _strength(looked_at[order[:half]], looked_at[order[half:]], count, seed)
                    for order in orders
                ]
            )
        )
        for count in range(2, min(most, half) + 1)
    }


def _strength(ours: Points, theirs: Points, count: int, seed: int) -> float:
    found = k_means(theirs, count, _STARTS, seed)
    predicted = k_means(ours, count, _STARTS, seed).predict(theirs)
    together = []
    for cluster in range(count):
        sizes = np.bincount(predicted[found.labels_ == cluster])
        size = int(sizes.sum())
        # one alone has no pair: nothing speaks for it
        pairs = size * (size - 1)
        together.append(float((sizes * (sizes - 1)).sum() / pairs) if pairs else 0.0)
    return min(together)


def estimate_clusters(strengths: dict[int, float]) -> int:
    """Return the largest number of clusters that is found again, see `ENOUGH`."""
    return max(count for count, strength in strengths.items() if strength >= ENOUGH)
