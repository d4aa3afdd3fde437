import json

import numpy as np
import pytest

from hertzian.cli import output
from hertzian.datasets.files import read_dataset
from hertzian.recordings import open_recording

CLASSES = 27


def test_a_dataset_is_written(hertzian, tmp_path):
    out = tmp_path / "d.npz"
    done = hertzian("synth", "field", out, "--per", 1, "--snr", "14", "--workers", 1, "--json")
    assert (done.status, done.err) == (0, "")
    dataset = read_dataset(out)
    assert done.document["file"] == str(out)
    assert done.document["examples"] == len(dataset) == CLASSES
    assert done.document["classes"] == list(dataset.modulations)
    assert (done.document["snr_db"], done.document["seed"]) == ([14.0], dataset.seed)
    np.testing.assert_array_equal(dataset.modulation, np.arange(CLASSES))
    assert dataset.preset == "field"


def test_a_recording_is_written_with_its_truth(hertzian, tmp_path):
    out = tmp_path / "r.sigmf-meta"
    done = hertzian(
        *("synth", "field", out, "--seconds", "0.1", "--sample-rate", "1M5"),
        *("--snr", "20,15", "--seed", "4", "--json"),
    )
    assert (done.status, done.err) == (0, "")
    recording = open_recording(out)
    assert (recording.samples, recording.sample_rate_hz) == (150_000, 1.5e6)
    emitted = done.document["emissions"]
    told = [(e["start"], e["count"], e["modulation"]) for e in emitted]
    assert told
    assert sorted((a.start, a.count, a.label) for a in recording.annotations) == sorted(told)
    assert all(15 <= e["snr_db"] <= 20 for e in emitted)
    again = hertzian("synth", "field", out, "--seconds", "0.1", "--sample-rate", "1M5", "--json")
    assert json.loads(again.out)["emissions"] != emitted


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("none", "d.h5"), 1, "no preset is called 'none'; known are rml2016-10a"),
        (("none", "d.sigmf-meta"), 1, "no preset is called 'none'; known are rml2016-10a"),
        (("rml2016-10a", "d.sigmf-meta"), 1, "recordings are made by the preset field only"),
        (("field", "d.txt"), 1, "a dataset file ends in .h5"),
        (("field", "none/d.h5"), 1, "the folder none does not exist"),
        (("field", "d.h5", "--per", "0"), 1, "0 examples"),
        (("field", "d.sigmf-meta", "--seconds", "-1"), 1, "is not possible"),
        (("field", "d.sigmf-meta", "--sample-rate", "-1M"), 1, "is not possible"),
        (("field", "d.sigmf-meta", "--seconds", "1e9"), 1, "is not made"),
        (("field", "d.h5", "--seconds", "1"), 2, "only of recordings"),
        (("field", "d.sigmf-meta", "--per", "1"), 2, "only of datasets"),
        (("field", "d.h5", "--snr", "a,b"), 2, "no list of decibels"),
        (("field",), 2, "Missing argument"),
    ],
)
def test_wrong_arguments_are_named(hertzian, tmp_path, monkeypatch, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    done = hertzian("synth", *arguments)
    assert (done.status, done.out) == (status, "")
    assert message in " ".join(done.err.replace("│", " ").split())
    assert status == 2 or done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_base_install_says_what_it_needs(hertzian, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "TRAIN_LIBRARIES", ("none_such_library",))
    done = hertzian("synth", "field", tmp_path / "d.h5")
    assert done.status == 1
    assert "pip install 'hertzian[train]'" in done.err
