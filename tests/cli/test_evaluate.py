import json

import numpy as np
import pytest

from hertzian.cli import evaluate
from hertzian.datasets.dataset import Dataset
from hertzian.datasets.files import write_dataset
from hertzian.deployment import ModelMetadata
from hertzian.signal import Detection

pytestmark = pytest.mark.base


def windows(path, truth, said, **changes):
    """A dataset for which the model of `model_file` says `said`."""
    x = np.zeros((len(truth), 2, 8), np.float32)
    x[np.arange(len(said)), 0, said] = 3
    parts = {
        **{"x": x, "modulation": np.array(truth), "group": np.arange(len(truth))},
        "snr_db": np.resize(np.array([-6, 6], np.float32), len(truth)),
        **{"modulations": ("BPSK", "QPSK", "noise"), "preset": "toy", "seed": 5},
        **{"sample_rate_hz": 1.0, "snr_definition": "in band", "version": "1"},
    }
    write_dataset(path, Dataset(**(parts | changes)))
    return path


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
def test_windows_are_evaluated(hertzian, model_file, tmp_path, suffix):
    data = windows(tmp_path / f"d{suffix}", [0, 1, 2, 1], [0, 1, 2, 0])
    model = model_file(temperature=2.0)
    done = hertzian("evaluate", model, data, "--json")
    assert (done.status, done.err) == (0, "")
    top = np.exp(1.5) / (np.exp(1.5) + 2)
    assert done.document == {
        "model": str(model),
        "data": str(data),
        "examples": 4,
        "accuracy": 0.75,
        "accuracy_by_snr": {"-6": 1.0, "6": 0.5},
        "accuracy_snr_ge_0": 0.5,
        "peak": 1.0,
        "recall": {"BPSK": 1.0, "QPSK": 0.5, "noise": 1.0},
        "confusion": {
            "classes": ["BPSK", "QPSK", "noise"],
            "counts": [[1, 0, 0], [1, 1, 0], [0, 0, 1]],
        },
        "ece": pytest.approx(abs(0.75 - top)),
    }
    text = hertzian("evaluate", model, data).out
    assert "75.0%" in text
    assert "accuracy at SNR >= 0 dB   50.0%" in text


class TwoHeads:
    """Says BPSK and, by the first Q sample, one of two protocols."""

    metadata = ModelMetadata(
        **{"name": "two", "version": "1", "classes": ("BPSK", "QPSK", "noise"), "samples": 8},
        **{"occupied_share": 0.5, "parameters": 0, "macs": 0, "protocols": ("GSM", "DAB")},
        quantities=("snr_db",),
    )

    def heads(self, x):
        said = {"modulation": np.tile([1.0, 0, 0], (len(x), 1)), "protocol": x[:, 1, :2]}
        return {**said, "snr_db": np.full((len(x), 1), 7.0)}


def test_every_head_is_shown(hertzian, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "load_predictor", lambda model: TwoHeads())
    named = {"protocol": np.array([0, 0, 1, -1]), "protocols": ("GSM", "DAB")}
    data = windows(tmp_path / "d.h5", [0, 0, 1, 2], [0, 0, 0, 0], **named)
    heads = hertzian("evaluate", "two", data, "--json").document["heads"]
    assert (heads["modulation"]["accuracy"], heads["modulation"]["examples"]) == (0.5, 4)
    assert heads["protocol"]["recall"] == {"GSM": 1.0, "DAB": 0.0}
    text = hertzian("evaluate", "two", data).out
    assert "d.h5: modulation" in text.replace("\n", "")
    assert "d.h5: protocol" in text.replace("\n", "")
    assert "d.h5: snr_db" in text.replace("\n", "")
    assert "root mean square error" in text


def test_other_classes_need_common(hertzian, model_file, tmp_path):
    data = windows(tmp_path / "d.h5", [0, 1, 2], [0, 1, 2], modulations=("BPSK", "QPSK", "OFDM"))
    done = hertzian("evaluate", model_file(), data, "--json")
    assert done.status == 1
    assert "the model lacks OFDM; the data lacks noise; --common" in done.err
    done = hertzian("evaluate", model_file(), data, "--common", "--json")
    assert (done.document["examples"], done.document["accuracy"]) == (2, 1.0)


def test_training_data_is_refused_by_the_model_itself(hertzian, model_file, tmp_path):
    data = windows(tmp_path / "d.h5", [0], [0])
    model = model_file(trained_on=[{"preset": "toy", "seed": 5}])
    done = hertzian("evaluate", model, data)
    assert (done.status, done.out) == (1, "")
    assert "was trained on this data (preset 'toy', seed 5)" in done.err
    other = windows(tmp_path / "e.h5", [0], [0], seed=6)
    assert hertzian("evaluate", model, other).status == 0


