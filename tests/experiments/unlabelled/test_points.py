import numpy as np

from hertzian.experiments.unlabelled.points import by_signal, map_of, typical


def test_a_signal_is_the_mean_of_its_windows():
    answers = np.array([[1, 0], [3, 0], [0, 5], [0, 1], [0, 0]], np.float32)
    found = by_signal(answers, np.array([0, 0, 1, 2, 2]))
    np.testing.assert_allclose(found, [[2, 0], [0, 5], [0, 0.5]])


def test_the_medoid_comes_first():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 3))
    assigned = rng.integers(0, 3, 40)
    assigned[assigned == 1] = 2
    found = typical(points, assigned, 3)
    assert [sorted(one) for one in found] == [
        list(np.flatnonzero(assigned == number)) for number in range(3)
    ]
    assert not len(found[1])
    own = points[assigned == 2]
    distances = ((own[:, None] - own[None]) ** 2).sum(2).mean(1)
    assert found[2][0] == np.flatnonzero(assigned == 2)[distances.argmin()]


def test_a_map_keeps_groups_apart():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(size=(30, 6)), 20 + rng.normal(size=(30, 6))])
    shown, places = map_of(points, 0)
    assert list(shown) == list(range(60))
    middles = places[:30].mean(0), places[30:].mean(0)
    nearer = ((places[:, None] - np.stack(middles)) ** 2).sum(2).argmin(1)
    assert list(nearer) == [0] * 30 + [1] * 30
    again = map_of(points, 0)[1]
    np.testing.assert_array_equal(places, again)


def test_few_and_many_points_have_a_map():
    for count in (2, 3, 4, 7):
        shown, places = map_of(np.random.default_rng(0).normal(size=(count, 5)), 0)
        assert places.shape == (count, 2)
        assert np.isfinite(places).all()
    shown, places = map_of(np.random.default_rng(0).normal(size=(3050, 1)), 0)
    assert len(shown) == len(places) == 3000
