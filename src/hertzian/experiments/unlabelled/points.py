"""Signals as points of what a network says of them: means, typical ones, a map."""

import numpy as np
import numpy.typing as npt
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

Points = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_MAPPED = 3000
_NEIGHBOURS = 30
_SEEDS = 1 << 32  # of scikit-learn


def by_signal(answers: npt.NDArray[np.float32], signal: Int64) -> Points:
    """Return the mean answer to the windows of each signal, [signals, features].

    Args:
        answers: of each window, [windows, features].
        signal: of each window, its signal's number, 0 .. signals - 1; every signal has some.
    """
    sums = np.zeros((int(signal.max()) + 1, answers.shape[1]))
    np.add.at(sums, signal, answers)
    return sums / np.bincount(signal)[:, None]


def typical(points: Points, assigned: Int64, count: int) -> list[Int64]:
    """Return the members of each cluster, the medoid first.

    They are in order of the mean square distance to all members, which is least for those nearest
    to the mean.

    Args:
        points: [signals, features].
        assigned: the cluster of each.
        count: number of clusters.
    """
    ordered = []
    for cluster in range(count):
        members = np.flatnonzero(assigned == cluster)
        own = points[members]
        distances = ((own - own.mean(axis=0)) ** 2).sum(axis=1) if len(members) else own
        ordered.append(members[np.argsort(distances, kind="stable")] if len(members) else members)
    return ordered


def map_of(points: Points, seed: int) -> tuple[Int64, Points]:
    """Return which points are on a map, at most 3000 at random, and where: [n, 2].

    By t-SNE (van der Maaten and Hinton 2008), from the two principal components.
    """
    rng = np.random.default_rng(seed)
    shown = np.sort(rng.permutation(len(points))[:_MAPPED])
    if len(shown) < 4:
        return shown, np.stack([shown, np.zeros(len(shown))], axis=1).astype(np.float64)
    perplexity = min(_NEIGHBOURS, (len(shown) - 1) / 3)
    drawn = TSNE(
        init="pca" if points.shape[1] > 1 else "random",
        perplexity=perplexity,
        random_state=seed % _SEEDS,
        n_jobs=1,
    )
    with threadpool_limits(1):
        return shown, drawn.fit_transform(points[shown].astype(np.float32)).astype(np.float64)
