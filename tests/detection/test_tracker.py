from itertools import pairwise

import numpy as np
import pytest
from tests.detection.scenes import add, amplitude, band_noise, tone, white

from hertzian.detection import Detector, to_baseband
from hertzian.detection.emissions import GAP_FRAMES, Emission
from hertzian.detection.frames import FRAME, SLAB
from hertzian.detection.tracker import Tracker

pytestmark = pytest.mark.base

LONGEST = 400


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


COMB = [(400, 404), (440, 444), (480, 484), (520, 524)]


def test_lines_of_one_spacing_that_come_and_go_together_are_one_transmitter():
    levels = [3, 100, 60, 5]
    lines = [emission(bins, (10, 90), level) for bins, level in zip(COMB, levels, strict=True)]
    (whole,) = released(lines)
    assert whole.extent == (400, 523)
    assert whole.energy == pytest.approx(80 * 4 * sum(levels))


@pytest.mark.parametrize(
    "bins",
    [[(400, 404), (440, 444)], [(400, 404), (440, 444), (501, 505)]],
    ids=["two of them", "spacings that differ"],
)
def test_other_lines_are_not(bins):
    assert len(released([emission(line, (10, 90)) for line in bins])) == len(bins)


def test_lines_that_were_there_from_the_start_may_be_of_many_transmitters():
    assert len(released([emission(line, (0, 90)) for line in COMB])) == len(COMB)


def test_a_comb_waits_for_its_last_line_to_end():
    tracker = Tracker(LONGEST)
    early = [emission(line, (10, 110)) for line in COMB[:-1]]
    assert tracker.update([*early, emission(COMB[-1], (10, 113))], 128) == []
    (whole,) = tracker.update([], 256)
    assert whole.extent == (400, 523)
    assert whole.ends


def test_a_long_comb_comes_in_pieces_of_one_track():
    tracker = Tracker(LONGEST)
    pieces = []
    for first in range(0, 1024, SLAB):
        begin, stop = max(first, 10), min(first + SLAB, 1000)
        pieces += tracker.update([emission(line, (begin, stop)) for line in COMB], first + SLAB)
    pieces += tracker.finish()
    assert {e.track for e in pieces} == {pieces[0].track}
    assert {e.extent for e in pieces} == {(400, 523)}
    assert [e.ends for e in pieces] == [False] * (len(pieces) - 1) + [True]
    assert sum(e.energy for e in pieces) == pytest.approx(4 * 100 * 4 * 990, rel=0.01)


def test_a_carrier_modulated_by_a_tone_is_one_emission_of_its_own_bandwidth():
    x = white(200_000)
    n = np.arange(60_000)
    # J_0 to J_2 of 1.5: lines up to twice the tone's frequency hold 99% of the power
    angle = 1.5 * np.sin(2 * np.pi * 0.03 * n)
    # keyed softly, lest the clicks reach from line to line
    envelope = np.clip(np.minimum(n, n[::-1]) / 1000, 0, 1) * amplitude(20, 0.15)
    add(x, 70_000, (envelope * np.exp(1j * angle)).astype(np.complex64), 0.1)
    detector = Detector()
    (found,) = [to_baseband(one) for one in detector.push(x) + detector.finish()]
    assert found.bandwidth == pytest.approx(0.12, abs=0.005)
    assert found.center == pytest.approx(0.1, abs=0.002)


def test_a_steady_carrier_is_no_product_of_what_shares_its_receivers_gain():
    x = white(300_000)
    x += tone(x.size, 0.2, amplitude(20, 2 / FRAME)) + tone(x.size, -0.1, amplitude(45, 2 / FRAME))
    gain = np.repeat(10 ** (np.random.default_rng(5).uniform(-6, 6, 30) / 20), 10_000)
    detector = Detector()
    sightings = detector.push((x * gain).astype(np.complex64)) + detector.finish()
    centers = sorted({round(to_baseband(one).center, 2) for one in sightings})
    assert centers == [-0.1, 0.2]


def test_what_changes_beside_a_steady_signal_does_not_follow_it():
    strong = emission((100, 120), (0, 90), level=1e5, envelope=np.linspace(1.0, 1.1, 90))
    fading = emission((700, 704), (0, 90), level=50, envelope=np.linspace(0.2, 2.0, 90))
    assert len(released([strong, fading])) == 2


