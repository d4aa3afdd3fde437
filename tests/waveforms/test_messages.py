import numpy as np
import pytest
from tests.waveforms.measures import seeded

from hertzian.waveforms import MESSAGES, WaveformError, message, speech_like


def spoken(kind, batch, samples, bandwidth, seed=0, **options):
    return message(kind, batch, samples, bandwidth, seeded(seed), **options).numpy().astype(float)


def bins(x):
    return np.fft.rfftfreq(x.shape[-1]), np.abs(np.fft.rfft(x)) ** 2


@pytest.mark.parametrize("kind", MESSAGES)
def test_the_peak_is_one_and_the_band_is_kept(kind):
    m = spoken(kind, 3, 32768, 0.05)
    np.testing.assert_allclose(np.abs(m).max(axis=1), 1.0, atol=1e-5)
    f, p = bins(m * np.hanning(m.shape[1]))
    assert p[:, f > 0.0502].sum() < 1e-3 * p.sum()


@pytest.mark.parametrize("kind", [kind for kind in MESSAGES if kind != "video"])
def test_there_is_no_constant_part(kind):
    assert np.abs(spoken(kind, 4, 65536, 0.05).mean(axis=1)).max() < 5e-3


def test_a_tone_is_at_the_bandwidth():
    _, p = bins(spoken("tone", 1, 32768, 1024 / 32768))
    assert np.argmax(p[0]) == 1024
    assert p[0, 1024] > 0.9999 * p.sum()


def test_noise_is_flat_within_its_band():
    f, p = bins(spoken("noise", 32, 16384, 0.1))
    lower = p[:, (f > 0.005) & (f < 0.05)].mean()
    upper = p[:, (f > 0.055) & (f < 0.1)].mean()
    assert lower == pytest.approx(upper, rel=0.05)


def test_speech_falls_towards_the_treble_and_has_syllables_and_pauses():
    bandwidth = 3400 / 8000
    m = speech_like(8, 80000, bandwidth, seeded()).numpy()  # ten seconds at 8 kHz
    f, p = bins(m)
    hertz = f * 8000
    assert p[:, hertz < 1500].sum() > 3 * p[:, hertz > 1500].sum()
    assert p[:, hertz < 90].sum() < 1e-6 * p.sum()
    level = (m.reshape(8, -1, 160) ** 2).mean(axis=2)  # 20 ms
    loud = level > 0.1 * level.mean(axis=1, keepdims=True)
    assert 0.4 < loud.mean() < 0.95
    onsets = (loud[:, 1:] & ~loud[:, :-1]).sum(axis=1) / 10
    assert 1 < onsets.mean() < 8


def test_speech_has_harmonics_of_a_pitch():
    m = speech_like(16, 4000, 3400 / 8000, seeded(3)).numpy()  # half a second at 8 kHz
    correlation = np.fft.irfft(np.abs(np.fft.rfft(m, 8192)) ** 2)
    share = correlation[:, 8000 // 300 : 8000 // 80].max(axis=1) / correlation[:, 0]
    assert np.median(share) > 0.3


def test_stereo_has_its_pilot_and_a_gap_around_it():
    bandwidth = 0.25
    f, p = bins(spoken("stereo", 2, 65536, bandwidth) * np.hanning(65536))
    khz = f / bandwidth * 53
    pilot = p[:, np.abs(khz - 19) < 0.1].sum()
    beside = p[:, (np.abs(khz - 19) > 0.3) & (np.abs(khz - 19) < 3.5)].sum()
    assert pilot > 100 * beside
    difference = p[:, (khz > 23) & (khz < 53)].sum()
    assert difference > pilot / 10


def test_video_repeats_its_sync_pulse_every_line():
    bandwidth = 0.3
    line = 63.556 * 4.2 / bandwidth
    m = spoken("video", 1, 65536, bandwidth)[0]
    low = m < m.min() + 0.25 * (m.max() - m.min())
    starts = np.flatnonzero(low[1:] & ~low[:-1])
    # chroma and luma ripple may touch the level; sync pulses are what lasts
    long = np.array([s for s in starts if low[s + 1 : s + int(3.5 * 4.2 / bandwidth)].all()])
    np.testing.assert_allclose(np.diff(long), line, atol=3)
    assert long.size == pytest.approx(65536 / line, abs=1.5)


def test_pre_emphasis_raises_the_treble_by_its_formula():
    plain = spoken("noise", 64, 16384, 0.1)
    raised = spoken("noise", 64, 16384, 0.1, pre_emphasis=True)
    f, p = bins(plain)
    gain = bins(raised)[1].mean(axis=0) / np.maximum(p.mean(axis=0), 1e-30)
    low, high = np.searchsorted(f, 0.01), np.searchsorted(f, 0.09)
    corner = 0.1 * 2122 / 15000
    expected = (1 + (0.09 / corner) ** 2) / (1 + (0.01 / corner) ** 2)
    assert gain[high] / gain[low] == pytest.approx(expected, rel=0.15)


def test_a_raised_tone_keeps_its_level_to_both_ends():
    # 1237.4 periods: the last sample does not lead into the first
    m = spoken("tone", 4, 12374, 0.1, pre_emphasis=True)
    peaks = np.abs(m[:, :12370].reshape(4, -1, 10)).max(axis=2)
    assert peaks.min() > 0.9
    assert np.abs(m).max() <= 1.0 + 1e-6


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_window_shorter_than_a_period_still_holds_a_message(kind):
    m = spoken(kind, 3, 64, 0.001)
    assert np.isfinite(m).all()
    assert np.abs(m).max() == pytest.approx(1.0, abs=1e-5)


def test_what_cannot_be_is_refused():
    with pytest.raises(WaveformError, match="unknown message 'poetry'"):
        message("poetry", 1, 10, 0.1, seeded())
    with pytest.raises(WaveformError, match="bandwidth is from 0 to"):
        message("tone", 1, 10, 0.6, seeded())
