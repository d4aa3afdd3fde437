"""How answers become figures, worked out by hand; and noise that nothing is heard in."""

from collections import Counter

import pytest

from hertzian.datasets.field import Emission
from hertzian.experiments.field_evidence import (
    JUDGED,
    RATE_HZ,
    Answer,
    NoiseSettings,
    evidence_scene,
    find,
    known_metrics,
    long_enough,
    measure_noise,
)
from hertzian.experiments.stages import StageContext
from hertzian.signal import Detection


def emission(label="QPSK", start=1000, count=10_000, center=0.1, bandwidth=0.05, units=600.0):
    return Emission(label, start, count, center, bandwidth, 20.0, units)


def detection(start=1000, count=10_000, center=0.1, bandwidth=0.05):
    return Detection(
        start=start,
        count=count,
        center_hz=center * RATE_HZ,
        bandwidth_hz=bandwidth * RATE_HZ,
        snr_db=20.0,
        modulation="QPSK",
        family="psk",
        protocol=None,
        protocol_confidence=None,
        confidence=0.9,
        family_confidence=0.95,
        scores={"QPSK": 1.0},
    )


def test_the_judged_labels_are_the_twenty_that_no_other_contains():
    assert len(JUDGED) == 20
    assert not {"noise", "PPM", "GFSK", "GMSK", "DSSS-BPSK", "NBFM"} & set(JUDGED)


def test_an_emission_is_found_by_what_covers_it():
    right = detection()
    elsewhere = detection(center=0.2)
    later = detection(start=20_000)
    assert find(emission(), [elsewhere, right, later]) is right
    assert find(emission(), [elsewhere, later]) is None


def test_a_giant_detection_answers_for_no_short_emission():
    giant = detection(start=0, count=1_000_000, center=0.0, bandwidth=0.9)
    assert find(emission(), [giant]) is None


def test_a_sliver_of_time_is_not_enough():
    assert find(emission(), [detection(count=2_000)]) is None
    assert find(emission(), [detection(count=4_000)]) is not None


@pytest.mark.parametrize(
    ("label", "units", "count", "enough"),
    [
        ("QPSK", 511.0, 10_000, False),
        ("QPSK", 512.0, 10_000, True),
        ("CSS", 32.0, 10_000, True),
        ("CSS", 31.0, 10_000, False),
        ("DSSS-BPSK", 100.0, 10_000, False),
        ("CW", 0.5, 16_384, True),
        ("CW", 0.5, 16_000, False),
    ],
)
def test_only_long_bursts_are_judged(label, units, count, enough):
    assert long_enough(emission(label, units=units, count=count)) is enough


def test_figures_of_four_answers():
    answers = [
        Answer("GMSK", 20.0, "2FSK", "fsk", 0.5, 0.9),  # right once merged
        Answer("QPSK", 20.0, "8PSK", "psk", 0.6, 0.8),  # right family
        Answer("QPSK", 20.0, None, None, 0.0, 0.0),  # missed: wrong
        Answer("OOK", 20.0, "unknown", "unknown", 0.7, 0.7),
    ]
    metrics = known_metrics(answers)
    assert metrics["found"] == 0.75
    assert metrics["family_accuracy"] == 0.5
    assert metrics["family_recall"] == {"ask": 0.0, "fsk": 1.0, "psk": 0.5}
    assert metrics["modulation_accuracy"] == 0.25
    assert metrics["modulation_recall"] == {"OOK": 0.0, "2FSK": 1.0, "QPSK": 0.0}
    assert metrics["called_unknown"] == pytest.approx(1 / 3)
    assert metrics["worst_confusions"] == {"QPSK as 8PSK": 1, "OOK as unknown": 1}
    # of the found ones, no modulation is exactly right: the error is the mean confidence
    assert metrics["ece"] == pytest.approx((0.5 + 0.6 + 0.7) / 3)


def test_strangers_are_of_kinds_kept_from_training():
    scene = evidence_scene(held_back=True)
    assert scene.held_back
    assert scene.unknown == 1.0
    known = evidence_scene(held_back=False)
    assert known.unknown == known.noise == 0.0
    assert Counter(known.labels).most_common(1)[0][1] == 1


def test_nothing_is_heard_in_noise(tmp_path, monkeypatch):
    context = StageContext(tmp_path, 0, "smoke", {}, {}, tmp_path, True, lambda line: None)
    settings = NoiseSettings(kind="noise-only", per_rate=2, rates_hz=(0.25e6,))
    metrics = measure_noise(settings, context).metrics
    assert metrics == {"noise_recordings": 2, "noise_recordings_without_detection": 1.0}


def test_another_model_under_the_same_name_is_another_measurement(tmp_path):
    file = tmp_path / "model.onnx"
    settings = NoiseSettings(kind="noise-only", per_rate=1, model=str(file))
    file.write_bytes(b"one")
    before = settings.named_files()
    file.write_bytes(b"another")
    assert settings.named_files() != before
