import numpy as np
import pytest
import torch
from scipy.signal import welch
from scipy.stats import kurtosis

from hertzian.datasets.outliers import HELD_BACK, TAUGHT, coloured_noise
from hertzian.signal import occupied_bandwidth

ALL = {**TAUGHT, **HELD_BACK, "coloured_noise": coloured_noise}


def made(name, seed=0, bandwidth=0.1, samples=30_000):
    draws = torch.Generator().manual_seed(seed)
    return ALL[name](bandwidth, samples, np.random.default_rng(seed), draws).numpy()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("bandwidth", [0.02, 0.4])
def test_unit_power_and_about_the_asked_bandwidth(name, bandwidth):
    x = made(name, bandwidth=bandwidth)
    assert x.dtype == np.complex64
    assert x.shape == (30_000,)
    assert np.mean(np.abs(x) ** 2) == pytest.approx(1, abs=1e-4)
    f, psd = welch(x, nperseg=4096, return_onesided=False, detrend=False)
    order = np.argsort(f)
    lower, upper = occupied_bandwidth(psd[order], f[order])
    assert 0.1 * bandwidth < upper - lower < 2.5 * bandwidth + 0.01


@pytest.mark.parametrize("name", ALL)
def test_the_seed_decides(name):
    np.testing.assert_array_equal(made(name, 1), made(name, 1))
    assert not np.array_equal(made(name, 1), made(name, 2))


def test_the_kinds_differ_from_each_other():
    signals = [made(name, seed) for seed, name in enumerate(ALL)]
    for number, one in enumerate(signals):
        for other in signals[number + 1 :]:
            assert abs(np.mean(one * other.conj())) < 0.3


def test_what_is_held_back_is_never_taught():
    assert not set(TAUGHT) & set(HELD_BACK)
    assert not set(TAUGHT.values()) & set(HELD_BACK.values())


def test_coloured_noise_is_normal():
    x = made("coloured_noise", bandwidth=0.5, samples=100_000)
    assert kurtosis(x.real) == pytest.approx(0, abs=0.15)
    assert np.mean(np.abs(x) ** 4) == pytest.approx(2, abs=0.1)


def test_hopping_has_a_constant_envelope_and_gated_noise_has_not():
    assert np.abs(made("hopping")).std() < 1e-3
    assert np.mean(np.abs(made("gated_noise")) ** 4) > 2.5
