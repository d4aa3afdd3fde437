"""Noise has no memory; the cyclic prefix of OFDM is one."""

import numpy as np
import pytest

from hertzian.recognition.memory import prefix_at, repeats_at

pytestmark = pytest.mark.base

SAMPLES = 90_000


def band_limited(x):
    """Keep the middle third of the band, as baseband has it."""
    spectrum = np.fft.fft(x)
    spectrum[np.abs(np.fft.fftfreq(x.size)) > 1 / 6] = 0
    return np.fft.ifft(spectrum).astype(np.complex64)


def noise(seed, samples=SAMPLES):
    parts = np.random.default_rng(seed).standard_normal((samples, 2))
    return parts.view(np.complex128)[:, 0]


def ofdm(prefix, fft_size=64, seed=0):
    """Cyclic-prefix OFDM at the critical rate, interpolated threefold: baseband's share."""
    random = np.random.default_rng(seed)
    count = SAMPLES // 3 // (fft_size + prefix)
    data = random.choice([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], (count, fft_size))
    symbols = np.fft.ifft(data, axis=1)
    x = np.concatenate([symbols[:, fft_size - prefix :], symbols], axis=1).ravel()
    spectrum = np.fft.fftshift(np.fft.fft(x))
    padded = np.pad(spectrum, x.size)
    return np.fft.ifft(np.fft.ifftshift(padded)).astype(np.complex64)


@pytest.mark.parametrize("seed", range(20))
def test_noise_does_not_repeat_itself(seed):
    assert not repeats_at(band_limited(noise(seed)))


@pytest.mark.parametrize("prefix", [4, 8, 16])
def test_a_cyclic_prefix_shows(prefix):
    assert repeats_at(ofdm(prefix)) == pytest.approx(3 * 64, abs=1)


def test_it_shows_through_noise_as_strong_as_the_signal():
    x = ofdm(16)
    added = band_limited(noise(1, x.size))
    assert repeats_at(x + added * np.std(x) / np.std(added))


def test_without_a_prefix_there_is_nothing_to_see():
    assert not repeats_at(ofdm(0))


def test_carriers_on_noise_are_no_memory():
    n = np.arange(SAMPLES)
    x = band_limited(noise(2))
    tones = np.exp(2j * np.pi * 0.05 * n) + np.exp(2j * np.pi * -0.11 * n)
    assert not repeats_at((x + 0.5 * np.std(x) * tones).astype(np.complex64))


@pytest.mark.parametrize("hold", [40, 400])
def test_a_narrow_signal_on_noise_is_no_memory(hold):
    random = np.random.default_rng(4)
    bits = (2 * random.integers(0, 2, SAMPLES // hold + 1) - 1).repeat(hold)[:SAMPLES]
    x = band_limited(noise(3))
    assert not repeats_at(band_limited(x + 0.7 * np.std(x) * bits))


def test_too_few_samples_tell_nothing():
    assert not repeats_at(ofdm(16)[:500])
    assert not repeats_at(np.zeros(5000, dtype=np.complex64))


@pytest.mark.parametrize("prefix", [0, 16])
def test_what_is_left_out_neither_hides_nor_makes_a_memory(prefix):
    x = ofdm(prefix)
    x[: x.size // 1024 * 1024].reshape(-1, 1024)[::3] = 0
    assert (repeats_at(x) is not None) == (prefix > 0)


@pytest.mark.parametrize("lag", [100, 1000, 1900])
def test_an_echo_shows(lag):
    x = noise(5, 6000 + lag)
    assert repeats_at(band_limited(x[lag:] + x[:-lag]))


@pytest.mark.parametrize("samples", [500, 3000, 8000, 20_000])
@pytest.mark.parametrize("seed", range(4))
def test_noise_shows_no_prefix(samples, seed):
    assert not prefix_at(band_limited(noise(seed, samples)))


@pytest.mark.parametrize(("prefix", "samples"), [(16, 2500), (8, 3500), (4, 5000)])
def test_a_prefix_shows_in_a_short_burst(prefix, samples):
    assert prefix_at(ofdm(prefix)[:samples])


def test_a_prefix_too_short_for_plain_correlation_shows():
    found = [ofdm(4, seed=seed)[:5000] for seed in range(5)]
    assert not any(repeats_at(x) for x in found)
    assert sum(prefix_at(x) for x in found) >= 4


def test_a_prefix_of_a_large_fft_shows_among_many_lags():
    assert prefix_at(ofdm(32, fft_size=512)[:30_000]) == pytest.approx(3 * 512, abs=3)


def test_a_carrier_off_its_frequency_hides_no_prefix():
    x = ofdm(8)[:6000]
    assert prefix_at(x * np.exp(2j * np.pi * 0.0137 * np.arange(x.size)).astype(np.complex64))


def test_no_prefix_shows_where_there_is_none():
    assert not prefix_at(ofdm(0)[:9000])


def test_no_prefix_shows_in_few_samples_or_zeros():
    assert not prefix_at(ofdm(16)[:300])
    assert not prefix_at(np.zeros(5000, dtype=np.complex64))
