from dataclasses import dataclass

import pytest

from hertzian.evaluation.sent import compare_sent
from hertzian.signal import Detection, family_of

pytestmark = pytest.mark.base

RATE_HZ = 1e6


@dataclass(frozen=True)
class Sent:
    label: str
    start: int
    stop: int
    center: float
    bandwidth: float


def said(label, start, stop, center_hz, bandwidth_hz, confidence=0.8, snr_db=10.0):
    facts = {"start": start, "count": stop - start, "snr_db": snr_db, "protocol": None}
    sure = {"confidence": confidence, "family_confidence": confidence, "scores": {label: 1.0}}
    where = {"center_hz": center_hz, "bandwidth_hz": bandwidth_hz}
    facts["protocol_confidence"] = None
    return Detection(**facts, **sure, **where, modulation=label, family=family_of(label))


BPSK = Sent("BPSK", 1000, 3000, 0.1, 0.02)
LATER = Sent("QPSK", 5000, 9000, 0.1, 0.02)
BESIDE = Sent("LFM", 1000, 3000, -0.2, 0.3)


def test_each_detection_goes_to_what_it_lies_on():
    one, two = said("BPSK", 900, 3100, 100e3, 19e3), said("QPSK", 5100, 8000, 101e3, 20e3)
    three = said("LFM", 1000, 2000, -200e3, 250e3)
    result = compare_sent([two, three, one], [BPSK, LATER, BESIDE], RATE_HZ)
    assert [heard.detections for heard in result.heard] == [(one,), (two,), (three,)]
    assert [heard.sent for heard in result.heard] == [BPSK, LATER, BESIDE]
    assert (result.right, result.strays, result.sure_and_wrong) == (3, (), ())


@pytest.mark.parametrize(
    "stray",
    [
        said("BPSK", 1000, 3000, 400e3, 20e3),  # another frequency
        said("BPSK", 3500, 4500, 100e3, 20e3),  # another time
        said("BPSK", 1000, 3000, 100e3, 50e3),  # most of its band beside the transmission
        said("BPSK", 2500, 4500, 100e3, 20e3),  # most of its time after it
    ],
)
def test_what_lies_mostly_beside_is_a_stray(stray):
    result = compare_sent([stray], [BPSK, LATER], RATE_HZ)
    assert result.strays == (stray,)
    assert result.right == 0
    assert all(heard.answer is None for heard in result.heard)


def test_the_answer_is_the_detection_of_most_energy():
    short = said("OOK", 1000, 1200, 100e3, 20e3, snr_db=12.0)
    long = said("BPSK", 1300, 3000, 100e3, 20e3, snr_db=10.0)
    (heard,) = compare_sent([short, long], [BPSK], RATE_HZ).heard
    assert heard.answer is long
    assert heard.right
    loud = said("OOK", 1000, 1200, 100e3, 20e3, snr_db=30.0)
    (heard,) = compare_sent([loud, long], [BPSK], RATE_HZ).heard
    assert heard.answer is loud
    assert not heard.right


def test_sure_and_wrong_counts_every_detection_and_strays():
    detections = [
        said("BPSK", 1000, 3000, 100e3, 20e3, 0.99),
        said("OOK", 1100, 1300, 100e3, 20e3, 0.95),
        said("OOK", 1400, 1600, 100e3, 20e3, 0.9),
        said("CW", 1000, 3000, 400e3, 1e3, 0.97),
    ]
    result = compare_sent(detections, [BPSK], RATE_HZ)
    assert result.right == 1
    assert result.sure_and_wrong == (detections[1], detections[3])


def test_nothing_sent_and_nothing_heard():
    assert compare_sent([], [], RATE_HZ).heard == ()
    assert compare_sent([said("CW", 0, 9, 0.0, 1.0)], [], RATE_HZ).strays != ()
    assert compare_sent([], [BPSK], RATE_HZ).right == 0
