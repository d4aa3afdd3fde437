import numpy as np
import pytest
from tests.datasets.captures import capture, change

from hertzian.datasets.labelled import Labelled, read_labelled
from hertzian.datasets.shown import Signals, learnt_from
from hertzian.datasets.windows import detect, unit_power
from hertzian.detection import WINDOW, Baseband, windows
from hertzian.recordings import open_recording
from hertzian.signal import CORE, from_channels

CLASSES = (*CORE, "unknown", "FMCW")


def labelled(label="QPSK", start=1000, count=10_000, center=0.1, bandwidth=0.05, edged=True):
    return Labelled(label, start, count, center, bandwidth, edged)


def anywhere(label="QPSK", start=0, count=50_000):
    return labelled(label, start, count, 0.0, 1.0, edged=False)


def found(start=1000, stop=11_000, center=0.1, bandwidth=0.05):
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
        plateau=False,
    )


def test_a_detection_shows_what_it_mostly_lies_on():
    signals = Signals([labelled()])
    assert signals.shown(found()) == (0,)
    assert signals.shown(found(start=3000, stop=5000)) == (0,)
    for elsewhere in (
        found(start=20_000, stop=30_000),
        found(center=0.3),
        found(stop=25_000),
        found(center=0.14),
    ):
        assert signals.shown(elsewhere) == ()


def test_bursts_of_one_label_are_one_detection_s():
    packets = [labelled(start=start, count=500) for start in range(1000, 11_000, 2000)]
    assert Signals(packets).shown(found()) == (0, 1, 2, 3, 4)
    # a stranger among them makes it unclear, unless only the best answer is asked for
    mixed = [*packets, labelled("2FSK", start=4000, count=4000)]
    assert Signals(mixed).shown(found()) == ()
    assert Signals(mixed).shown(found(), alone=False) == (0, 1, 2, 3, 4)


def test_what_has_edges_comes_before_what_has_none():
    signals = Signals([anywhere("WBFM"), labelled("CW", center=0.1, bandwidth=0.0)])
    assert signals.shown(found(bandwidth=1e-3)) == (1,)
    assert signals.shown(found(center=-0.2)) == (0,)
    assert signals.shown(found(start=49_000, stop=70_000, center=-0.2)) == ()


@pytest.fixture
def one(tmp_path):
    capture(tmp_path / "a.sigmf-meta", ["QPSK", "FMCW"], 5)
    return read_labelled(tmp_path).recordings[0]


def test_the_windows_are_those_that_recognition_shows(one):
    learnt = learnt_from(one, CLASSES, 7, per_detection=5)
    seen = [
        each
        for each in detect(one.recording.read(0, one.recording.samples))
        if not each.plateau and each.snr_db > 10
    ]
    expected = [unit_power(windows(each, 5)) for each in seen]
    assert learnt.missed == 0
    assert len(expected) == 2
    held = from_channels(learnt.windows.x.astype(np.float32))
    np.testing.assert_allclose(held, np.concatenate(expected), atol=4e-3)
    named = [CLASSES[label] for label in learnt.windows.label]
    labels = ["QPSK" if each.start < 30_000 else "FMCW" for each in seen]
    assert named == list(np.repeat(labels, [len(cut) for cut in expected]))
    assert set(learnt.windows.recording) == {7}
    assert learnt.windows.snr_db == pytest.approx(19, abs=1.5)


def test_what_is_left_out_gives_no_windows(tmp_path):
    capture(tmp_path / "a.sigmf-meta", ["QPSK", "FMCW"], 5)
    (one,) = read_labelled(tmp_path, leave_out=["QPSK"]).recordings
    learnt = learnt_from(one, CLASSES, 0)
    assert {CLASSES[label] for label in learnt.windows.label} == {"FMCW"}


def test_without_edges_spurs_are_not_learnt(tmp_path):
    meta = capture(tmp_path / "a.sigmf-meta", ["QPSK", "QPSK"], 5, edges=False)
    change(
        meta,
        lambda d: d.update(annotations=[{"core:sample_start": 0, "core:label": "QPSK"}]),
    )
    recording = open_recording(meta)
    iq = recording.read(0, recording.samples)
    # the first burst becomes a spur: 12 dB down
    iq[:30_000] = 0.25 * iq[:30_000] + noise(30_000, iq[29_000:30_000])
    iq.view(np.float32).tofile(meta.with_suffix(".sigmf-data"))
    change(meta, lambda d: d["global"].update({"core:datatype": "cf32_le"}))
    (one,) = read_labelled(tmp_path).recordings
    learnt = learnt_from(one, CLASSES, 0, per_detection=3)
    assert len(detect(iq)) == 2
    assert set(learnt.windows.detection) == {0}
    assert learnt.windows.snr_db == pytest.approx(19, abs=1.5)


def noise(count, like):
    random = np.random.default_rng(0)
    size = np.sqrt(np.mean(np.abs(like) ** 2) / 2)
    return size * random.standard_normal(2 * count).astype(np.float32).view(np.complex64)


def test_where_nothing_is_detected_the_annotated_band_is_taken(tmp_path):
    # 2 ms at 7 dB: enough to be believed, too little to be detected
    capture(tmp_path / "a.sigmf-meta", ["QPSK"], 9, samples=4_500, snr_db=7.0)
    (one,) = read_labelled(tmp_path).recordings
    seen = detect(one.recording.read(0, one.recording.samples))
    learnt = learnt_from(one, CLASSES, 0)
    touched = Signals(one.signals)
    assert not any(touched.touched(each).size for each in seen)
    assert learnt.missed == 0
    assert learnt.windows.x.shape == (1, 2, WINDOW)


def test_what_is_too_weak_is_counted(tmp_path):
    capture(tmp_path / "a.sigmf-meta", ["QPSK"], 9, snr_db=-15.0)
    (one,) = read_labelled(tmp_path).recordings
    learnt = learnt_from(one, CLASSES, 0)
    assert (learnt.missed, len(learnt.windows.x)) == (1, 0)


def test_detections_are_thinned_out_evenly(tmp_path):
    capture(tmp_path / "a.sigmf-meta", ["QPSK"] * 24, 5, samples=400_000)
    (one,) = read_labelled(tmp_path).recordings
    every = learnt_from(one, CLASSES, 0, per_detection=1, most=1000)
    few = learnt_from(one, CLASSES, 0, per_detection=1, most=6)
    # some of the bursts meet on one frequency, and are one detection
    assert 12 < len(every.windows.x) <= 24
    assert 3 <= len(few.windows.x) <= 6
    assert few.missed == 0


def test_a_gated_capture_gives_no_window_of_nothing(tmp_path):
    meta = capture(tmp_path / "a.sigmf-meta", ["QPSK"], 5)
    recording = open_recording(meta)
    iq = recording.read(0, recording.samples)
    iq[:8_000], iq[40_000:] = 0, 0
    iq.view(np.float32).tofile(meta.with_suffix(".sigmf-data"))
    change(meta, lambda d: d["global"].update({"core:datatype": "cf32_le"}))
    learnt = learnt_from(read_labelled(tmp_path).recordings[0], CLASSES, 0)
    assert len(learnt.windows.x) > 0
    assert np.isfinite(learnt.windows.x).all()
    power = np.mean(np.sum(learnt.windows.x.astype(np.float64) ** 2, axis=1), axis=1)
    assert power == pytest.approx(1, abs=0.01)
