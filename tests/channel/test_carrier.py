import math

import numpy as np
import pytest
import torch
from scipy import optimize, stats
from tests.channel.signals import seeded, tone, tone_frequency

from hertzian.channel import CarrierDrift, CarrierOffset, CarrierPhase, ChannelError, PhaseNoise


def test_the_spectral_line_moves_by_the_offset():
    offset = CarrierOffset(max_cycles_per_sample=0.2)
    expected = offset.offsets(5, seeded(4))
    y = offset(tone(0.05, 4096, batch=5), seeded(4))
    for example in range(5):
        shifted = 0.05 + float(expected[example])
        assert tone_frequency(y[example]) == pytest.approx(shifted, abs=1e-9)
        peak = int(torch.fft.fft(y[example]).abs().argmax())
        assert (peak / 4096 - shifted + 0.5) % 1.0 - 0.5 == pytest.approx(0.0, abs=0.5 / 4096)


def test_the_phase_of_a_long_record_keeps_its_precision():
    offset = CarrierOffset(max_cycles_per_sample=0.5)
    samples = 1 << 20
    frequency = float(offset.offsets(1, seeded(2)))
    y = offset(torch.ones(1, samples, dtype=torch.complex64), seeded(2))[0]
    n = np.arange(samples - 1000, samples)
    expected = np.exp(2j * np.pi * frequency * n)
    assert np.abs(y[-1000:].numpy() - expected).max() < 2e-6


def test_offsets_follow_their_laws():
    draw = CarrierOffset(max_cycles_per_sample=0.1).offsets(4000, seeded()).numpy()
    assert stats.kstest(draw, stats.uniform(-0.1, 0.2).cdf).pvalue > 0.01
    draw = CarrierOffset(std_cycles_per_sample=0.02).offsets(4000, seeded()).numpy()
    assert stats.kstest(draw, stats.norm(0.0, 0.02).cdf).pvalue > 0.01
    both = CarrierOffset(max_cycles_per_sample=0.02, std_cycles_per_sample=0.02)
    draw = both.offsets(4000, seeded()).abs().numpy()
    assert draw.max() == pytest.approx(0.02)
    assert np.mean(draw == draw.max()) == pytest.approx(0.3173, abs=0.03)


def test_phases_are_uniform_and_constant():
    y = CarrierPhase()(torch.ones(2000, 3, dtype=torch.complex64), seeded())
    torch.testing.assert_close(y, y[:, :1].expand(-1, 3))
    phase = torch.angle(y[:, 0]).double().numpy()
    assert stats.kstest(phase, stats.uniform(-math.pi, 2.0 * math.pi).cdf).pvalue > 0.01


def test_the_drift_walk_grows_as_the_number_of_samples():
    frequencies = CarrierDrift(walk_std_cycles_per_sample=1e-5).frequencies(4000, 1001, seeded())
    assert frequencies[:, 0].abs().max() == 0.0
    for n in (10, 100, 1000):
        assert float(frequencies[:, n].std()) == pytest.approx(1e-5 * math.sqrt(n), rel=0.05)


def test_a_reflected_walk_becomes_uniform_within_its_limit():
    drift = CarrierDrift(walk_std_cycles_per_sample=1e-4, limit_cycles_per_sample=1e-3)
    last = drift.frequencies(3000, 2000, seeded())[:, -1].numpy()
    assert np.abs(last).max() <= 1e-3
    assert stats.kstest(last, stats.uniform(-1e-3, 2e-3).cdf).pvalue > 0.01


def test_a_linear_drift_is_a_chirp():
    drift = CarrierDrift(max_linear_cycles_per_sample2=1e-5)
    frequencies = drift.frequencies(2, 1000, seeded(7))
    y = drift(torch.ones(2, 1000, dtype=torch.complex64), seeded(7))
    n = np.arange(1000)
    for example in range(2):
        rate = float(frequencies[example, 1])
        assert 0.0 < abs(rate) <= 1e-5
        expected = np.exp(1j * np.pi * rate * n * (n - 1))
        assert np.abs(y[example].numpy() - expected).max() < 1e-5


def test_phase_noise_increments_are_normal_with_the_variance_of_the_linewidth():
    linewidth = 1e-3
    y = PhaseNoise(linewidth)(torch.ones(4, 20000, dtype=torch.complex64), seeded())
    torch.testing.assert_close(y.abs(), torch.ones(4, 20000))
    steps = torch.angle(y[:, 1:] * y[:, :-1].conj()).double().numpy().ravel()
    assert steps.var() == pytest.approx(2.0 * math.pi * linewidth, rel=0.02)
    scale = math.sqrt(2.0 * math.pi * linewidth)
    assert stats.kstest(steps, stats.norm(0.0, scale).cdf).pvalue > 0.01


def test_phase_noise_makes_a_lorentzian_line():
    linewidth, samples = 0.01, 4096
    y = PhaseNoise(linewidth)(torch.ones(400, samples, dtype=torch.complex64), seeded())
    psd = torch.fft.fft(y).abs().square().mean(dim=0).numpy() / samples
    frequencies = np.fft.fftfreq(samples)
    near = np.abs(frequencies) < 0.05

    def lorentzian(f, width):
        return width / (2.0 * np.pi) / (f**2 + (width / 2.0) ** 2)

    width = optimize.curve_fit(lorentzian, frequencies[near], psd[near], p0=[0.02])[0][0]
    assert width == pytest.approx(linewidth, rel=0.05)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CarrierOffset(),
        lambda: CarrierOffset(max_cycles_per_sample=0.6),
        lambda: CarrierOffset(std_cycles_per_sample=-0.1),
        lambda: CarrierDrift(walk_std_cycles_per_sample=float("nan")),
        lambda: CarrierDrift(limit_cycles_per_sample=0.0),
        lambda: PhaseNoise(-1e-3),
    ],
)
def test_wrong_parameters_are_refused(make):
    with pytest.raises(ChannelError):
        make()