def test_training_data_is_refused_by_the_record_of_the_run(hertzian, model_file, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    model_file(run / "model.onnx")
    data = windows(tmp_path / "d.h5", [0], [0])
    assert hertzian("evaluate", run, data).status == 0
    record = {"trained_on": [{"preset": "toy", "seed": 5}]}
    (run / "result.json").write_text(json.dumps(record))
    assert "was trained on this data" in hertzian("evaluate", run, data).err
    for damaged in ("{", "[]", '{"trained_on": 7}', '{"trained_on": [{"seed": 5}]}'):
        (run / "result.json").write_text(damaged)
        done = hertzian("evaluate", run, data)
        assert done.status == 1
        assert done.err.startswith(f"error: {run / 'result.json'}: not the result of a run")
        assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("absent", "d.h5"), 1, "absent: no such model"),
        (("first.onnx", "absent.h5"), 1, "absent.h5: no such file"),
        (("first.onnx", "first.onnx"), 1, "first.onnx: not a readable dataset; known formats"),
        (("first.onnx", "absent.csv"), 1, "absent.csv: cannot be read"),
        (("first.onnx", "m.csv", "--common"), 2, "recordings have no list of classes"),
        (("first.onnx", "d.h5", "--manifest-root", "."), 2, "DATA is no .csv manifest"),
    ],
)
def test_wrong_arguments_are_named(
    hertzian, model_file, tmp_path, monkeypatch, arguments, status, message
):
    model_file()
    monkeypatch.chdir(tmp_path)
    done = hertzian("evaluate", *arguments)
    assert (done.status, done.out) == (status, "")
    assert message in " ".join(done.err.split())


class Listener:
    """In place of recognition: a file's first byte tells what is in it."""

    noise_confidence = 0.8

    @classmethod
    def load(cls, model):
        return cls()

    def recognise(self, recording):
        assert (recording.format, recording.sample_rate_hz) == ("cu8", 1000.0)
        first = recording.path.read_bytes()[0]
        if first == 0:
            return []
        modulation, family = ("OOK", "ask") if first == 1 else ("QPSK", "psk")
        facts = {"start": 0, "count": 64, "center_hz": 0.0, "bandwidth_hz": 100.0, "snr_db": 9.0}
        sure = {"confidence": 0.8, "family_confidence": 0.95, "scores": {modulation: 1.0}}
        return [
            Detection(
                **facts,
                **sure,
                modulation=modulation,
                family=family,
                protocol=None,
                protocol_confidence=None,
            )
        ]


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    monkeypatch.setattr("hertzian.recognition.Recogniser", Listener)
    rows = ["file,format,sample_rate_hz,modulation,family,note"]
    for name, first, labels in (
        ("a", 1, "OOK,ask"),
        ("b", 2, "OOK,ask"),
        ("c", 2, "QPSK,"),
        ("d", 0, ","),
    ):
        (tmp_path / f"{name}.cu8").write_bytes(bytes([first]) * 400)
        rows.append(f"{name}.cu8,cu8,1000,{labels},note")
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(rows))
    return path


def test_recordings_are_evaluated_end_to_end(hertzian, manifest):
    done = hertzian("evaluate", "named", manifest, "--json")
    assert (done.status, done.err) == (0, "")
    found = done.document
    assert (found["model"], found["data"], found["examples"]) == ("named", str(manifest), 3)
    assert found["family"]["accuracy"] == pytest.approx(2 / 3)
    assert found["family"]["recall"] == {"ask": 0.5, "psk": 1.0}
    assert found["modulation"]["confusion"]["counts"] == [[1, 1], [0, 1]]
    assert found["confidence"] == {"above_0.9": 0.0, "wrong_above_0.9": None}
    assert [row["detections"] for row in found["files"]] == [1, 1, 1, 0]
    assert found["files"][3]["summary"]["modulation"] == "noise"


def test_the_table_of_recordings_lists_them(hertzian, manifest):
    text = hertzian("evaluate", "named", manifest).out
    assert [text.count(f"{name}.cu8") for name in "abcd"] == [1, 1, 1, 1]
    assert "family: 66.7% of 3 files" in text
    assert "sure of 100.0%, of those wrong 33.3%" in text


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_recording_that_cannot_be_read_is_told_and_the_others_are_done(
    hertzian, manifest, as_json
):
    manifest.with_name("b.cu8").write_bytes(bytes(401))
    done = hertzian("evaluate", "named", manifest, *as_json)
    assert done.status == 1
    assert "b.cu8 is truncated" in done.err
    if as_json:
        assert done.document["examples"] == 2
        assert [row["file"] for row in done.document["failed"]] == ["b.cu8"]
    else:
        assert "family: 100.0% of 2 files" in done.out


def test_what_is_wrong_is_told_with_the_name_of_the_recording(hertzian, manifest):
    manifest.write_text(manifest.read_text().replace("b.cu8,cu8", "b.cu8,cu9"))
    done = hertzian("evaluate", "named", manifest)
    assert done.status == 1
    assert "b.cu8: unknown format 'cu9'" in done.err


def test_recordings_may_lie_elsewhere(hertzian, manifest, tmp_path):
    moved = tmp_path / "lists" / "m.csv"
    moved.parent.mkdir()
    manifest.rename(moved)
    assert "does not lie in" not in hertzian("evaluate", "named", moved).err
    assert hertzian("evaluate", "named", moved).status == 1
    done = hertzian("evaluate", "named", moved, "--manifest-root", tmp_path, "--json")
    assert done.document["examples"] == 3
