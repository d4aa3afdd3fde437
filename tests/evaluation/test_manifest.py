import json

import pytest

from hertzian.evaluation import EvaluationError, evaluate_manifest, read_manifest
from hertzian.signal import Detection, HertzianError, family_of

pytestmark = pytest.mark.base

HEADER = "file,format,sample_rate_hz,modulation,family,what"


def write(tmp_path, *rows, header=HEADER):
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    for row in rows:
        name = row.split(",")[0]
        if name and "/" not in name:
            (tmp_path / name).touch()
    return path


def detection(modulation, confidence, family_confidence, snr_db=10.0):
    return Detection(
        **{"start": 0, "count": 1000, "center_hz": 0.0, "bandwidth_hz": 1e4, "snr_db": snr_db},
        **{"modulation": modulation, "family": family_of(modulation)},
        **{"protocol": None, "protocol_confidence": None},
        **{"confidence": confidence, "family_confidence": family_confidence, "scores": {}},
    )


def test_rows_become_entries(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.cu8").touch()
    path = write(
        tmp_path,
        "deep/a.cu8,cu8,250000,2ask,,433 MHz",
        "b.sigmf-data,,,,ofdm,",
        'c.wav,,,,,"a, b"',
        header="\ufeff" + HEADER,
    )
    a, b, c = read_manifest(path)
    assert (a.file, a.path) == ("deep/a.cu8", (tmp_path / "deep" / "a.cu8").resolve())
    assert (a.format, a.sample_rate_hz, a.modulation, a.family) == ("cu8", 250e3, "OOK", "ask")
    assert (b.format, b.sample_rate_hz, b.modulation, b.family) == (None, None, None, "ofdm")
    assert (c.modulation, c.family) == (None, None)


def test_another_root_may_hold_the_files(tmp_path):
    root = tmp_path / "captures"
    root.mkdir()
    (root / "a.cu8").touch()
    path = tmp_path / "manifest.csv"
    path.write_text(f"{HEADER}\na.cu8,cu8,1,OOK,ask,\n")
    assert read_manifest(path, root)[0].path == (root / "a.cu8").resolve()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("../a.cu8,cu8,1,OOK,ask,", "line 2: file '../a.cu8' does not lie in"),
        ("/etc/passwd,cu8,1,OOK,ask,", "does not lie in"),
        ("link/passwd,cu8,1,OOK,ask,", "does not lie in"),
        (",cu8,1,OOK,ask,", "does not lie in"),
        ("sub/absent.cu8,cu8,1,OOK,ask,", "there is no"),
        ("a.cu8,cu8,fast,OOK,ask,", "sample_rate_hz is 'fast'"),
        ("a.cu8,cu8,-5,OOK,ask,", "sample_rate_hz is '-5'"),
        ("a.cu8,cu8,nan,OOK,ask,", "sample_rate_hz is 'nan'"),
        ("a.cu8,cu8,1,wobble,ask,", "unknown modulation 'wobble'"),
        ("a.cu8,cu8,1,OOK,psk,", "OOK is of family ask, not psk"),
        ("a.cu8,cu8,1,,wobble,", "family 'wobble'"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(EvaluationError, match=message) as caught:
        read_manifest(write(tmp_path, row))
    assert "line 2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_manifest_is_refused(tmp_path):
    with pytest.raises(EvaluationError, match="lacks column sample_rate_hz, family"):
        read_manifest(write(tmp_path, header="file,format,modulation"))
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_manifest(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EvaluationError, match="not a CSV file"):
        read_manifest(tmp_path / "binary.csv")


@pytest.fixture
def document(tmp_path):
    """Seven labelled files and one without a label, with answers worked out by hand."""
    answers = {
        "ask0": [("OOK", 0.95, 0.99)],
        "ask1": [("PPM", 0.95, 0.99)],  # the same after merging
        "ask2": [("4ASK", 0.92, 0.97)],  # right family
        "ask3": [("QPSK", 0.5, 0.95)],  # wrong, and sure of the family
        "ask4": [],  # noise, with certainty
        "fsk0": [("BPSK", 0.3, 0.4), ("GFSK", 0.6, 0.7)],  # the stronger counts
        "ofdm0": [("OFDM", 0.8, 0.85)],
        "free": [("CW", 1.0, 1.0)],
    }
    truth = {"ask": "OOK", "fsk": "2FSK", "ofdm": "", "free": ""}
    rows = []
    for name in answers:
        family = name.rstrip("0123456789")
        rows.append(f"{name},cu8,1000,{truth[family]},{'' if family == 'free' else family},")

    def classify(path, form, rate_hz):
        assert (form, rate_hz) == ("cu8", 1000.0)
        return [
            detection(*answer, snr_db=10.0 + place)
            for place, answer in enumerate(answers[path.name])
        ]

    done = []
    entries = read_manifest(write(tmp_path, *rows))
    result = evaluate_manifest(
        entries, classify, model="m", data="d", noise_confidence=1.0, advance=done.append
    )
    assert sum(done) == 8
    json.dumps(result, allow_nan=False)
    return result


def test_families_are_compared(document):
    family = document["family"]
    assert family["files"] == document["examples"] == 7
    assert family["accuracy"] == pytest.approx(5 / 7)
    assert family["recall"] == {"ask": 3 / 5, "fsk": 1.0, "ofdm": 1.0}
    assert family["mean_recall"] == pytest.approx(3 / 5)  # only ask has five files
    assert family["confusion"] == {
        "classes": ["ask", "fsk", "noise", "ofdm", "psk"],
        "counts": [[3, 0, 1, 0, 1], [0, 1, 0, 0, 0], [0] * 5, [0, 0, 0, 1, 0], [0] * 5],
    }
    # above 0.9: ask0 to ask4; of these ask3 and ask4 are wrong
    assert family["confidence"] == {
        "above_0.9": pytest.approx(5 / 7),
        "wrong_above_0.9": pytest.approx(2 / 5),
    }
    lower, upper = family["interval"]
    assert 0 < lower < 5 / 7 < upper <= 1


def test_modulations_are_compared_after_merging(document):
    modulation = document["modulation"]
    assert modulation["files"] == 6  # the OFDM file names a family alone
    assert modulation["accuracy"] == pytest.approx(3 / 6)
    assert modulation["recall"] == {"OOK": pytest.approx(2 / 5), "2FSK": 1.0}
    # above 0.9: ask0, ask1, ask2 (4ASK is wrong), ask4 (noise is wrong)
    assert document["confidence"] == {
        "above_0.9": pytest.approx(4 / 6),
        "wrong_above_0.9": pytest.approx(2 / 4),
    }


def test_every_file_is_listed(document):
    rows = {row["file"]: row for row in document["files"]}
    assert len(rows) == 8
    assert rows["free"]["truth"] == {"modulation": None, "family": None}
    assert rows["ask4"]["summary"]["modulation"] == "noise"
    assert (rows["ask4"]["detections"], rows["fsk0"]["detections"]) == (0, 2)
    assert rows["fsk0"]["summary"]["modulation"] == "GFSK"


def test_a_manifest_of_families_alone_has_no_modulation_accuracy(tmp_path):
    entries = read_manifest(write(tmp_path, "a,cu8,1,,ask,"))
    result = evaluate_manifest(entries, lambda *_: [], model="m", data="d", noise_confidence=0.8)
    assert result["family"]["accuracy"] == 0.0
    assert result["modulation"]["accuracy"] is None
    assert result["modulation"]["files"] == 0
    assert result["confidence"] == {"above_0.9": None, "wrong_above_0.9": None}


def test_a_manifest_without_labels_is_refused_before_any_work(tmp_path):
    def never(*_):
        raise AssertionError

    entries = read_manifest(write(tmp_path, "a,cu8,1,,,"))
    with pytest.raises(EvaluationError, match="no file has a label"):
        evaluate_manifest(entries, never, model="m", data="d", noise_confidence=0.8)


def unless_a(path, *_):
    if path.name == "a":
        raise HertzianError("a is empty")
    return []


def test_recordings_that_fail_are_told_and_count_nowhere(tmp_path):
    entries = read_manifest(write(tmp_path, "a,cu8,1,OOK,,", "b,cu8,1,OOK,,"))
    found = evaluate_manifest(entries, unless_a, model="m", data="d", noise_confidence=0.8)
    assert found["failed"] == [{"file": "a", "error": "a is empty"}]
    assert [row["file"] for row in found["files"]] == ["b"]
    assert found["examples"] == found["family"]["files"] == 1


def test_an_evaluation_of_which_every_labelled_recording_fails_fails(tmp_path):
    entries = read_manifest(write(tmp_path, "a,cu8,1,OOK,,", "b,cu8,1,,,"))
    with pytest.raises(EvaluationError, match="can be recognised; the first: a is empty"):
        evaluate_manifest(entries, unless_a, model="m", data="d", noise_confidence=0.8)