def test_a_line_as_lasting_as_a_wide_signal_that_reaches_it_is_no_splatter():
    wide = emission((100, 300), (0, 90), level=100)
    wide.extent = (100, 420)
    line = emission((400, 404), (0, 90), level=30)
    click = emission((405, 409), (40, 43), level=30)
    assert sorted(e.extent for e in released([wide, line, click])) == [(100, 420), (400, 403)]


@pytest.mark.parametrize(("level", "outshone"), [(1e4, True), (300, False)])
def test_beside_something_far_stronger_an_emission_is_outshone(level, outshone):
    rng = np.random.default_rng(3)
    strong = emission((100, 120), (10, 90), level, envelope=rng.uniform(0.5, 1.5, 80))
    weak = emission((700, 708), (12, 80), 100, envelope=rng.uniform(0.5, 1.5, 68))
    later = emission((800, 808), (100, 160), 100)
    found = {e.extent[0]: e.outshone for e in released([strong, weak, later])}
    assert found == {100: False, 700: outshone, 800: False}


def test_a_loud_burst_is_none_of_a_faint_emission_at_its_frequency():
    faint = emission((100, 108), (10, 40), level=20, faint=True)
    loud = emission((100, 108), (44, 90))
    more = emission((100, 108), (95, 120), level=20, faint=True)
    found = released([faint, loud, more])
    assert sorted((e.first, e.faint) for e in found) == [(10, True), (44, False), (95, True)]


def test_many_strong_pulses_outshine_what_lasts_through_all_of_them():
    rng = np.random.default_rng(4)
    pulses = [emission((100, 120), (f, f + 4), 1e5) for f in range(10, 110, 25)]
    product = emission((700, 708), (8, 112), 10, envelope=rng.uniform(0.5, 1.5, 104))
    found = [e for e in released([*pulses, product]) if e.extent[0] == 700]
    assert [e.outshone for e in found] in ([], [True])


def test_stations_that_are_heard_from_one_moment_on_stay_apart():
    x = white(400_000)
    for seed, center in enumerate((-0.35, -0.15, 0.25)):
        add(x, 0, band_noise(x.size, 0.02, seed) * amplitude(15, 0.02), center)
    x[:3000] = 0
    detector = Detector()
    found = [to_baseband(one) for one in detector.push(x) + detector.finish()]
    assert sorted(round(one.center, 2) for one in found) == [-0.35, -0.15, 0.25]


def test_tones_that_are_heard_from_the_end_of_a_silence_on_are_still_keyed_ones():
    tones = [(100, 104), (112, 116)]
    assert len(released([emission(bins, (10, 90), after_silence=True) for bins in tones])) == 1
    assert len(released([emission(bins, (10, 90), after_silence=True) for bins in COMB])) == 4


def test_the_earliest_burst_says_whether_an_emission_follows_a_silence():
    early, late = emission((100, 120), (10, 30)), emission((100, 120), (35, 60), after_silence=True)
    (whole,) = released([late, early])
    assert not whole.after_silence


def test_carriers_that_are_heard_from_one_moment_on_stay_apart():
    x = white(400_000)
    for center in (-0.3, -0.1, 0.1, 0.3):
        x += tone(x.size, center, amplitude(20, 2 / FRAME))
    x[:3000] = 0
    detector = Detector()
    found = [to_baseband(one) for one in detector.push(x) + detector.finish()]
    assert sorted(round(one.center, 2) for one in found) == [-0.3, -0.1, 0.1, 0.3]


def test_a_twin_of_a_twin_is_of_the_same_transmitter():
    tones = [(100, 104), (112, 116), (127, 131), (138, 142)]
    (whole,) = released([emission(bins, (10, 90)) for bins in tones])
    assert whole.extent == (100, 141)


def test_what_waits_for_others_keeps_all_of_them_waiting():
    tracker = Tracker(LONGEST)
    lines = [emission(COMB[0], (20, 105)), emission(COMB[1], (20, 111), 300)]
    assert tracker.update([*lines, emission(COMB[2], (20, 116))], 128) == []
    assert len(tracker.update([], 256)) == 1


def test_a_plateau_is_told_no_earlier_than_what_waits_on_it():
    tracker = Tracker(LONGEST)
    plateau = emission((100, 900), (10, 108), plateau=True)
    early, late = emission((400, 404), (10, 108), 1e4), emission((600, 604), (10, 113), 1e4)
    assert tracker.update([plateau, early, late], 128) == []
    assert sum(e.plateau for e in tracker.update([], 256)) == 1
