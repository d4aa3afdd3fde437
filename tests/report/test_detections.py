import numpy as np
import pytest

from hertzian.report.detections import DETAILED, write_report
from hertzian.report.entries import DetectionView, ReportEntry
from hertzian.signal import summarise

pytestmark = pytest.mark.base

HOSTILE_NAME = "<img src=x onerror=alert(1)> & 'c'.cf32"
HOSTILE_LABEL = "<script>alert(1)</script>$\\frac{"


@pytest.fixture
def make_entry(write_recording, noise):
    def make(detections, name="capture.cf32", view=None, **options):
        recording = write_recording(noise(20_000), 1e6, name=name, **options)
        given = {} if view is None else {"view": view}
        return ReportEntry(recording, detections, summarise(detections, 0.8), "field", **given)

    return make


def noisy_view(detection):
    rng = np.random.default_rng(detection.start)
    iq = rng.standard_normal(1000) + 1j * rng.standard_normal(1000)
    return DetectionView(iq.astype(np.complex64), 4 * detection.bandwidth_hz)


def report(path, entries, read_page):
    write_report(path, entries)
    return read_page(path)


def test_every_detection_has_a_row_with_its_values(tmp_path, make_entry, make_detection, read_page):
    detections = [
        make_detection(start=1000, count=2500, center_hz=-50e3, confidence=0.973),
        make_detection(start=12_000, modulation="2FSK", family="fsk", snr_db=-1.26),
    ]
    page = report(tmp_path / "r.html", [make_entry(detections, center=433e6)], read_page)
    assert page.rows[1:3] == [
        ["1", "1.000 ms", "2.5 ms", "432.9500 MHz", "20 kHz", "20.0 dB", "OOK", "97 %", "ask 95 %"],
        ["2", "12.000 ms", "2 ms", "433.0500 MHz", "20 kHz", "−1.3 dB", "2FSK", "90 %", "fsk 95 %"],
    ]
    bars = [a["style"] for tag, a in page.tags if a.get("class") == "bar"]
    assert bars[:2] == ["--share:97.3%", "--share:90.0%"]
    assert page.outside == []
    assert page.unclosed == []


def test_protocols_have_a_column_where_there_are_any(
    tmp_path, make_entry, make_detection, read_page
):
    sure = make_detection(protocol="Oregon v2", protocol_confidence=0.93)
    page = report(tmp_path / "r.html", [make_entry([sure, make_detection()])], read_page)
    assert [row[-1] for row in page.rows[:3]] == ["Protocol", "Oregon v2 93 %", "–"]


def test_details_show_probabilities_best_first_and_the_rest_summed(
    tmp_path, make_entry, make_detection, read_page
):
    scores = {"CW": 0.04, "OOK": 0.6, "2FSK": 0.1, "4FSK": 0.08, "PPM": 0.07, "LFM": 0.06}
    scores |= {"BPSK": 0.03, "unknown": 0.02}
    entry = make_entry([make_detection(scores=scores)], view=noisy_view)
    page = report(tmp_path / "r.html", [entry], read_page)
    assert page.rows[-7:] == [
        *(["OOK", "60 %"], ["2FSK", "10 %"], ["4FSK", "8.0 %"], ["PPM", "7.0 %"]),
        *(["LFM", "6.0 %"], ["CW", "4.0 %"], ["2 others", "5.0 %"]),
    ]
    assert page.count("svg") == 3  # spectrogram, spectrum, I/Q


def test_boxes_and_rows_lead_to_the_details(tmp_path, make_entry, make_detection, read_page):
    detections = [make_detection(start=1000 * i) for i in range(3)]
    page = report(tmp_path / "r.html", [make_entry(detections)], read_page)
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [attributes["href"] for _, attributes in page.of("a")]
    assert len(links) >= 6  # a box and a row each, and the names of boxes
    assert {link[1:] for link in links} <= targets
    assert len(targets) == sum("id" in attributes for _, attributes in page.tags)


def test_only_the_strongest_are_detailed(tmp_path, make_entry, make_detection, read_page):
    count = DETAILED + 3
    asked = []
    detections = [make_detection(start=100 * i, snr_db=float(i)) for i in range(count)]
    entry = make_entry(detections, view=asked.append)  # gives None: nothing to draw
    page = report(tmp_path / "r.html", [entry], read_page)
    assert page.count("details") == DETAILED
    assert asked == detections[3:]
    assert f"{DETAILED} strongest; 3 weaker detections left out." in "".join(page.text)
    assert len([row for row in page.rows if row[-1].startswith("ask")]) == count


def test_several_recordings_share_a_page(tmp_path, make_entry, make_detection, read_page):
    entries = [
        make_entry([make_detection()] * 25, name="one.cf32"),
        make_entry([], name="two.cf32"),
    ]
    page = report(tmp_path / "r.html", entries, read_page)
    assert [row[1:] for row in page.rows[1:3]] == [
        ["20 ms", "1 MHz", "25", "OOK", "90 %"],
        ["20 ms", "1 MHz", "0", "noise", "80 %"],
    ]
    assert page.rows[1][0].endswith("one.cf32")
    assert page.count("details") == DETAILED // 2
    assert "No signal was found." in "".join(page.text)
    targets = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(targets)) == len(targets)
    assert {"file-1", "file-2"} <= set(targets)


def test_strangers_text_is_shown_and_never_obeyed(tmp_path, make_entry, make_detection, read_page):
    scores = {HOSTILE_LABEL: 1.0}
    detection = make_detection(
        modulation=HOSTILE_LABEL, family=HOSTILE_LABEL, protocol=HOSTILE_LABEL, scores=scores
    )
    entry = make_entry([detection], name=HOSTILE_NAME, view=noisy_view)
    page = report(tmp_path / "r.html", [entry, entry], read_page)
    assert page.count("script") == 0
    assert page.count("img") == 0
    assert page.outside == []
    assert page.unclosed == []
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    shown = "".join(page.text)
    assert HOSTILE_NAME in shown
    assert HOSTILE_LABEL in shown


@pytest.mark.parametrize("iq", [np.zeros(500), np.ones(3), np.ones(0)], ids=["zero", "3", "none"])
def test_samples_that_cannot_be_drawn_leave_the_probabilities(
    tmp_path, make_entry, make_detection, read_page, iq
):
    view = DetectionView(iq.astype(np.complex64), 1e4)
    entry = make_entry([make_detection()], view=lambda _: view)
    page = report(tmp_path / "r.html", [entry], read_page)
    assert page.count("svg") == 1
    assert page.rows[-1] == ["unknown", "4.0 %"]
