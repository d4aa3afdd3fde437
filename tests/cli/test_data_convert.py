import pickle

import numpy as np
import pytest
from tests.datasets.samples import dataset, rml

from hertzian.cli import output
from hertzian.datasets.files import write_dataset
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.published import RML2016_10A


def test_a_pickle_becomes_a_dataset_and_a_pickle_again(hertzian, tmp_path):
    random = np.random.default_rng(0)
    cells = {
        (name, snr): random.normal(size=(2, 2, 128)).astype(np.float32)
        for name in RML2016_10A.modulations
        for snr in (-20, 18)
    }
    source, middle, out = (tmp_path / name for name in ("rml.dat", "rml.h5", "rml.pkl"))
    source.write_bytes(pickle.dumps(cells, 2))
    done = hertzian("data", "convert", source, middle)
    assert (done.status, done.out) == (0, "")
    assert "wrote" in done.err
    assert "44 windows of 11 classes as hertzian-h5" in done.err
    done = hertzian("data", "convert", middle, out, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.document == {
        **{"file": str(out), "format": "radioml-pickle", "from": "hertzian-h5"},
        **{"preset": "RML2016.10a", "examples": 44, "samples": 128},
        **{"classes": list(RML2016_10A.modulations), "protocols": []},
    }
    for key, x in pickle.loads(out.read_bytes(), encoding="latin1").items():
        np.testing.assert_array_equal(x, cells[key])


def test_what_is_left_out_is_a_line_on_standard_error(hertzian, tmp_path):
    write_dataset(tmp_path / "d.h5", rml(seed=5, preset="field", group=np.arange(66) // 2))
    done = hertzian("data", "convert", tmp_path / "d.h5", tmp_path / "d.pkl", "--json")
    assert done.status == 0
    assert done.document["examples"] == 66
    assert done.err.startswith("warning: ")
    assert "has no place for groups, the preset (field), the seed (5)" in done.err
    assert done.err.count("\n") == 1


def test_the_format_can_be_named(hertzian, tmp_path):
    write_dataset(tmp_path / "d.h5", dataset(("BPSK",), (0,)))
    done = hertzian("data", "convert", tmp_path / "d.h5", tmp_path / "d.bin", "--to", "hisarmod")
    assert done.status == 0
    assert open_dataset(tmp_path / "d.bin").preset == "HisarMod2019.1"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("none.h5", "d.npz"), 1, "none.h5: no such file"),
        (("bad.h5", "d.npz"), 1, "bad.h5: not a readable dataset"),
        (("evil.pkl", "d.npz"), 1, "evil.pkl: names posix.system, which is no array"),
        (("good.h5", "d.bin"), 1, "its suffix names no format"),
        (("good.h5", "d.h5", "--to", "wav"), 1, "no dataset format is called 'wav'"),
        (("good.h5", "good.h5"), 1, "it is what is read"),
        (("good.h5", "none/d.npz"), 1, "cannot write none/d.npz: the folder"),
        (("good.h5", "d.bin", "--to", "radcom"), 1, "names a protocol for each example"),
        (("good.h5",), 2, "Missing argument"),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_use_is_named(hertzian, tmp_path, monkeypatch, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    write_dataset("good.h5", dataset(("BPSK",), (0,)))
    (tmp_path / "bad.h5").write_bytes(b"bad")
    (tmp_path / "evil.pkl").write_bytes(b"cposix\nsystem\n(S'touch broken'\ntR.")
    done = hertzian("data", "convert", *arguments)
    assert (done.status, done.out) == (status, "")
    assert message in " ".join(done.err.replace("│", " ").split())
    assert status == 2 or done.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"good.h5", "bad.h5", "evil.pkl"}


def test_evaluate_takes_every_format(hertzian, tmp_path, model_file):
    given = dataset(("BPSK", "QPSK", "noise"), (0,), samples=8)
    path = tmp_path / "d.pkl"
    write_dataset(tmp_path / "d.h5", given)
    assert hertzian("data", "convert", tmp_path / "d.h5", path).status == 0
    told = [
        hertzian("evaluate", model_file(), name, "--json") for name in (tmp_path / "d.h5", path)
    ]
    assert [done.status for done in told] == [0, 0]
    assert told[0].document["accuracy"] == told[1].document["accuracy"]


def test_it_needs_no_training_libraries(hertzian, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "TRAIN_LIBRARIES", ("none_such_library",))
    write_dataset(tmp_path / "d.h5", dataset(("BPSK",), (0,)))
    assert hertzian("data", "convert", tmp_path / "d.h5", tmp_path / "d.npz").status == 0
