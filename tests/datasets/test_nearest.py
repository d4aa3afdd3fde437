import numpy as np
import pytest
from tests.datasets.radio import linear, noise

from hertzian.datasets.nearest import SIGNIFICANCE, Nearest, chance_of, find_nearest

pytestmark = pytest.mark.base


def heard(clean, snr_db, random):
    return (clean + 10 ** (-snr_db / 20) * noise(clean.shape, random)).astype(np.complex64)


@pytest.mark.parametrize("name", ["BPSK", "QPSK", "noise"])
def test_independent_windows_are_no_nearer_than_chance(name):
    random = np.random.default_rng(1)
    found = []
    for snr_db in (0.0, 18.0, 36.0, 60.0):
        x = heard(linear(name, 900, 128, random), snr_db, random)
        found.append(find_nearest(x[:800], x[800:]))
    assert chance_of(found) > SIGNIFICANCE
    assert sum(one.near for one in found) < 20


def test_one_signal_with_two_noises_is_near():
    random = np.random.default_rng(2)
    clean = linear("QPSK", 500, 128, random)
    train = heard(clean, 18.0, random)
    held = heard(np.concatenate([clean[:40], linear("QPSK", 40, 128, random)]), 18.0, random)
    found = find_nearest(train, held)
    assert 38 <= found.near <= 42
    assert chance_of([found]) < SIGNIFICANCE
    # two copies with noise of r correlate by 1 / (1 + r)
    assert float(np.median(found.correlation[:40])) == pytest.approx(1 / (1 + 10**-1.8), abs=0.01)


def test_scale_and_phase_do_not_matter():
    random = np.random.default_rng(3)
    x = heard(linear("QPSK", 60, 128, random), 10.0, random)
    factor = 1e-6 * np.exp(2j * np.pi * random.uniform(size=(60, 1)))
    found = find_nearest(x, (x * factor).astype(np.complex64))
    np.testing.assert_allclose(found.correlation, 1, atol=1e-5)
    assert found.near == 60


def test_bare_carriers_agree_at_every_shift():
    phase = np.exp(2j * np.pi * np.random.default_rng(4).uniform(size=(100, 1)))
    x = (phase * np.exp(0.2j * np.arange(128))).astype(np.complex64)
    found = find_nearest(x[:50], x[50:])
    assert found.near == 0
    assert found.chance == pytest.approx(1, abs=1e-5)


def test_silence_is_near_nothing():
    x = np.zeros((4, 64), np.complex64)
    x[1] = np.nan
    found = find_nearest(x, x)
    assert found.near == 0
    assert np.all(found.correlation == 0)


def test_chance_follows_the_negative_binomial_law():
    def near(count):
        return Nearest(np.zeros(100, np.float32), 0.5, count)

    assert chance_of([near(0)]) == 1
    assert chance_of([near(10)]) == pytest.approx(2.0**-10)
    assert chance_of([near(1), near(0)]) == pytest.approx(0.75)
    assert chance_of([]) == 1
