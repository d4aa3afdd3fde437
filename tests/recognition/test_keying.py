"""Pulses off a clock say something; a train of them, however jittered, does not."""

import numpy as np
import pytest

from hertzian.recognition.keying import pulses_carry_data

pytestmark = pytest.mark.base

PULSES = 60


def pulses(widths, gaps, snr_db=20.0, seed=0):
    """Pulses of these widths, each followed by its gap in samples, in white noise."""
    random = np.random.default_rng(seed)
    envelope = np.concatenate(
        [np.r_[np.ones(w), np.zeros(g)] for w, g in zip(widths, gaps, strict=True)]
    )
    noise = random.standard_normal((envelope.size, 2)).view(np.complex128)[:, 0]
    return (envelope + noise * np.sqrt(0.5 * 10 ** (-snr_db / 10))).astype(np.complex64)


def even(value):
    return np.full(PULSES, value)


def two_valued(one, other, seed=1):
    return np.random.default_rng(seed).choice([one, other], PULSES)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [6, 20, 60])
def test_a_steady_train_carries_no_data(width, seed):
    assert not pulses_carry_data(pulses(even(width), even(5 * width), seed=seed))


@pytest.mark.parametrize("seed", range(5))
def test_nor_does_one_that_jitters(seed):
    gaps = np.random.default_rng(seed).normal(200, 24, PULSES).round().astype(int)
    assert not pulses_carry_data(pulses(even(20), gaps, seed=seed))


@pytest.mark.parametrize("ratio", [2, 6, 12])
def test_two_gaps_are_pulse_position_keying(ratio):
    gaps = two_valued(20 * ratio, 40 * ratio)
    assert pulses_carry_data(pulses(even(20), gaps))


def test_two_widths_in_a_steady_rhythm_are_pulse_width_keying():
    widths = two_valued(20, 60)
    assert pulses_carry_data(pulses(widths, 80 - widths))


def test_some_pulses_that_were_missed_are_no_data():
    gaps = even(200)
    gaps[[9, 30, 47]] = 420
    assert not pulses_carry_data(pulses(even(20), gaps))


def test_few_pulses_tell_nothing():
    assert not pulses_carry_data(pulses(even(20)[:10], two_valued(60, 120)[:10]))
    assert not pulses_carry_data(np.zeros(5000, dtype=np.complex64))
    assert not pulses_carry_data(np.ones(5000, dtype=np.complex64))
    assert not pulses_carry_data(np.empty(0, dtype=np.complex64))


@pytest.mark.parametrize("samples", [300, 350, 400, 450, 1000])
def test_noise_however_short_carries_no_data(samples):
    random = np.random.default_rng(samples)
    wrong = 0
    for _ in range(300):
        x = random.standard_normal((samples, 2)).view(np.complex128)[:, 0]
        spectrum = np.fft.fft(x)
        spectrum[np.abs(np.fft.fftfreq(samples)) > 0.25] = 0
        wrong += pulses_carry_data(np.fft.ifft(spectrum).astype(np.complex64))
    assert wrong <= 2
