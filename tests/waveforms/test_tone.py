import numpy as np
import pytest
from scipy import stats
from tests.waveforms.measures import array, bandwidth, spectrum

from hertzian.waveforms import Carrier, Noise, WaveformError


def test_a_carrier_is_one():
    assert (array(Carrier(), 2, 100) == 1).all()
    assert Carrier().occupied_bandwidth == 0.0


def test_noise_is_circular_gaussian_and_white():
    x = array(Noise(), 4, 50000)
    for part in (x.real, x.imag):
        assert stats.kstest(part.ravel(), "norm", args=(0, np.sqrt(0.5))).pvalue > 0.01
    assert abs(np.mean(x**2)) < 0.01
    assert abs(np.mean(x[:, 1:] * x[:, :-1].conj())) < 0.01
    _, density = spectrum(x, 256)
    np.testing.assert_allclose(density, 1.0, rtol=0.25)


def test_limited_noise_keeps_its_power_within_its_band():
    waveform = Noise(bandwidth=0.25)
    x = array(waveform, 4, 65536)
    assert np.mean(np.abs(x) ** 2) == pytest.approx(1.0, abs=0.02)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.01)
    bins = np.abs(np.fft.fft(x)) ** 2
    outside = np.abs(np.fft.fftfreq(65536)) > 0.126
    assert bins[:, outside].sum() < 1e-9 * bins.sum()


@pytest.mark.parametrize("bandwidth", [0.0, 1.2])
def test_the_band_is_within_the_sampled_one(bandwidth):
    with pytest.raises(WaveformError, match="bandwidth is from 0 to 1"):
        Noise(bandwidth=bandwidth)
