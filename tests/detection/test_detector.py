from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detection.scenes import (
    add,
    amplitude,
    band_noise,
    qpsk,
    qpsk_bandwidth,
    shuffled_chunks,
    tone,
    white,
)

from hertzian.detection import Detector
from hertzian.detection.detector import LONGEST_FRAMES
from hertzian.detection.frames import FRAME, HOP, SLAB

pytestmark = pytest.mark.base

SLAB_SAMPLES = SLAB * HOP
# A sighting starts with a frame that sees the signal, and averages reach up to six farther.
SLACK = FRAME + 6 * HOP


def sightings(x, chunk=1 << 16):
    detector = Detector()
    found = [
        s for begin in range(0, x.size, chunk) for s in detector.push(x[begin : begin + chunk])
    ]
    return found + detector.finish()


def largest(found):
    return max(found, key=lambda s: np.sum(np.abs(s.iq) ** 2) * (s.high - s.low))


def covers(sighting, start, stop):
    """Tell whether a sighting holds all of a signal but at most a hop, and little more."""
    return (
        start - SLACK <= sighting.start <= start + HOP
        and stop - HOP <= sighting.stop <= stop + SLACK
    )


def near(found, frequency, tolerance=0.01):
    return [s for s in found if s.low - tolerance < frequency < s.high + tolerance]


def test_white_noise_holds_nothing_in_twenty_million_samples():
    detector = Detector()
    found = [s for seed in range(20) for s in detector.push(white(1_000_000, seed=100 + seed))]
    assert found + detector.finish() == []


@pytest.mark.parametrize("samples", [0, 1, 10, 511, 512, 1023, 1024, 1025, 5000, 70_000])
def test_noise_of_any_length_holds_nothing(samples):
    for seed in range(5):
        assert sightings(white(samples, seed)) == []


def test_zeros_hold_nothing():
    assert sightings(np.zeros(200_000, dtype=np.complex64)) == []


def test_noise_that_is_switched_on_and_off_holds_nothing():
    x = white(600_000)
    x[100_000:250_000] = 0
    x[400_123:400_900] = 0
    assert sightings(x) == []


@pytest.mark.parametrize("spike", [0.3, 3.0, 30.0])
def test_a_receivers_offset_is_not_a_signal(spike):
    assert sightings(white(300_000) + np.complex64(spike)) == []


@pytest.mark.parametrize("samples", [300, 600, 2000])
@pytest.mark.parametrize("bandwidth", [0.2, 0.4])
def test_a_short_wide_burst_is_found_to_a_frame(samples, bandwidth):
    start = 123_456
    x = white(300_000)
    burst = band_noise(samples, bandwidth, seed=1) * amplitude(15, bandwidth)
    add(x, start, burst, 0.1)
    (found,) = near(sightings(x), 0.1)
    assert covers(found, start, start + samples)
    assert abs(found.low - (0.1 - bandwidth / 2)) < 0.05
    assert abs(found.high - (0.1 + bandwidth / 2)) < 0.05
    assert found.last
    assert not found.plateau


@pytest.mark.parametrize("samples", [4000, 40_000])
@pytest.mark.parametrize("sps", [8, 64])
def test_a_burst_comes_with_its_samples_and_a_margin(samples, sps):
    start = 131_000
    x = white(300_000)
    add(x, start, qpsk(samples, sps) * amplitude(15, qpsk_bandwidth(sps)), -0.2)
    found = largest(sightings(x))
    assert covers(found, start, start + samples)
    np.testing.assert_array_equal(found.iq, x[found.offset : found.offset + found.iq.size])
    assert found.start - found.offset == FRAME
    assert found.offset + found.iq.size - found.stop == FRAME
    assert found.low < -0.2 - qpsk_bandwidth(sps) / 2
    assert found.high > -0.2 + qpsk_bandwidth(sps) / 2
    if samples < SLAB_SAMPLES / 4:
        assert found.noise_density == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize("rise_db", [12, 30])
def test_a_carrier_is_one_line_as_long_as_the_recording(rise_db):
    # this far over the noise in its bin: 2/3 FRAME of its power
    level = np.sqrt(10 ** (rise_db / 10) / (2 / 3 * FRAME))
    found = largest(sightings(white(300_000) + tone(300_000, 0.2, level)))
    assert (found.start, found.stop) == (0, 300_000)
    assert found.low < 0.2 < found.high
    assert found.high - found.low < 0.02


