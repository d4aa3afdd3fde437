import numpy as np
import pytest
from tests.detection.scenes import add, amplitude, band_noise, tone, white

from hertzian.detection.floor import excess, noise_floor
from hertzian.detection.frames import FRAME, HOP, SLAB, frame_power

pytestmark = pytest.mark.base

SAMPLES = (SLAB - 1) * HOP + FRAME
CENTRE = FRAME // 2
AWAY_FROM_DC = np.abs(np.arange(FRAME) - CENTRE) > 2


def db(ratio):
    return 10 * np.log10(ratio)


def floor_of(x):
    return noise_floor(frame_power(x.astype(np.complex64)))


def level_db(density, rows=slice(None), bins=AWAY_FROM_DC):
    return db(density[rows][:, bins].mean())


@pytest.mark.parametrize("exponent", [-6, -3, 0, 3, 6])
@pytest.mark.parametrize("seed", [0, 1])
def test_white_noise_at_any_scale(exponent, seed):
    found = floor_of(white(SAMPLES, seed, power=10.0 ** (2 * exponent)))
    assert found.density.dtype == np.float32
    assert level_db(found.density) - 20 * exponent == pytest.approx(0, abs=0.3)
    # nor does it waver from frame to frame or bin to bin
    assert np.ptp(db(found.density[:, AWAY_FROM_DC])) < 2.0


@pytest.mark.parametrize("frames", [1, 2, 4, 16, 257])
def test_slabs_of_any_length(frames):
    levels = [
        level_db(floor_of(white((frames - 1) * HOP + FRAME, seed)).density) for seed in range(8)
    ]
    assert np.mean(levels) == pytest.approx(0, abs=0.8)


def test_bursts_over_a_fifth_of_time_and_frequency():
    x = white(SAMPLES)
    for number in range(4):
        burst = band_noise(SAMPLES // 4, 0.2, seed=number) * amplitude(25, 0.2)
        add(x, number * SAMPLES // 4, burst, [-0.3, 0.1, 0.35, -0.1][number])
    # a tenth of all bins is an eighth of those with noise alone: the quantile lies 1.03 dB higher
    bias = db(np.log1p(-0.1 / 0.8) / np.log1p(-0.1))
    assert level_db(floor_of(x).density) == pytest.approx(bias, abs=0.3)


@pytest.mark.parametrize("snr_db", [10, 20, 40])
def test_under_a_continuous_signal_over_half_of_the_band(snr_db):
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, 0.5, seed=1) * amplitude(snr_db, 0.5), 0.15)
    found = floor_of(x)
    assert found.under_plateau is None
    assert level_db(found.density) == pytest.approx(0, abs=0.6)
    frequencies = np.arange(FRAME) / FRAME - 0.5
    under = np.abs(frequencies - 0.15) < 0.22
    assert level_db(found.density, bins=under & AWAY_FROM_DC) == pytest.approx(0, abs=0.6)


@pytest.mark.parametrize("step_db", [-8.0, 3.0, 8.0])
def test_a_step_of_the_gain_is_followed(step_db):
    x = white(SAMPLES)
    x[SAMPLES // 2 :] *= 10 ** (step_db / 20)
    density = floor_of(x).density
    middle = SLAB // 2
    assert level_db(density, slice(0, middle - 9)) == pytest.approx(0, abs=0.5)
    assert level_db(density, slice(middle + 9, None)) == pytest.approx(step_db, abs=0.5)


def test_a_short_burst_over_half_of_the_band_does_not_lift_the_floor_beside_it():
    x = white(SAMPLES)
    burst = band_noise(2 * FRAME, 0.5, seed=1) * amplitude(20, 0.5)
    add(x, SAMPLES // 2, burst, -0.2)
    assert np.ptp(db(floor_of(x).density[:, AWAY_FROM_DC].mean(axis=1))) < 1.5


def test_silence_has_no_floor_and_tells_nothing_of_the_rest():
    x = white(SAMPLES)
    x[: SAMPLES // 4] = 0
    x[-SAMPLES // 4 :] = 0
    density = floor_of(x).density
    silent = frame_power(x).max(axis=1) == 0
    assert silent.sum() > SLAB // 3
    assert np.isinf(density[silent]).all()
    sounding = np.flatnonzero(~silent)[1:-1]
    assert level_db(density, sounding) == pytest.approx(0, abs=0.3)


def test_nothing_but_zeros_has_no_floor():
    found = floor_of(np.zeros(SAMPLES))
    assert np.isinf(found.density).all()
    assert found.under_plateau is None


def test_a_receivers_offset_is_floor_and_the_bins_beside_are_not():
    spike = 10.0
    x = white(SAMPLES) + spike
    power = frame_power(x.astype(np.complex64))
    density = noise_floor(power).density
    assert (density[:, CENTRE] > 2 / 3 * FRAME * spike**2).all()
    assert level_db(density) == pytest.approx(0, abs=0.3)
    assert excess(power, density)[:, CENTRE - 2 : CENTRE + 3].max() < 20


def test_a_signal_across_the_offset_stays_whole():
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, 0.1, seed=2) * amplitude(20, 0.1))
    power = frame_power((x + 3.0).astype(np.complex64))
    ratio = excess(power, noise_floor(power).density)
    beside = np.r_[CENTRE - 20 : CENTRE - 5, CENTRE + 5 : CENTRE + 20]
    assert ratio[:, CENTRE - 2 : CENTRE + 3].mean() > 0.2 * ratio[:, beside].mean()


@pytest.mark.parametrize("bandwidth", [0.7, 0.8, 0.9])
def test_a_plateau_comes_with_the_floor_that_it_stands_on(bandwidth):
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, bandwidth, seed=1) * amplitude(20, bandwidth))
    found = floor_of(x)
    assert found.under_plateau is not None
    on = np.abs(np.arange(FRAME) / FRAME - 0.5) < 0.45 * bandwidth
    assert level_db(found.density, bins=on & AWAY_FROM_DC) == pytest.approx(20.04, abs=0.7)
    assert level_db(found.under_plateau) == pytest.approx(0, abs=1.2)


@pytest.mark.parametrize("frequency", [-0.2, 0.05, 0.3])
@pytest.mark.parametrize("bandwidth", [0.03, 0.2])
def test_a_signal_that_never_pauses_is_no_floor_of_the_plateau_it_stands_on(bandwidth, frequency):
    x = 0.01 * white(SAMPLES) + band_noise(SAMPLES, 0.85, seed=1)
    signal = band_noise(SAMPLES, bandwidth, seed=2) * amplitude(15, bandwidth)
    add(x, 0, signal / np.sqrt(0.85), frequency)
    density = floor_of(x).density
    under = np.abs(np.arange(FRAME) / FRAME - 0.5 - frequency) < 0.4 * bandwidth
    assert level_db(density, bins=under & AWAY_FROM_DC) == pytest.approx(-db(0.85), abs=1.0)


def test_without_a_plateau_there_is_nothing_under_it():
    x = white(SAMPLES)
    add(x, 0, tone(SAMPLES, 0.2, 30.0))
    assert floor_of(x).under_plateau is None
    assert floor_of(white(SAMPLES)).under_plateau is None
