"""A remote that is hardly heard is told by the timing of its pulses."""

import numpy as np
import pytest
from tests.detection.scenes import add, amplitude, white

from hertzian.detection import Detector
from hertzian.recognition import Recogniser

pytestmark = pytest.mark.base

PULSE, SHORT, LONG = 150, 600, 1200


def remote(intervals, seed, snr_db=3.0):
    """Pulses at 600 and 1200 samples' distance, of this mean SNR in their band of 1 / 75."""
    random = np.random.default_rng(seed)
    steps = random.choice(intervals, 70)
    envelope = np.zeros(int(steps.sum()) + PULSE)
    for start in np.concatenate([[0], np.cumsum(steps)]):
        envelope[start : start + PULSE] = np.hanning(PULSE)
    envelope *= amplitude(snr_db, 1 / 75) / np.sqrt(np.mean(envelope**2))
    x = white(envelope.size + 40_000, seed)
    add(x, 20_000, envelope.astype(np.complex64), 0.21)
    return x


def test_pulses_that_carry_data_are_told_as_keyed():
    recogniser = Recogniser.load("field")
    found = [recogniser.recognise(remote([SHORT, LONG], n), sample_rate=1e6) for n in range(6)]
    told = [detection for detections in found for detection in detections]
    assert len(told) >= 3
    assert {detection.family for detection in told} == {"ask"}
    assert all(detection.center_hz == pytest.approx(0.21e6, abs=3e3) for detection in told)
    assert all(detection.snr_db < 6 for detection in told)


@pytest.mark.parametrize("seed", range(3))
def test_pulses_that_carry_none_are_seen_but_not_told(seed):
    x = remote([SHORT], seed)
    detector = Detector()
    assert any(one.faint for one in detector.push(x) + detector.finish())
    assert Recogniser.load("field").recognise(x, sample_rate=1e6) == []
