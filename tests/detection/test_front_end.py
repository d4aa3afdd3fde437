import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import welch
from tests.detection.scenes import (
    add,
    amplitude,
    band_noise,
    qpsk,
    qpsk_bandwidth,
    tone,
    white,
)

from hertzian.detection import (
    FEWEST_SAMPLES,
    OCCUPIED_SHARE,
    WINDOW,
    Baseband,
    Detector,
    Sighting,
    to_baseband,
    windows,
)
from hertzian.signal import occupied_bandwidth

pytestmark = pytest.mark.base


def sighting(iq, low, high, noise_density=1.0, margin=0):
    return Sighting(
        track=0,
        start=margin,
        stop=iq.size - margin,
        low=low,
        high=high,
        noise_density=noise_density,
        iq=iq.astype(np.complex64),
        offset=0,
        last=True,
        plateau=False,
        on_plateau=False,
    )


def burst(sps, snr_db, samples, frequency=0.1, seed=0, margin=1024):
    """Return a sighting of a QPSK burst as the detector would cut it out, and its bandwidth."""
    width = qpsk_bandwidth(sps)
    x = white(samples + 2 * margin, seed)
    add(x, margin, qpsk(samples, sps, seed=seed) * amplitude(snr_db, width), frequency)
    return sighting(x, frequency - 0.75 * width, frequency + 0.75 * width, margin=margin), width


@pytest.mark.parametrize("sps", [2, 4, 16, 64])
@pytest.mark.parametrize("snr_db", [10, 15, 20, 30])
def test_place_width_and_snr_of_a_known_signal(sps, snr_db):
    seen, width = burst(sps, snr_db, 60_000, frequency=0.083)
    found = to_baseband(seen)
    assert found.center == pytest.approx(0.083, abs=0.02 * width)
    assert found.bandwidth == pytest.approx(width, rel=0.1)
    assert found.snr_db == pytest.approx(snr_db, abs=1.0)
    assert found.noise_density == 1.0


@pytest.mark.parametrize("sps", [16, 32])
def test_its_snr_is_the_in_band_snr_after_the_detector_too(sps):
    # short and narrow against a slab: what is on the air for long reads a little lower
    width = qpsk_bandwidth(sps)
    x = white(300_000)
    add(x, 120_000, qpsk(6_000, sps) * amplitude(15, width), -0.21)
    detector = Detector()
    found = [to_baseband(s) for s in detector.push(x) + detector.finish()]
    best = max(found, key=lambda b: b.energy)
    assert best.snr_db == pytest.approx(15, abs=1.0)
    assert best.center == pytest.approx(-0.21, abs=0.02 * width)


@pytest.mark.parametrize("samples", [2000, 20_000])
@pytest.mark.parametrize("sps", [4, 16])
def test_it_is_trimmed_to_the_signal(samples, sps):
    seen, _ = burst(sps, 20, samples, margin=2048)
    found = to_baseband(seen)
    # the edges are those of power averaged over 16 samples at baseband
    slack = 16 / found.rate
    assert found.start == pytest.approx(2048, abs=slack)
    assert found.stop == pytest.approx(2048 + samples, abs=slack)
    assert found.iq.size == pytest.approx((found.stop - found.start) * found.rate, abs=2)


def test_energy_is_that_of_the_signal_within_its_band():
    seen, width = burst(8, 20, 40_000)
    assert to_baseband(seen).energy == pytest.approx(40_000 * 100 * width, rel=0.03)


@pytest.mark.parametrize("sps", [4, 8, 32])
def test_the_occupied_band_is_a_third_of_the_rate(sps):
    found = to_baseband(burst(sps, 40, 100_000)[0])
    f, psd = welch(found.iq, nperseg=1024, return_onesided=False, detrend=False)
    order = np.argsort(f)
    lower, upper = occupied_bandwidth(psd[order], f[order])
    assert upper - lower == pytest.approx(OCCUPIED_SHARE, rel=0.05)
    assert upper + lower == pytest.approx(0, abs=0.02)
    assert found.bandwidth / found.rate == pytest.approx(OCCUPIED_SHARE, rel=0.01)


@pytest.mark.parametrize("offset", [-0.003, 0.0, 0.0021])
@pytest.mark.parametrize("center", [0.0, 0.2, -0.4, 0.49])
def test_a_tone_stays_a_tone_of_the_same_amplitude(center, offset):
    samples, width = 1 << 16, 0.02
    # noise without power marks the band that is brought down; the tone is what is looked at
    frequency = center + offset
    low, high = max(center - width / 2, -0.5), min(center + width / 2, 0.5)
    marks = 1e-4 * (tone(samples, low + 2e-4) + tone(samples, high - 2e-4))
    strong = 0.7 * tone(samples, round(frequency * samples) / samples)
    seen = sighting(strong + marks, low, high, noise_density=1e-30)
    found = to_baseband(seen)
    spectrum = np.fft.fft(found.iq) / found.iq.size
    line = int(np.abs(spectrum).argmax())
    assert np.abs(spectrum[line]) == pytest.approx(0.7, rel=1e-3)
    seen_at = np.fft.fftfreq(found.iq.size)[line] * found.rate + found.center
    assert seen_at == pytest.approx(round(frequency * samples) / samples, abs=1.01 / samples)
    middle = found.iq[100:-100]
    np.testing.assert_allclose(np.abs(middle), 0.7, rtol=2e-3)


