from dataclasses import replace

import numpy as np
import pytest

from hertzian.datasets.field import Emission, field_recording
from hertzian.datasets.scenes import Scene
from hertzian.datasets.windows import (
    Truth,
    detect,
    field_windows,
    match,
    truth_of,
)
from hertzian.detection import WINDOW, Baseband
from hertzian.signal import CORE

CLASSES = (*CORE, "unknown")
CLEAR = Scene(
    samples=(50_000, 70_000),
    emitters=(1, 3),
    bandwidth=(0.02, 0.2),
    snr_db=(20.0, 28.0),
    unknown=0.0,
    noise=0.0,
    loud=0.0,
    labels=("QPSK", "GFSK", "16QAM", "DSSS-BPSK"),
)


def emission(**changes):
    facts = {
        "label": "QPSK",
        "start": 1000,
        "count": 10_000,
        "center": 0.1,
        "bandwidth": 0.05,
        "snr_db": 15.0,
        "units": 500.0,
    }
    return Emission(**(facts | changes))


def found(start=1000, stop=11_000, center=0.1, bandwidth=0.05, plateau=False):
    return Baseband(
        iq=np.ones(1000, dtype=np.complex64),
        rate=0.15,
        center=center,
        bandwidth=bandwidth,
        start=start,
        stop=stop,
        energy=1e4,
        noise_density=1.0,
        line_share=0.0,
        plateau=plateau,
    )


def test_a_detection_on_an_emission_is_matched():
    truth = emission()
    assert match(found(), (truth,)) is truth
    assert match(found(start=900, stop=11_100, center=0.102), (truth,)) is truth
    # a part of it is still it
    assert match(found(start=3000, stop=5000), (truth,)) is truth


@pytest.mark.parametrize(
    "other",
    [
        found(start=20_000, stop=30_000),
        found(center=0.3),
        found(start=1000, stop=25_000),
        found(center=0.14),
    ],
    ids=["another time", "another frequency", "mostly after it", "mostly beside it"],
)
def test_a_detection_elsewhere_is_not(other):
    assert match(other, (emission(),)) is None
    assert truth_of(other, (emission(),)) is None


def test_two_emissions_in_one_detection_are_no_truth():
    wide = found(bandwidth=0.2)
    beside = emission(center=0.16, label="GFSK")
    near = emission(center=0.05)
    assert match(wide, (near, beside)) is None
    # unless one is far weaker
    loud = emission(bandwidth=0.18)
    weak = emission(center=0.16, snr_db=-5.0)
    assert match(wide, (loud, weak)) is loud


def test_nothing_sent_is_nothing_to_match():
    assert match(found(), ()) is None


def test_a_plateau_on_which_little_was_sent_is_noise():
    plateau = found(start=0, stop=50_000, center=0.0, bandwidth=0.8, plateau=True)
    assert truth_of(plateau, ()).emission is None
    assert truth_of(plateau, (emission(),)).emission is None
    assert truth_of(found(), ()) is None
    whole = emission(start=0, count=50_000, center=0.0, bandwidth=0.8, label="OFDM")
    assert truth_of(plateau, (whole,)) == Truth(whole, 15.0)


def test_of_a_clear_recording_every_detection_has_the_label_of_what_lies_there():
    sent = seen = 0
    for index in range(6):
        recording = field_recording(31, index, CLEAR)
        truths = [match(b, recording.emissions) for b in detect(recording.iq)]
        matched = [t for t in truths if t is not None]
        assert all(t in recording.emissions for t in matched)
        sent += len(recording.emissions)
        seen += len(set(matched))
    assert seen >= 0.9 * sent


def test_in_a_clear_recording_there_is_little_beside_what_was_sent():
    sent = strays = 0
    for index in range(6):
        recording = field_recording(31, index, CLEAR)
        truths = [match(b, recording.emissions) for b in detect(recording.iq)]
        sent += len(recording.emissions)
        strays += len(truths) - len({t for t in truths if t is not None})
    assert strays <= sent


def test_windows_carry_label_detection_recording_and_snr():
    made = field_windows(31, 4, 3, CLASSES, CLEAR, per_detection=3)
    rows = len(made.x)
    assert made.x.shape == (rows, 2, WINDOW)
    assert made.x.dtype == np.float16
    assert rows == len(made.label) == len(made.detection) == len(made.recording) == len(made.snr_db)
    assert set(made.recording) <= {4, 5, 6}
    names = {CLASSES[label] for label in made.label}
    assert names <= {*CLEAR.labels, "noise"}
    for detection in set(made.detection):
        rows_of = made.detection == detection
        assert rows_of.sum() <= 3
        assert len(set(made.label[rows_of])) == len(set(made.recording[rows_of])) == 1
        recording = field_recording(31, int(made.recording[rows_of][0]), CLEAR)
        sent = {(e.label, np.float32(e.snr_db)) for e in recording.emissions}
        fact = (CLASSES[made.label[rows_of][0]], made.snr_db[rows_of][0])
        assert fact in sent or fact[0] == "noise"


def test_windows_have_unit_power():
    made = field_windows(31, 0, 3, CLASSES, CLEAR)
    power = (made.x.astype(np.float64) ** 2).sum(axis=1).mean(axis=1)
    np.testing.assert_allclose(power, 1.0, rtol=5e-3)


def test_recordings_can_be_made_apart():
    together = field_windows(31, 0, 3, CLASSES, CLEAR)
    parts = [field_windows(31, first, 1, CLASSES, CLEAR) for first in range(3)]
    for name in ("x", "label", "detection", "recording", "snr_db"):
        apart = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(getattr(together, name), apart)


def test_no_recordings_give_no_windows():
    nothing = field_windows(31, 0, 0, CLASSES, CLEAR)
    assert nothing.x.shape == (0, 2, WINDOW)
    weak = replace(CLEAR, snr_db=(-40.0, -40.0), rolled_off=0.0)
    assert len(field_windows(31, 0, 2, CLASSES, weak).x) == 0