def test_signals_at_the_same_time_are_kept_apart():
    x = white(400_000)
    add(x, 0, tone(400_000, 0.21, 0.5))
    add(x, 100_000, qpsk(150_000, 32) * amplitude(15, qpsk_bandwidth(32)), -0.25)
    add(x, 120_000, qpsk(150_000, 16) * amplitude(15, qpsk_bandwidth(16)), 0.05)
    found = sightings(x)
    assert len(found) == 3
    carrier, narrow, wide = near(found, 0.21) + near(found, -0.25) + near(found, 0.05)
    assert (carrier.start, carrier.stop) == (0, 400_000)
    assert covers(narrow, 100_000, 250_000)
    assert covers(wide, 120_000, 270_000)


def test_neighbours_a_few_bins_apart_are_kept_apart():
    x = white(400_000)
    width = qpsk_bandwidth(32)
    for start, frequency in ((60_000, 0.2), (150_000, 0.2 + 1.4 * width)):
        add(x, start, qpsk(180_000, 32, seed=start) * amplitude(15, width), frequency)
    found = sorted(sightings(x), key=lambda s: s.start)
    assert len(found) == 2
    assert covers(found[0], 60_000, 240_000)
    assert covers(found[1], 150_000, 330_000)


def test_on_off_keying_with_gaps_stays_one_emission_and_a_long_silence_ends_it():
    x = white(600_000)
    bits = keying(100_000, seed=0)
    bits[40_000:46_000] = 0
    for start in (60_000, 350_000):
        add(x, start, 0.7 * bits, 0.15)
    found = sorted(sightings(x), key=lambda s: s.start)
    assert len(found) == 2
    for start, one in zip((60_000, 350_000), found, strict=True):
        # a bit may begin or end with silence
        assert covers(one, start, start + bits.size - 2500) or covers(
            one, start + 2500, start + bits.size
        )


@pytest.mark.parametrize("samples", [200_000, 30_000])
def test_a_signal_that_fills_file_and_band_is_found_as_a_plateau(samples):
    x = white(samples)
    add(x, 0, band_noise(samples, 0.8, seed=1) * amplitude(15, 0.8))
    (found,) = sightings(x)
    assert found.plateau
    assert not found.on_plateau
    assert (found.start, found.stop) == (0, samples)
    assert (found.low, found.high) == pytest.approx((-0.4, 0.4), abs=0.04)
    assert found.noise_density == pytest.approx(1.0, rel=0.3)


def test_what_stands_on_a_plateau_says_so_and_comes_before_it():
    x = 0.1 * white(400_000) + band_noise(400_000, 0.75, seed=1) * np.sqrt(0.75)
    add(x, 150_000, qpsk(8_000, 32) * amplitude(20, qpsk_bandwidth(32)), 0.2)
    found = sightings(x)
    burst = [s for s in near(found, 0.2) if not s.plateau]
    assert len(burst) == 1
    assert burst[0].on_plateau
    assert found[-1].plateau
    assert covers(burst[0], 150_000, 158_000)
    assert burst[0].noise_density == pytest.approx(1.0, rel=0.3)


def test_what_outlives_a_plateau_does_not_wait_for_it():
    x = white(10 * SLAB_SAMPLES)
    add(x, SLAB_SAMPLES, band_noise(3 * SLAB_SAMPLES, 0.65, seed=1) * amplitude(15, 0.65), 0.15)
    add(x, 2 * SLAB_SAMPLES, tone(5 * SLAB_SAMPLES, -0.4, 0.2))
    found = sightings(x)
    assert sum(s.plateau for s in found) == 1
    (carrier,) = near(found, -0.4, tolerance=0)
    assert carrier.stop > 6.9 * SLAB_SAMPLES
    assert not carrier.on_plateau


