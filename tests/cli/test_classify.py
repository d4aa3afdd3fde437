import csv
import json

import numpy as np
import pytest
from tests.cli.air import BURSTS, CLASSES, RATE_HZ, air, as_cu8, write_answering

from hertzian.cli import classify
from hertzian.cli.hearing import hear
from hertzian.deployment.finding import load_predictor
from hertzian.recognition import SNIPPET_SAMPLES
from hertzian.recordings import Annotation, open_recording, write_sigmf

pytest.importorskip("onnx")

CENTER_HZ = 433.92e6


@pytest.fixture(scope="module")
def stored():
    return as_cu8(air())


@pytest.fixture
def capture(tmp_path, stored):
    """Two bursts in a raw file whose name tells its format, rate and frequency."""
    path = tmp_path / "g001_433.92M_250k.cu8"
    path.write_bytes(stored)
    return path


@pytest.fixture
def classified(hertzian, tmp_path):
    """Runs `hertzian classify ARGUMENTS...` with a model that says QPSK, 80%."""
    model = write_answering(tmp_path / "answering.onnx")
    return lambda *arguments: hertzian("classify", *arguments, "--model", model)


def assert_true(detections, rate_hz=RATE_HZ):
    assert len(detections) == len(BURSTS)
    for found, burst in zip(detections, BURSTS, strict=True):
        assert found["start"] == pytest.approx(burst.start, abs=600)
        assert found["start"] + found["count"] == pytest.approx(burst.start + burst.count, abs=600)
        assert found["center_hz"] == pytest.approx(burst.center * rate_hz, abs=0.005 * rate_hz)
        assert found["bandwidth_hz"] == pytest.approx(burst.bandwidth * rate_hz, rel=0.1)
        assert found["snr_db"] == pytest.approx(burst.snr_db, abs=3.5)


