import json
from collections import namedtuple

import pytest

from hertzian.cli import bench_generation
from hertzian.experiments import generation, streams
from hertzian.workers.errors import WorkerError


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Little of everything, files in an empty folder."""
    monkeypatch.setattr(generation, "_CELL_SAMPLES", 128 * 10)
    monkeypatch.setattr(bench_generation, "_QUICK_SECONDS", 0.05)
    monkeypatch.setattr(bench_generation, "_QUICK_LIMIT_SECONDS", 0.05)
    monkeypatch.setattr(bench_generation, "_QUICK_WRITTEN_SECONDS", 0.05)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def refusing(reason):
    def refuse(*arguments):
        raise WorkerError(reason)

    return refuse


def answering(answer):
    return lambda *arguments: answer


def test_presets_file_and_limits_are_told(hertzian, small):
    names = ("rml2016-10b", "sigzsl-7")
    done = hertzian(
        *("bench", "generation", *names, "--quick", "--no-peers", "--workers", 2, "--json")
    )
    assert (done.status, done.err) == (0, "")
    told = json.loads(done.out)
    assert tuple(told["presets"]) == names
    assert [told["presets"][name]["samples"] for name in names] == [128, 1024]
    # whole rounds: ten classes of ten windows, seven of one
    assert told["presets"]["rml2016-10b"]["windows"] % 100 == 0
    assert told["presets"]["sigzsl-7"]["windows"] % 7 == 0
    for rate in told["presets"].values():
        assert 0 < rate["samples_per_second"] < told["limits"]["noise"] < told["limits"]["copy"]
    written = told["written"]
    assert written["preset"] == "rml2016-10b"
    assert written["windows"] % 200 == 0
    assert written["bytes"] > written["windows"] * 128 * 8
    assert (told["workers"], told["peers"]) == (2, None)
    assert list(small.iterdir()) == []


def test_what_is_not_installed_is_told_in_a_line_and_is_no_error(hertzian, small, monkeypatch):
    monkeypatch.setattr(streams, "beside_gnuradio", refusing("GNU Radio is missing: get it"))
    monkeypatch.setattr(generation, "beside_torchsig", refusing("TorchSig is missing: get it"))
    done = hertzian("bench", "generation", "rml2016-10a", "--quick", "--workers", 1)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert any(line.startswith("GNU Radio ") and "missing: get it" in line for line in lines)
    assert any(line.startswith("TorchSig ") and "missing: get it" in line for line in lines)
    done = hertzian("bench", "generation", "rml2016-10a", "--quick", "--workers", 1, "--json")
    assert json.loads(done.out)["peers"] == {
        "gnuradio": {"missing": "GNU Radio is missing: get it"},
        "torchsig": {"missing": "TorchSig is missing: get it"},
    }


def test_the_table_shows_peers_beside_ours(hertzian, small, monkeypatch):
    told = {"version": "3.10.5", "all_workers": 2e7, "one_worker": 1.1e7, "gnuradio": 1.25e6}
    told |= {"ratio": 16.0, "ratio_of_one_worker": 8.8, "ratio_of_cpu": 20.5}
    monkeypatch.setattr(streams, "beside_gnuradio", answering(told))
    told = {"versions": {"torchsig": "2.2.0"}, "processes": 2, "samples_per_second": 1.5e5}
    told |= {"ours": 2.4e7, "ratio": 160.0}
    monkeypatch.setattr(generation, "beside_torchsig", answering(told))
    text = hertzian("bench", "generation", "rml2016-10a", "--quick", "--workers", 2).out
    assert "16.0 times GNU Radio, 20.5 times per CPU second" in text
    assert "160 times TorchSig" in text
    assert "1.25 MS/s" in text
    assert "150 kS/s" in text
    assert "limit: drawing noise alone" in text
    assert "2 workers on" in text


def test_a_full_disk_is_told_before_it_is_full(hertzian, small, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9 - 1000, 1000))
    done = hertzian("bench", "generation", "rml2016-10a", "--quick", "--no-peers")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"error: {small} has 1 kB free, but ")
    assert list(small.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("none",), 1, "no preset is called 'none'"),
        (("rml2016-10a", "none"), 1, "no preset is called 'none'"),
        (("rml2016-10a", "--workers", "0"), 2, "--workers"),
    ],
)
def test_wrong_use_is_told_before_anything_is_measured(
    hertzian, monkeypatch, arguments, status, message
):
    monkeypatch.setattr(generation, "preset_rate", None)
    done = hertzian("bench", "generation", *arguments)
    assert (done.status, done.out) == (status, "")
    assert message in done.err
