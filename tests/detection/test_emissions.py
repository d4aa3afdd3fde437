import numpy as np
import pytest
from tests.detection.scenes import add, amplitude, band_noise, tone, white

from hertzian.detection.emissions import find_all, find_bursts
from hertzian.detection.floor import noise_floor
from hertzian.detection.frames import FRAME, HOP, SLAB, frame_power

pytestmark = pytest.mark.base

SAMPLES = (SLAB - 1) * HOP + FRAME


def bursts_of(x, first_frame=0):
    power = frame_power(x.astype(np.complex64))
    return find_all(power, noise_floor(power), first_frame)


def test_a_burst_is_found_where_it_is_with_its_energy():
    x = white(SAMPLES)
    low, high = 700 / FRAME - 0.5, 740 / FRAME - 0.5
    level = amplitude(15, high - low)
    add(x, 20 * HOP, band_noise(10 * HOP, high - low, seed=1) * level, (low + high) / 2)
    burst = max(bursts_of(x, first_frame=1000), key=lambda burst: burst.energy)
    # frames 1019 to 1029 see it, and averages of what is beside it reach two frames farther
    assert 1017 <= burst.first <= 1020
    assert 1028 <= burst.last <= 1031
    assert burst.band == pytest.approx((700, 740), abs=2)
    # half-overlapping frames of unit energy see every sample twice, so a frame has half of a hop's
    assert burst.energy == pytest.approx(level**2 * FRAME * 10, rel=0.1)
    assert burst.density == pytest.approx(1.0, rel=0.15)


@pytest.mark.parametrize("rise_db", [20, 30, 40])
@pytest.mark.parametrize("bandwidth", [0.01, 0.1])
def test_beside_a_strong_signal_there_is_nothing(bandwidth, rise_db):
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, bandwidth, seed=1) * amplitude(rise_db, bandwidth), 0.2)
    assert len(bursts_of(x)) == 1


def test_beside_a_strong_tone_there_is_nothing():
    assert len(bursts_of(white(SAMPLES) + tone(SAMPLES, 0.1003, 3.0))) == 1


@pytest.mark.parametrize("bandwidth", [0.015, 0.05])
def test_the_noise_under_a_continuous_signal_at_the_centre_is_that_of_the_rest(bandwidth):
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, bandwidth, seed=1) * amplitude(30, bandwidth))
    strongest = max(bursts_of(x), key=lambda burst: burst.energy)
    assert strongest.density == pytest.approx(1.0, rel=0.3)


def test_a_short_wide_burst_is_found_whole():
    x = white(SAMPLES)
    add(x, 30_000, band_noise(600, 0.4, seed=1) * amplitude(15, 0.4), -0.2)
    found = bursts_of(x)
    energy = sum(burst.energy for burst in found)
    assert energy == pytest.approx(600 * amplitude(15, 0.4) ** 2 * FRAME / HOP, rel=0.3)
    assert max(found, key=lambda b: b.energy).energy > 0.7 * energy
    assert min(b.extent[0] for b in found) == pytest.approx(0.1 * FRAME, abs=0.03 * FRAME)
    assert max(b.extent[1] for b in found) == pytest.approx(0.5 * FRAME, abs=0.03 * FRAME)


def test_a_weak_wide_signal_that_stays_is_found():
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, 0.3, seed=1) * amplitude(7, 0.3), 0.3)
    found = max(bursts_of(x), key=lambda burst: burst.energy)
    assert found.last - found.first > 0.9 * SLAB
    assert found.extent[1] - found.extent[0] > 0.25 * FRAME


def test_a_narrow_signal_too_faint_for_a_cell_is_found_where_it_lasts():
    x = white(SAMPLES)
    # 4 dB in its band of 8 bins, for half of the slab
    add(x, 20_000, band_noise(32_000, 8 / FRAME, seed=1) * amplitude(4, 8 / FRAME), 0.2)
    (found,) = bursts_of(x)
    assert found.faint
    assert found.band == pytest.approx((0.7 * FRAME - 4, 0.7 * FRAME + 4), abs=3)
    assert found.first == pytest.approx(20_000 / HOP, abs=16)
    assert found.last == pytest.approx(52_000 / HOP, abs=16)


def test_beside_a_strong_signal_nothing_is_faint():
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, 0.02, seed=1) * amplitude(40, 0.02), 0.2)
    assert [burst.faint for burst in bursts_of(x)] == [False]


@pytest.mark.parametrize("frames", [40, 100, SLAB])
@pytest.mark.parametrize("seed", range(10))
def test_white_noise_of_any_length_holds_nothing_faint(frames, seed):
    assert bursts_of(white((frames - 1) * HOP + FRAME, seed=seed)) == []


def test_white_noise_and_zeros_hold_no_bursts():
    assert bursts_of(white(SAMPLES)) == []
    assert bursts_of(np.zeros(SAMPLES)) == []
    floor = np.full((SLAB, FRAME), np.inf, dtype=np.float32)
    assert find_bursts(frame_power(white(SAMPLES)), floor, 0) == []


def test_a_signal_over_most_of_the_band_is_marked_as_a_plateau():
    x = white(SAMPLES)
    add(x, 0, band_noise(SAMPLES, 0.8, seed=1) * amplitude(15, 0.8))
    plateaus = [burst for burst in bursts_of(x) if burst.plateau]
    assert len(plateaus) == 1
    assert plateaus[0].band == pytest.approx((0.1 * FRAME, 0.9 * FRAME), abs=0.03 * FRAME)
