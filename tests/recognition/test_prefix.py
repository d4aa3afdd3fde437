"""The cyclic prefix, where plain correlation is too weak to show it."""

import numpy as np
import pytest
from tests.recognition.test_memory import band_limited, noise, ofdm

from hertzian.recognition.memory import repeats_itself
from hertzian.recognition.prefix import shows_prefix

pytestmark = pytest.mark.base


@pytest.mark.parametrize("samples", [500, 3000, 8000, 20_000])
@pytest.mark.parametrize("seed", range(4))
def test_noise_shows_none(samples, seed):
    assert not shows_prefix(band_limited(noise(seed, samples)))


@pytest.mark.parametrize(("prefix", "samples"), [(16, 2500), (8, 3500), (4, 5000)])
def test_a_prefix_shows_in_a_short_burst(prefix, samples):
    assert shows_prefix(ofdm(prefix)[:samples])


def test_a_prefix_too_short_for_plain_correlation_shows():
    found = [ofdm(4, seed=seed)[:5000] for seed in range(5)]
    assert not any(repeats_itself(x) for x in found)
    assert sum(shows_prefix(x) for x in found) >= 4


def test_one_of_a_large_fft_shows_among_many_lags():
    assert shows_prefix(ofdm(32, fft_size=512)[:30_000])


def test_a_carrier_off_its_frequency_hides_none():
    x = ofdm(8)[:6000]
    assert shows_prefix(x * np.exp(2j * np.pi * 0.0137 * np.arange(x.size)).astype(np.complex64))


def test_without_a_prefix_there_is_nothing_to_see():
    assert not shows_prefix(ofdm(0)[:9000])


def test_too_few_samples_and_zeros_tell_nothing():
    assert not shows_prefix(ofdm(16)[:300])
    assert not shows_prefix(np.zeros(5000, dtype=np.complex64))
