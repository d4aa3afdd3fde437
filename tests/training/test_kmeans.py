import numpy as np
import pytest

from hertzian.signal import HertzianError
from hertzian.training.kmeans import (
    _strength,
    estimate_clusters,
    k_means,
    prediction_strengths,
)


def blobs(count, per=60, spread=0.1, seed=0):
    """Points about corners of a simplex, which all are equally far apart."""
    rng = np.random.default_rng(seed)
    return np.repeat(np.eye(count), per, axis=0) + spread * rng.normal(size=(count * per, count))


def test_clusters_that_are_there_are_counted():
    for count in (3, 6):
        strengths = prediction_strengths(blobs(count), 9, seed=1)
        assert estimate_clusters(strengths) == count
        assert strengths[1] == 1
        assert strengths[count] > 0.99
        # a blob that is cut in two is cut elsewhere in the other half
        assert strengths[count + 1] < 0.8
        assert sorted(strengths) == list(range(1, 10))


def test_one_cloud_is_one_cluster():
    points = np.random.default_rng(2).normal(size=(400, 5))
    assert estimate_clusters(prediction_strengths(points, 8, seed=0)) == 1


def test_a_strength_is_the_worst_cluster_s_share_of_pairs():
    ours = np.repeat([[0.0], [14.0]], 10, axis=0)
    theirs = np.repeat([[0.0], [6.0], [9.0]], [10, 3, 7], axis=0)
    # theirs are {0} and {6, 9}; ours meet at 7, and part three of the second from seven
    assert _strength(ours, theirs, 2, 0) == pytest.approx((3 * 2 + 7 * 6) / (10 * 9))


def test_one_alone_speaks_for_nothing():
    ours = np.repeat([[0.0], [14.0]], 10, axis=0)
    theirs = np.repeat([[0.0], [14.0]], [9, 1], axis=0)
    assert _strength(ours, theirs, 2, 0) == 0


def test_it_is_the_same_each_time_and_of_many_points_only_some_are_looked_at():
    points = blobs(4, per=2000)
    found = prediction_strengths(points, 5, seed=3, splits=2)
    assert found == prediction_strengths(points, 5, seed=3, splits=2)
    assert estimate_clusters(found) == 4


def test_few_points_are_told():
    with pytest.raises(HertzianError, match="3 signals are too few to tell how many kinds"):
        prediction_strengths(np.zeros((3, 2)), 5, seed=0)
    assert sorted(prediction_strengths(blobs(2, per=3), 9, seed=0)) == [1, 2, 3]
    with pytest.raises(HertzianError, match="5 clusters of only 3"):
        k_means(np.zeros((3, 2)), 5, 1, 0)
