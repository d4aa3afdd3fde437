import pytest

from hertzian.datasets.labelled import Labelled
from hertzian.experiments.held_out import answers, held_out_metrics, judged
from hertzian.signal import Detection

RATE_HZ = 1e6


def signal(label, start=0, center=0.1, taught=True, edged=True):
    width = 0.1 if edged else 1.0
    return Labelled(label, start, 1000, center if edged else 0.0, width, edged, taught)


def heard(modulation, family, start=0, count=1000, center_hz=1e5, snr_db=20.0):
    return Detection(
        *(start, count, center_hz, 9e4, snr_db, modulation, family),
        *(None, None, 0.9, 0.9, {modulation: 1.0}),
    )


def test_the_answer_is_that_of_most_energy():
    sent = [signal("QPSK"), signal("OOK", start=5000)]
    weak = heard("BPSK", "psk", start=100, count=500)
    strong = heard("QPSK", "psk")
    stray = heard("CW", "carrier", center_hz=-3e5, snr_db=60.0)
    assert answers(sent, [strong, weak, stray], RATE_HZ) == [strong, None]


def test_one_detection_answers_for_all_packets_of_a_label():
    packets = [signal("OOK", start=start) for start in range(0, 10_000, 2000)]
    all_of_them = heard("OOK", "ask", count=9000)
    assert answers(packets, [all_of_them], RATE_HZ) == [all_of_them] * 5


def test_what_is_not_found_is_wrong_but_noise():
    sent = [signal("QPSK"), signal("noise", edged=False), signal("OOK"), signal("x", taught=False)]
    said = [heard("8PSK", "psk"), None, None, None]
    assert judged(sent, said) == {
        "modulation": [("QPSK", False), ("noise", True), ("OOK", False)],
        "family": [("QPSK", True), ("noise", True), ("OOK", False)],
    }


def row(before, after):
    return {
        name: {kind: [["OOK", right] for right in rights] for kind in ("modulation", "family")}
        for name, rights in (("before", before), ("after", after))
    }


def test_recordings_count_alike_whatever_they_hold():
    rows = [row([True] * 8, [True] * 8), row([False, False], [True, False])]
    metrics = held_out_metrics(rows)
    assert (metrics["held_out_recordings"], metrics["held_out_signals"]) == (2, 10)
    measured = metrics["held_out_family"]
    assert measured["before"] == {"accuracy": 0.5, "lower": 0.0, "upper": 1.0}
    assert measured["after"]["accuracy"] == 0.75
    # the better half of the pairs gains a half, the other nothing
    assert measured["gain"] == {"accuracy": 0.25, "lower": 0.0, "upper": 0.5}
    assert metrics["held_out_recall"]["before"]["OOK"] == pytest.approx(0.8)
    assert metrics["held_out_recall"]["after"]["OOK"] == pytest.approx(0.9)
