import numpy as np
import pytest
import torch
from scipy import stats
from tests.channel.signals import error_db, seeded, tone, tone_frequency

from hertzian.channel import ChannelError, SampleRateOffset, TimingOffset


def test_the_delay_of_a_tone_is_uniform():
    x = tone(0.1, 256, batch=1500)
    y = TimingOffset(2.0)(x, seeded())
    turned = torch.angle(x[:, 128] * y[:, 128].conj()).double().numpy() / (2.0 * np.pi * 0.1)
    assert stats.kstest(turned, stats.uniform(0.0, 2.0).cdf).pvalue > 0.01


def test_a_clock_error_scales_the_frequency_of_a_tone():
    clock = SampleRateOffset(std_ppm=100.0, limit_ppm=400.0)
    shifts, block = clock.shifts(4, 8192, seeded(3))
    y = clock(tone(0.3, 8192, batch=4), seeded(3))
    for example in range(4):
        error = float(shifts[example, 1]) / block
        assert 1e-6 < abs(error) <= 400e-6
        assert tone_frequency(y[example, 64:-64]) == pytest.approx(0.3 * (1.0 + error), abs=1e-8)
        assert error_db(y[example], tone(0.3 * (1.0 + error), 8192)[0]) < -60.0


@pytest.mark.parametrize("limit_ppm", [0.5, 20.0, 500.0, 2000.0])
def test_a_tone_read_by_a_wandering_clock_has_the_phase_of_its_shift(limit_ppm):
    clock = SampleRateOffset(std_ppm=limit_ppm, walk_std_ppm=limit_ppm / 30, limit_ppm=limit_ppm)
    samples = 4096
    shifts, block = clock.shifts(2, samples, seeded(1))
    y = clock(tone(0.35, samples, batch=2), seeded(1))
    n = np.arange(samples)
    for example in range(2):
        shift = np.interp(n, np.arange(shifts.shape[1]) * block, shifts[example].numpy())
        expected = torch.from_numpy(np.exp(2j * np.pi * 0.35 * (n + shift)))
        assert error_db(y[example], expected) < -60.0


def test_the_clock_walks_with_the_stated_variance():
    clock = SampleRateOffset(walk_std_ppm=0.1, limit_ppm=2000.0)
    shifts, block = clock.shifts(4000, 4096, seeded())
    error_ppm = np.diff(shifts.numpy()) / block * 1e6
    n = np.arange(error_ppm.shape[1]) * block
    found = error_ppm[:, 1:].var(axis=0)
    np.testing.assert_allclose(found, n[1:] * 0.1**2, rtol=0.12)


def test_the_clock_stays_within_its_limit():
    clock = SampleRateOffset(std_ppm=30.0, walk_std_ppm=5.0, limit_ppm=40.0)
    shifts, block = clock.shifts(50, 8192, seeded())
    error_ppm = np.diff(shifts.numpy()) / block * 1e6
    assert np.abs(error_ppm).max() <= 40.0 + 1e-6
    assert np.abs(error_ppm).max() > 35.0


def test_a_perfect_clock_changes_nothing():
    x = tone(0.2, 1000)
    torch.testing.assert_close(SampleRateOffset()(x, seeded()), x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TimingOffset(0.0),
        lambda: TimingOffset(float("inf")),
        lambda: SampleRateOffset(std_ppm=-1.0),
        lambda: SampleRateOffset(limit_ppm=5000.0),
        lambda: SampleRateOffset(std_ppm=1.0, limit_ppm=0.0),
    ],
)
def test_wrong_parameters_are_refused(make):
    with pytest.raises(ChannelError):
        make()
