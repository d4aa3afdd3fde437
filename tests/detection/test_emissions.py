from itertools import pairwise

import numpy as np
import pytest
from tests.detection.scenes import add, amplitude, band_noise, tone, white

from hertzian.detection.emissions import GAP_FRAMES, Emission, find_all, find_bursts
from hertzian.detection.floor import noise_floor
from hertzian.detection.frames import FRAME, HOP, SLAB, frame_power
from hertzian.detection.tracker import Tracker

pytestmark = pytest.mark.base

SAMPLES = (SLAB - 1) * HOP + FRAME
LONGEST = 400


def bursts_of(x, first_frame=0):
    power = frame_power(x.astype(np.complex64))
    return find_all(power, noise_floor(power), first_frame)


def emission(bins, frames, level=100.0, envelope=None, **facts):
    """An emission of even power over bins [low, high) and frames [first, stop)."""
    first, count = frames[0], frames[1] - frames[0]
    profile = np.zeros(FRAME)
    profile[slice(*bins)] = 1.0
    shape = np.ones(count) if envelope is None else envelope
    energy = level * shape * (bins[1] - bins[0])
    return Emission(
        track=-1,
        first=first,
        last=frames[1] - 1,
        profile=profile / profile.sum() * energy.sum(),
        envelope=energy,
        floor=np.ones(count),
        extent=(bins[0], bins[1] - 1),
        **facts,
    )


def released(emissions, frames=1000):
    tracker = Tracker(LONGEST)
    return tracker.update(emissions, frames)


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


@pytest.mark.parametrize(("gap", "count"), [(1, 1), (GAP_FRAMES - 1, 1), (GAP_FRAMES, 2)])
def test_bursts_at_one_frequency_are_one_emission_unless_silence_parts_them(gap, count):
    first = emission((100, 120), (10, 30))
    second = emission((101, 121), (30 + gap, 60 + gap))
    found = released([second, first])
    assert len(found) == count
    assert sum(e.energy for e in found) == pytest.approx(first.energy + second.energy * (count - 1))
    assert max(e.last for e in found) == 59 + gap


@pytest.mark.parametrize(("width", "count"), [(80, 1), (120, 2)])
def test_bursts_of_very_different_widths_are_of_two_transmitters(width, count):
    wide = emission((100, 100 + width), (10, 30))
    narrow = emission((94 + width // 2, 106 + width // 2), (35, 60))
    assert len(released([wide, narrow])) == count


def test_an_emission_is_joined_across_slabs_under_one_number():
    tracker = Tracker(LONGEST)
    assert tracker.update([emission((100, 120), (100, 128))], 128) == []
    assert tracker.first_needed == 100
    assert tracker.update([emission((100, 120), (128, 140))], 256)[0].envelope.size == 40
    assert tracker.first_needed is None


def test_bursts_at_other_frequencies_stay_apart():
    rng = np.random.default_rng(0)
    found = released(
        [
            emission((100, 120), (10, 300), envelope=rng.uniform(0.2, 2, 290)),
            emission((130, 150), (60, 200), envelope=rng.uniform(0.2, 2, 140)),
            emission((105, 115), (350, 400)),
        ]
    )
    assert sorted(e.first for e in found) == [10, 60, 350]
    assert len({e.track for e in found}) == 3
    assert all(e.begins and e.ends for e in found)


def test_two_tones_that_come_and_go_together_are_one_transmitter():
    (both,) = released([emission((100, 104), (10, 90)), emission((112, 116), (11, 91), level=60)])
    assert both.extent == (100, 115)
    assert both.energy == pytest.approx(80 * 4 * 160)


@pytest.mark.parametrize(
    "other",
    [
        emission((112, 116), (30, 91), level=60),
        emission((300, 304), (10, 90), level=60),
        emission((112, 116), (10, 90), level=5),
    ],
    ids=["at another time", "far away", "much weaker"],
)
def test_tones_that_differ_are_not(other):
    rng = np.random.default_rng(1)
    one = emission((100, 104), (10, 90), envelope=rng.uniform(0.5, 1.5, 80))
    other.envelope = other.envelope * rng.uniform(0.2, 1.8, other.envelope.size)
    assert len(released([one, other])) == 2


def keyed(count, seed=0):
    return np.repeat(np.random.default_rng(seed).integers(0, 2, count // 4 + 1), 4)[:count] + 0.05


def test_products_that_follow_a_strong_signal_are_left_out():
    strong = emission((100, 120), (10, 90), level=1e5, envelope=keyed(80))
    harmonic = emission((700, 740), (10, 90), level=50, envelope=keyed(80))
    assert [e.extent for e in released([harmonic, strong])] == [(100, 119)]


def test_an_image_at_the_mirrored_frequency_is_left_out():
    rng = np.random.default_rng(2)
    strong = emission((100, 120), (10, 90), level=1e5)
    image = emission((904, 924), (10, 90), level=300, envelope=rng.uniform(0.5, 1.5, 80))
    assert [e.extent for e in released([image, strong])] == [(100, 119)]


def test_a_weak_signal_with_a_life_of_its_own_is_kept():
    strong = emission((100, 120), (10, 90), level=1e5, envelope=keyed(80))
    weak = emission((700, 740), (20, 85), level=50, envelope=keyed(65, seed=9))
    outlasting = emission((300, 340), (30, 180), level=50)
    assert len(released([weak, strong, outlasting])) == 3


def test_a_long_emission_comes_in_pieces_of_one_track():
    tracker = Tracker(LONGEST)
    pieces = []
    for first in range(0, 1280, SLAB):
        pieces += tracker.update([emission((100, 120), (first, first + SLAB))], first + SLAB)
    pieces += tracker.finish()
    assert [e.track for e in pieces] == [0] * len(pieces)
    assert [e.ends for e in pieces] == [False] * (len(pieces) - 1) + [True]
    assert [e.begins for e in pieces] == [True] + [False] * (len(pieces) - 1)
    assert all(one.last == other.first for one, other in pairwise(pieces))
    assert pieces[0].first == 0
    assert pieces[-1].last == 1279
    assert all(e.last - e.first <= LONGEST + SLAB for e in pieces)


def in_pieces(*emitters):
    """Run emitters of (bins, level), each from the first frame on, through a tracker."""
    tracker = Tracker(LONGEST)
    pieces = []
    for first in range(0, 768, SLAB):
        frames = (first, first + SLAB)
        bursts = [emission(bins, frames, level, **facts) for bins, level, facts in emitters]
        pieces += tracker.update(bursts, first + SLAB)
    return pieces + tracker.finish()


def test_of_two_steady_carriers_the_weaker_is_told_to_its_end():
    pieces = in_pieces(((100, 104), 1e6, {}), ((300, 304), 1e3, {}))
    ends = {e.extent: e.ends for e in pieces}
    assert ends == {(100, 103): True, (300, 303): True}


def test_a_long_product_of_a_long_signal_is_told_in_no_piece():
    pieces = in_pieces(((100, 104), 1e6, {}), ((920, 925), 1e3, {}))
    assert {e.extent for e in pieces} == {(100, 103)}
