import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detection.scenes import tone, white

from hertzian.detection.frames import FRAME, HOP, frame_count, frame_power

pytestmark = pytest.mark.base


@pytest.mark.parametrize("rms", [1e-6, 1.0, 1e6])
def test_white_noise_reads_as_its_power_in_every_bin(rms):
    frames = 800
    power = frame_power(white(frame_samples(frames), power=rms**2)) / rms**2
    assert power.shape == (frames, FRAME)
    # exponentially distributed; frames overlap by half, which leaves 1 / (1 + 2 / 36) of them
    deviation = np.sqrt((1 + 2 / 36) / frames)
    assert np.abs(power.mean(axis=0) - 1).max() < 5 * deviation
    assert power.mean() == pytest.approx(1, abs=0.01)
    assert power.std() == pytest.approx(1, abs=0.02)


def frame_samples(frames):
    return (frames - 1) * HOP + FRAME


@pytest.mark.parametrize("index", [0, 1, 100, FRAME // 2, FRAME // 2 + 3, FRAME - 1])
def test_a_tone_stands_where_the_scale_says_two_thirds_of_a_frame_over_its_power(index):
    frequency = index / FRAME - 0.5
    power = frame_power(tone(4 * FRAME, frequency, amplitude=0.5))
    assert (power.argmax(axis=1) == index).all()
    # Hann: (sum w)^2 / sum w^2 = 2/3 FRAME, and a quarter of that in the bins beside
    np.testing.assert_allclose(power[:, index], 0.25 * 2 / 3 * FRAME, rtol=1e-4)
    for beside in (index - 1, index + 1):
        np.testing.assert_allclose(power[:, beside % FRAME], 0.25 / 6 * FRAME, rtol=1e-3)
    assert np.delete(power, [index - 1, index, (index + 1) % FRAME], axis=1).max() < 1e-6


def test_each_frame_has_the_power_of_its_windowed_samples():
    x = white(5 * FRAME + 17, seed=3)
    hann = np.sin(np.pi * np.arange(FRAME) / FRAME) ** 2
    hann /= np.sqrt(np.sum(hann**2))
    power = frame_power(x)
    for number, row in enumerate(power):
        part = x[number * HOP : number * HOP + FRAME]
        # Parseval
        assert row.sum() / FRAME == pytest.approx(np.sum(np.abs(part * hann) ** 2), rel=1e-5)


@given(st.integers(0, 6 * FRAME))
def test_as_many_frames_as_fit(samples):
    starts = range(0, samples - FRAME + 1, HOP)
    assert frame_count(samples) == len(starts)
    assert frame_power(np.ones(samples, dtype=np.complex64)).shape == (len(starts), FRAME)


def test_threads_change_nothing():
    x = white(64 * FRAME, seed=5)
    np.testing.assert_array_equal(frame_power(x, workers=1), frame_power(x, workers=2))