def test_the_document_is_the_contract(classified, capture):
    done = classified(capture, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == [
        *("file", "sample_rate_hz", "center_frequency_hz", "model", "detections", "summary")
    ]
    assert told["file"] == str(capture)
    assert (told["sample_rate_hz"], told["center_frequency_hz"]) == (RATE_HZ, CENTER_HZ)
    assert_true(told["detections"])
    for found in told["detections"]:
        assert list(found) == [
            *("start", "count", "center_hz", "bandwidth_hz", "snr_db", "modulation", "family"),
            *("protocol", "protocol_confidence", "confidence", "family_confidence", "scores"),
        ]
        assert (found["modulation"], found["family"], found["protocol"]) == ("QPSK", "psk", None)
        assert set(found["scores"]) == set(CLASSES)
        assert sum(found["scores"].values()) == pytest.approx(1)
        assert found["confidence"] == pytest.approx(0.8)
        # BPSK, QPSK, 8PSK, OQPSK
        assert found["family_confidence"] == pytest.approx(0.8 + 3 * 0.2 / (len(CLASSES) - 1))
    first = told["detections"][0]
    assert told["summary"] == {
        key: first[key] for key in ("modulation", "family", "confidence", "family_confidence")
    }


def test_what_the_user_says_counts_before_the_name(classified, capture):
    done = classified(
        *(capture, "--json", "--sample-rate", "1M6", "--center-frequency", "868.3M"),
        *("--format", "cu8"),
    )
    assert done.document["sample_rate_hz"] == 1.6e6
    assert done.document["center_frequency_hz"] == 868.3e6
    assert_true(done.document["detections"], rate_hz=1.6e6)


def test_a_higher_least_snr_tells_less(classified, capture):
    done = classified(capture, "--json", "--min-snr", "40")
    assert done.document["detections"] == []
    assert done.document["summary"] == {
        **{"modulation": "noise", "family": "noise"},
        **{"confidence": 0.5, "family_confidence": 0.5},
    }
    assert "no signal" in classified(capture, "--min-snr", "40").out


def test_several_files_are_a_list_and_a_bad_one_stops_no_other(classified, capture, tmp_path):
    gone, empty = tmp_path / "gone.cu8", tmp_path / "empty.cu8"
    empty.touch()
    done = classified(gone, capture, empty, "--json")
    assert done.status == 1
    assert [told["file"] for told in done.document] == [str(capture)]
    assert done.err.splitlines() == [f"error: {gone} does not exist", f"error: {empty} is empty"]


def test_a_folder_is_a_list(classified, capture):
    done = classified(capture.parent, "--json")
    assert done.status == 0
    assert [told["file"] for told in done.document] == [str(capture)]


def test_the_table_ends_with_one_line(classified, capture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = classified(capture.name).out.splitlines()
    assert lines[-1] == "g001_433.92M_250k.cu8: QPSK 80 % (psk 82 %), 2 detections"
    assert sum("QPSK" in line for line in lines) == 3
    assert "433.9575 MHz" in lines[1]
    (tmp_path / "other_433.92M_250k.cu8").write_bytes(capture.read_bytes())
    lines = classified(tmp_path).out.splitlines()
    assert lines[-1] == "2 recordings, 4 detections; strongest signals: QPSK 2"


def test_csv_has_the_numbers_of_the_document(classified, capture, tmp_path):
    done = classified(capture, "--json", "--csv", tmp_path / "found.csv")
    rows = list(csv.DictReader((tmp_path / "found.csv").open()))
    assert len(rows) == len(BURSTS)
    for row, found in zip(rows, done.document["detections"], strict=True):
        assert row["modulation"] == "QPSK"
        assert float(row["center_hz"]) == found["center_hz"]
        assert float(row["start_s"]) == found["start"] / RATE_HZ


def test_the_report_draws_the_detections(classified, capture, tmp_path):
    report = tmp_path / "page.html"
    assert classified(capture, "--report", report).status == 0
    page = report.read_text()
    assert page.count("<details") == len(BURSTS)
    # spectrogram, and for each detection its spectrum and its constellation
    assert page.count("<svg") == 1 + 2 * len(BURSTS)


def test_sigmf_of_a_raw_file(classified, capture, tmp_path):
    out = tmp_path / "annotated.sigmf-meta"
    found = classified(capture, "--json", "--sigmf-out", out).document["detections"]
    written = open_recording(out)
    assert (written.sample_rate_hz, written.center_frequency_hz) == (RATE_HZ, CENTER_HZ)
    assert written.data_path.read_bytes() == capture.read_bytes()
    assert len(written.annotations) == len(BURSTS)
    for annotation, detection in zip(written.annotations, found, strict=True):
        assert annotation.label == "QPSK"
        assert annotation.comment.startswith("confidence 0.80, family psk 0.82")
        middle = (annotation.lower_hz + annotation.upper_hz) / 2
        assert middle == pytest.approx(CENTER_HZ + detection["center_hz"], abs=1)


def test_a_strangers_annotations_stay(classified, tmp_path):
    meta = tmp_path / "theirs.sigmf-meta"
    theirs = Annotation(5, 6, label="birdie", comment="somebody else's")
    write_sigmf(meta, [air()], sample_rate_hz=RATE_HZ, annotations=[theirs], datatype="ci16_le")
    for _ in range(2):
        assert classified(meta, "--sigmf-out", meta).status == 0
        kept = open_recording(meta).annotations
        assert [a for a in kept if a.label == "birdie"] == [theirs]
        assert len(kept) == 1 + len(BURSTS)


def test_sigmf_of_several_goes_into_a_folder(classified, capture, tmp_path):
    deep = tmp_path / "many" / "deep"
    deep.mkdir(parents=True)
    for name in ("a.cu8", "deep/b_433.92M_250k"):
        (tmp_path / "many" / name).write_bytes(capture.read_bytes())
    out = tmp_path / "out"
    arguments = ("--sigmf-out", out, "--sample-rate", "250k", "--format", "cu8")
    done = classified(tmp_path / "many", deep / "b_433.92M_250k", *arguments)
    assert (done.status, done.err) == (0, "")
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert written == [
        *("a.sigmf-data", "a.sigmf-meta"),
        *("b_433.92M_250k.sigmf-data", "b_433.92M_250k.sigmf-meta"),
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("one.cu8", "two.cu8", "--sigmf-out", "x.sigmf-meta"), 2, "several recordings"),
        (("one.cu8", "--sigmf-out", "x.sigmf"), 2, "does not end in .sigmf-meta"),
        (("one.cu8", "--sigmf-out", "none/x.sigmf-meta"), 1, "folder none does not exist"),
        (("one.cu8", "one.cf32", "--sigmf-out", "out"), 1, "both become out/one.sigmf-meta"),
        (("one.cu8", "two.cu8", "--sigmf-out", "one.cu8"), 1, "it is no folder"),
        (("one.cu8", "--csv", "none/x.csv"), 1, "folder none does not exist"),
        (("one.cu8", "--csv", "one.cu8"), 1, "it is one of the recordings"),
        (("one.cu8", "--report", "folder.html"), 1, "it is a folder"),
        (("one.cu8", "--report", "r.txt"), 2, "name that ends in .html"),
        (("one.cu8", "--sample-rate", "fast"), 2, "no number of hertz"),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_outputs_are_told_before_anything_is_written(
    classified, tmp_path, monkeypatch, stored, arguments, status, message
):
    for name in ("one.cu8", "two.cu8", "one.cf32"):
        (tmp_path / name).write_bytes(stored[:32_000])
    (tmp_path / "folder.html").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = classified(
        *arguments, *(() if "--sample-rate" in arguments else ("--sample-rate", "1M"))
    )
    assert (done.status, done.out) == (status, "")
    assert message in " ".join(done.err.replace("│", " ").split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_that_is_not_there_is_told(hertzian, capture):
    done = hertzian("classify", capture, "--model", "none-of-ours")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: none-of-ours: no such model")
    assert done.err.count("\n") == 1


def test_samples_are_kept_of_the_strongest_alone(tmp_path, capture):
    predictor = load_predictor(write_answering(tmp_path / "m.onnx"))
    advanced = []
    entry = hear(predictor, open_recording(capture), model="m", snippets=1, advance=advanced.append)
    assert sum(advanced) == entry.recording.samples
    strong, weak = sorted(entry.detections, key=lambda d: -d.energy)
    assert entry.view(weak) is None
    snippet = entry.view(strong)
    assert 0 < snippet.iq.size <= SNIPPET_SAMPLES
    assert snippet.iq.base is None
    # at baseband, a third of the band is occupied
    assert snippet.sample_rate_hz == pytest.approx(3 * strong.bandwidth_hz, rel=0.02)
    entry = hear(predictor, open_recording(capture), model="m")
    assert all(entry.view(detection) is None for detection in entry.detections)


def test_json_knows_no_numbers_that_are_none(classified, capture, monkeypatch):
    monkeypatch.setattr(classify, "document", lambda entry: {"snr_db": np.float64("inf")})
    assert json.loads(classified(capture, "--json").out) == {"snr_db": None}
