import json
from collections import namedtuple

import pytest
from tests.cli.air import write_answering

from hertzian.cli import bench
from hertzian.recognition.band import BLOCK

pytest.importorskip("onnx")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Files of a few million samples, made in an empty folder."""
    monkeypatch.setattr(bench, "_QUICK_BLOCKS", 1)
    monkeypatch.setattr(bench, "_QUICK_LARGE_BYTES", 2 * BLOCK * 2)
    monkeypatch.setattr(bench, "_LARGE_BURSTS", 2)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_speed_and_memory_are_told(hertzian, small, tmp_path):
    model = write_answering(tmp_path / "m.onnx")
    done = hertzian(
        *("bench", "recognition", "--quick", "--large", "--model", model, "--json"),
    )
    assert (done.status, done.err) == (0, "")
    told = json.loads(done.out)
    speed, memory = told["speed"], told["memory"]
    assert (told["model"], told["occupancy"]) == (str(model), 0.05)
    assert (speed["samples"], speed["bytes"], speed["bursts"]) == (BLOCK, 2 * BLOCK, 8)
    assert (speed["found"], speed["strays"]) == (8, 0)
    assert 0 < speed["samples_per_second"] < speed["limits"]["fft"]
    assert (memory["bytes"], memory["bursts"], memory["found"]) == (4 * BLOCK, 2, 2)
    assert memory["peak_memory_bytes"] < 1e9
    assert list(small.iterdir()) == []


def test_the_table_tells_the_same(hertzian, small, tmp_path):
    model = write_answering(tmp_path / "m.onnx")
    text = hertzian("bench", "recognition", "--quick", "--model", model).out
    assert "samples/s on" in text
    assert "8 of 8, 0 of nothing" in text
    assert "memory for" not in text


def test_a_full_disk_is_told_before_it_is_full(hertzian, small, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9 - 10**6, 10**6))
    model = write_answering(tmp_path / "m.onnx")
    done = hertzian("bench", "recognition", "--quick", "--model", model)
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"error: {small} has 1 MB free, but 2.097 MB are needed; name another folder in TMPDIR\n"
    )


def test_a_model_that_is_not_there_is_told(hertzian, small):
    done = hertzian("bench", "recognition", "--quick", "--model", "none-of-ours")
    assert (done.status, done.out) == (1, "")
    assert "none-of-ours: no such model" in done.err


def test_what_goes_wrong_in_the_measuring_process_is_told(hertzian, small, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"nothing that could be run")
    done = hertzian("bench", "recognition", "--quick", "--model", tmp_path / "bad.onnx")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: recognition failed: ")
    assert "bad.onnx" in done.err
    assert done.err.count("\n") == 1