def test_what_lies_beyond_the_filter_is_gone():
    samples, margin = 40_000, 1024
    seen, width = burst(16, 30, samples)
    alone = to_baseband(seen)
    neighbour = tone(samples + 2 * margin, 0.1 + 1.2 * width, 50.0)
    crowded = to_baseband(sighting(seen.iq + neighbour, seen.low, seen.high, margin=margin))
    assert alone.rate == pytest.approx(crowded.rate, rel=0.01)
    power = np.mean(np.abs(crowded.iq[200:-200]) ** 2)
    assert power == pytest.approx(np.mean(np.abs(alone.iq[200:-200]) ** 2), rel=0.02)


@pytest.mark.parametrize("duration", [700, 2000])
def test_a_narrow_short_signal_keeps_samples_enough(duration):
    x = white(duration + 2048)
    add(x, 1024, tone(duration, 0.0, 3.0), 0.2)
    found = to_baseband(sighting(x, 0.195, 0.205, margin=1024))
    assert found.iq.size > 150 > FEWEST_SAMPLES
    assert found.center == pytest.approx(0.2, abs=0.5 / duration)


def test_a_line_is_told_from_a_band():
    x = white(60_000)
    carrier = to_baseband(sighting(x + tone(x.size, 0.2, 2.0), 0.19, 0.21))
    assert carrier.line_share > 0.9
    assert to_baseband(burst(16, 20, 60_000)[0]).line_share < 0.05


def test_a_signal_as_wide_as_the_band_is_brought_down_whole():
    x = band_noise(60_000, 0.9, seed=1) * np.sqrt(90) + white(60_000)
    found = to_baseband(sighting(x, -0.5, 0.5))
    assert found.bandwidth == pytest.approx(0.9, rel=0.03)
    assert found.rate == pytest.approx(0.9 / OCCUPIED_SHARE, rel=0.03)
    assert found.snr_db == pytest.approx(20, abs=0.5)


def baseband(iq):
    iq = np.asarray(iq, dtype=np.complex64)
    return Baseband(
        iq=iq,
        rate=1.0,
        center=0.0,
        bandwidth=OCCUPIED_SHARE,
        start=0,
        stop=iq.size,
        energy=float(np.sum(np.abs(iq) ** 2)),
        noise_density=1.0,
        line_share=0.0,
        plateau=False,
    )


def test_the_snr_is_energy_over_that_of_the_noise_in_the_band():
    x = np.full(900, 2.0)
    assert baseband(x).snr_db == pytest.approx(10 * np.log10(4 / OCCUPIED_SHARE))


@given(st.integers(1, WINDOW), st.integers(1, 5))
def test_what_is_shorter_than_a_window_is_padded_with_zeros(samples, limit):
    x = white(samples)
    (cut,) = windows(baseband(x), limit)
    np.testing.assert_array_equal(cut[:samples], x)
    assert cut.shape == (WINDOW,)
    assert not cut[samples:].any()


@given(st.integers(WINDOW, 8 * WINDOW), st.integers(1, 10))
def test_windows_follow_each_other_up_to_the_end(samples, limit):
    x = np.arange(1, samples + 1) * 1e-4 + 10.0
    cut = windows(baseband(x), limit)
    starts = [int(np.flatnonzero(x.astype(np.complex64) == row[0])[0]) for row in cut]
    for start, row in zip(starts, cut, strict=True):
        np.testing.assert_array_equal(row, x[start : start + WINDOW].astype(np.complex64))
    whole, rest = divmod(samples, WINDOW)
    every = [i * WINDOW for i in range(whole)]
    every += [samples - WINDOW] if rest >= WINDOW // 2 else []
    assert len(cut) == min(limit, len(every))
    assert set(starts) <= set(every)
    if limit >= len(every):
        assert starts == every
    elif limit > 1:
        # spread over all of it
        assert starts[0] == 0
        assert starts[-1] == every[-1]


def test_silent_windows_between_packets_are_left_out():
    on = np.repeat([1, 0, 0, 1, 0, 1, 1, 0], WINDOW).astype(float)
    x = (white(on.size) * (on + 0.1)).astype(np.complex64)
    cut = windows(baseband(x), 24)
    np.testing.assert_array_equal(cut, x.reshape(-1, WINDOW)[[0, 3, 5, 6]])


def test_of_too_many_windows_evenly_spaced_ones_stay():
    x = white(100 * WINDOW)
    cut = windows(baseband(x), 5)
    np.testing.assert_array_equal(cut, x.reshape(-1, WINDOW)[[0, 25, 50, 74, 99]])


@pytest.mark.parametrize(("samples", "window"), [(250_000, 366), (900_000, 1024)])
def test_a_long_line_is_shown_from_so_far_that_its_drift_is_small(samples, window):
    x = white(samples)
    n = np.arange(samples)
    # 1e-4 cycles per sample from start to end: many times the resolution, little of a bin
    x += amplitude(20, 2e-3) * np.exp(2j * np.pi * (0.1 * n + 0.5e-4 * n**2 / samples))
    found = to_baseband(sighting(x, 0.098, 0.102))
    # half of a detector's bin is a third of the rate, until that gives a whole window
    assert found.iq.size == pytest.approx(window, rel=0.05)
    assert found.bandwidth < 3e-4
    step = np.angle(found.iq[1:] * found.iq[:-1].conj()) / (2 * np.pi)
    assert np.ptp(np.convolve(step, np.ones(32) / 32, "valid")) < 0.15