def keying(samples, seed):
    """Return an envelope of soft pulses, one a bit, whose place in the bit is the bit."""
    bits = np.random.default_rng(seed).integers(0, 2, samples // 5000 + 1)
    pulses = np.stack([bits, 1 - bits], axis=1).ravel().repeat(2500)[:samples]
    soft = np.convolve(pulses, np.hanning(400) / np.hanning(400).sum(), mode="same")
    return soft.astype(np.complex64)


def test_the_image_of_a_strong_signal_is_not_told():
    x = np.zeros(400_000, dtype=np.complex64)
    burst = qpsk(150_000, 64) * keying(150_000, seed=1)
    add(x, 100_000, burst * amplitude(35, qpsk_bandwidth(64)), 0.2)
    # a receiver whose I and Q differ: the image lies 25 dB lower
    x = x + 10 ** (-25 / 20) * x.conj() + white(x.size)
    (found,) = sightings(x)
    assert found.low < 0.2 < found.high


def test_the_harmonics_of_a_strong_signal_are_not_told():
    x = np.zeros(400_000, dtype=np.complex64)
    add(x, 100_000, keying(150_000, seed=2), 0.06)
    # I and Q saturate each for itself, which makes a line at -3 times the frequency, 24 dB lower
    saturated = np.tanh(x.real) + 1j * np.tanh(x.imag) + white(x.size, power=0.03)
    (found,) = sightings(saturated)
    assert found.low < 0.06 < found.high


def test_a_long_signal_comes_in_pieces_of_one_track():
    samples = (2 * LONGEST_FRAMES + 500) * HOP
    x = white(samples)
    add(x, 0, tone(samples, -0.3, 0.3))
    found = near(sightings(x), -0.3, tolerance=0)
    assert len(found) == 3
    assert len({s.track for s in found}) == 1
    assert [s.last for s in found] == [False, False, True]
    assert found[0].start == 0
    assert found[-1].stop == samples
    for one, other in pairwise(found):
        # nothing is left out between them, and but a frame is told twice
        assert one.stop - FRAME == other.start
    assert all(s.stop - s.start <= (LONGEST_FRAMES + 2 * SLAB) * HOP for s in found)


@pytest.mark.parametrize("frames", [LONGEST_FRAMES + 2.6, LONGEST_FRAMES + 130.3])
def test_no_sighting_reaches_beyond_the_recording(frames):
    samples = int(frames * HOP)
    x = white(samples)
    add(x, 0, tone(samples, 0.1, 0.5))
    for found in sightings(x):
        assert found.stop <= samples
        assert found.offset + found.iq.size <= samples
        assert found.iq[-1] != 0


@cache
def busy_recording():
    """Return a recording with all that takes another path through the detector, and sightings."""
    x = white(500_123, seed=7)
    add(x, 0, tone(x.size, 0.31, 0.4))
    add(x, 60_000, qpsk(20_000, 16) * amplitude(20, qpsk_bandwidth(16)), -0.2)
    add(x, 130_000, band_noise(400, 0.3, seed=2) * amplitude(18, 0.3), 0.0)
    add(x, 200_000, band_noise(140_000, 0.8, seed=3) * amplitude(12, 0.8))
    add(x, 420_000, qpsk(80_123, 64) * amplitude(25, qpsk_bandwidth(64)), 0.12)
    x[380_000:390_000] = 0
    return x, facts(sightings(x, x.size))


def facts(found):
    return [
        tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in vars(s).values())
        for s in found
    ]


@pytest.mark.parametrize("chunk", [1000, 65_536])
def test_chunks_of_any_size_give_the_same_sightings(chunk):
    x, whole = busy_recording()
    assert len(whole) > 4
    assert facts(sightings(x, chunk)) == whole


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_so_do_chunks_of_changing_sizes(seed):
    x, whole = busy_recording()
    detector = Detector()
    found = [s for chunk in shuffled_chunks(x, seed) for s in detector.push(chunk)]
    assert facts(found + detector.finish()) == whole


def test_memory_does_not_grow_with_the_recording():
    detector = Detector()
    x = white(1 << 20)
    add(x, 0, tone(x.size, 0.25, 0.3))
    for start in range(0, 1_000_000, 100_000):
        add(x, start, qpsk(3000, 32) * amplitude(20, qpsk_bandwidth(32)), -0.2)
    held = []
    for _ in range(30):
        detector.push(x)
        buffer, tracker = detector._buffer, detector._tracker
        emissions = len(tracker._open) + len(tracker._recent)
        held.append((buffer._data.nbytes, buffer.stop - buffer.start, emissions))
    sizes, samples, emissions = zip(*held, strict=True)
    assert max(samples) <= (LONGEST_FRAMES + 4 * SLAB) * HOP
    assert max(sizes) <= 8 * 2 * (LONGEST_FRAMES + 4 * SLAB) * HOP
    assert max(emissions[5:]) <= 1.2 * max(emissions[:5])
