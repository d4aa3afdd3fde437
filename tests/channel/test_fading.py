import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from tests.channel.signals import power, seeded, white

from hertzian.channel import ChannelError, Fading, tapped_delay_line


def test_many_sinusoids_make_a_rayleigh_envelope():
    gains = Fading(doppler_cycles_per_sample=0.01, sinusoids=64).gains(5000, 4, seeded())
    envelope = gains[:, 0, 3].abs().double().numpy()
    assert stats.kstest(envelope, stats.rayleigh(scale=math.sqrt(0.5)).cdf).pvalue > 0.01


def test_sixteen_sinusoids_come_close_to_rayleigh():
    envelope = Fading().gains(5000, 1, seeded()).abs().double().numpy().ravel()
    assert stats.kstest(envelope, stats.rayleigh(scale=math.sqrt(0.5)).cdf).statistic < 0.025


@pytest.mark.parametrize("k_db", [-3.0, 6.0, 12.0])
def test_a_line_of_sight_makes_a_rician_envelope(k_db):
    fading = Fading(doppler_cycles_per_sample=0.02, rician_k_db=k_db, sinusoids=64)
    envelope = fading.gains(5000, 8, seeded())[:, 0, 5].abs().double().numpy()
    k = 10.0 ** (k_db / 10.0)
    sigma = math.sqrt(0.5 / (1.0 + k))
    law = stats.rice(b=math.sqrt(2.0 * k), scale=sigma)
    assert stats.kstest(envelope, law.cdf).pvalue > 0.01


@pytest.mark.parametrize("doppler", [1e-3, 1e-2, 0.1])
def test_the_autocorrelation_is_the_bessel_function_of_clarke(doppler):
    samples = int(2.0 / doppler)
    gains = Fading(doppler_cycles_per_sample=doppler).gains(4000, samples, seeded())[:, 0]
    lags = np.linspace(0, samples - 1, 25).astype(int)
    found = [complex((gains[:, lag] * gains[:, 0].conj()).mean()) for lag in lags]
    expected = special.j0(2.0 * np.pi * doppler * lags)
    assert np.abs(np.array(found) - expected).max() < 0.06


def test_the_matrix_product_is_the_sum_of_sinusoids():
    doppler, sinusoids, samples = 0.013, 5, 150
    fading = Fading(doppler_cycles_per_sample=doppler, sinusoids=sinusoids)
    gains = fading.gains(1, samples, seeded(9))[0, 0].numpy()
    generator = seeded(9)
    theta = torch.rand(sinusoids, generator=generator, dtype=torch.float64).numpy() - 0.5
    phase = torch.rand(sinusoids, generator=generator, dtype=torch.float64).numpy()
    angle = 2.0 * np.pi * (np.arange(sinusoids) + theta) / sinusoids
    cycles = doppler * np.cos(angle)[:, None] * np.arange(samples) + phase[:, None]
    expected = np.exp(2j * np.pi * cycles).sum(axis=0) / math.sqrt(sinusoids)
    np.testing.assert_allclose(gains, expected, atol=2e-6)


def test_path_powers_are_as_stated_and_sum_to_one():
    fading = Fading((0.0, 1.0, 2.5), (0.0, -3.0, -10.0), 0.01, rician_k_db=3.0)
    gains = fading.gains(6000, 2, seeded())
    powers = gains.abs().square().mean(dim=(0, 2)).numpy()
    relative = 10.0 ** (np.array([0.0, -3.0, -10.0]) / 10.0)
    np.testing.assert_allclose(powers, relative / relative.sum(), rtol=0.05)
    assert powers.sum() == pytest.approx(1.0, rel=0.03)


def test_the_mean_power_gain_of_a_multipath_channel_is_one():
    x = white(4000, 64)
    y = Fading((0.0, 1.0, 2.0), (0.0, -3.0, -6.0), 1e-3)(x, seeded())
    assert power(y[:, 2:]) == pytest.approx(1.0, rel=0.05)


def test_the_impulse_response_is_a_sum_of_sampled_sincs():
    delays = (0.0, 1.3, 4.0, 6.75)
    gains = torch.tensor([1.0, 0.5j, -0.3, 0.2 + 0.1j], dtype=torch.complex64)
    x = torch.zeros(1, 128, dtype=torch.complex64)
    x[0, 64] = 1.0
    y = tapped_delay_line(x, delays, gains[None, :, None].expand(1, 4, 128))[0].numpy()
    # Against the ideal sinc within the band in which the interpolator is specified.
    spectrum = np.fft.fft(np.roll(y, -64))
    f = np.fft.fftfreq(128)
    turns = np.exp(-2j * np.pi * f[:, None] * np.array(delays))
    expected = (turns * gains.numpy()).sum(axis=1)
    middle = np.abs(f) <= 0.4
    assert np.abs(spectrum - expected)[middle].max() < 1e-3
    np.testing.assert_allclose(
        y[64], 1.0 + 0.5j * np.sinc(-1.3) + (0.2 + 0.1j) * np.sinc(-6.75), atol=0.02
    )


def test_whole_delays_are_exact():
    x = white(2, 50)
    gains = torch.tensor([1.0, 0.25j], dtype=torch.complex64)[None, :, None].expand(2, 2, 50)
    expected = x.clone()
    expected[:, 3:] += 0.25j * x[:, :-3]
    torch.testing.assert_close(tapped_delay_line(x, (0.0, 3.0), gains), expected)


def test_without_doppler_gains_are_constant_and_differ_between_examples():
    gains = Fading(rician_k_db=0.0).gains(20, 100, seeded())[:, 0]
    torch.testing.assert_close(gains, gains[:, :1].expand(-1, 100))
    assert gains[:, 0].abs().std() > 0.1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fading((0.0, 1.0), (0.0,)),
        lambda: Fading((), ()),
        lambda: Fading((-1.0,), (0.0,)),
        lambda: Fading(doppler_cycles_per_sample=0.7),
        lambda: Fading(rician_k_db=float("inf")),
        lambda: Fading(sinusoids=0),
    ],
)
def test_wrong_parameters_are_refused(make):
    with pytest.raises(ChannelError):
        make()
