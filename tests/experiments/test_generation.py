import itertools
import json

import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.presets import PRESETS
from hertzian.datasets.synthesis import open_pool
from hertzian.experiments import generation
from hertzian.experiments.generation import Rate
from hertzian.experiments.peers import torchsig
from hertzian.experiments.peers.torchsig import Speed
from hertzian.workers.errors import WorkerError


def test_rates_are_what_was_made_over_the_time_it_took():
    told = Rate(windows=100, samples=128, seconds=4.0, cpu_seconds=2.0).to_dict()
    assert told["windows_per_second"] == 25
    assert told["samples_per_second"] == 3200
    assert told["windows_per_cpu_second"] == 50
    assert Rate(1, 1, 1.0, None).to_dict()["windows_per_cpu_second"] is None


@pytest.mark.parametrize("workers", [1, 2])
def test_whole_rounds_of_every_kind_are_made(monkeypatch, workers):
    monkeypatch.setattr(generation, "_CELL_SAMPLES", 128 * 20)
    rate = generation.preset_rate("rml2016-10a", workers, 0.2)
    assert rate.windows % (11 * 20) == 0
    assert rate.windows > 11 * 20
    assert rate.samples == 128
    assert rate.seconds >= 0.2
    assert rate.cpu_seconds > 0


def test_no_cell_is_made_twice_and_kinds_are_alike():
    jobs = [
        job
        for number in range(3)
        for job in generation._round(PRESETS["rml2016-04c"], number, None)
    ]
    assert len(set(jobs)) == 33
    assert len({(job.seed, job.kind) for job in jobs}) == 33
    # the fewest windows of a class of 04C are 206
    assert {job.count for job in jobs if job.kind.modulation == "QAM64"} == {206}
    assert min(job.snr_db for job in jobs) == 0


def test_every_worker_is_awaited(monkeypatch):
    with open_pool("threads", 3) as pool:
        generation._await_workers(pool, 3)
        assert len(pool._threads) == 3


def test_limits_are_above_what_is_reached():
    limits = generation.limits(2, 0.1)
    # a copy reads and writes 16 bytes, a complex normal number takes two logarithms
    assert limits["copy"] > limits["noise"] > 1e6


def test_a_file_is_written_and_told(tmp_path):
    done = []
    path = tmp_path / "d.pkl"
    told = generation.written_rate("rml2016-10b", path, 2, 2, done.append)
    assert sum(done) == told["windows"] == 10 * 20 * 2
    assert told["bytes"] == path.stat().st_size > told["windows"] * 128 * 8
    assert told["bytes_per_second"] == pytest.approx(told["bytes"] / told["seconds"])
    json.dumps(told)


def test_an_unknown_preset_is_told():
    with pytest.raises(DatasetError, match="no preset is called 'none'"):
        generation.preset_rate("none", 1, 0.1)


def test_torchsig_and_ours_take_turns_and_medians_are_compared(monkeypatch):
    turns = []
    rates = itertools.cycle([100.0, 300.0, 200.0])
    seconds = itertools.cycle([2.0, 1.0, 4.0])

    def ours(name, workers, at_least):
        turns.append("ours")
        return Rate(round(next(rates)), 1000, 1.0, None)

    def theirs(processes, examples, seed, folder):
        turns.append("theirs")
        took = next(seconds)
        versions = {"torchsig": "2.2.0"}
        return [Speed(examples, 1000, 2, took, versions) for _ in range(processes)]

    monkeypatch.setattr(generation, "preset_rate", ours)
    monkeypatch.setattr(generation, "_torchsig_speeds", theirs)
    monkeypatch.setattr(torchsig.Environment, "find_python", lambda *_: None)
    done = []
    told = generation.beside_torchsig(2, 1.0, 50, 3, None, done.append)
    assert turns == ["ours", "theirs"] * 3
    assert sum(done) == 3
    # two processes of 50 examples in 2 s: 50 examples a second
    assert told["samples_per_second"] == pytest.approx(50_000)
    assert told["ratio"] == pytest.approx(200_000 / 50_000)


def test_a_missing_torchsig_is_told_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(generation, "preset_rate", None)
    with pytest.raises(WorkerError, match="install it with"):
        generation.beside_torchsig(1, 0.1, 10, 1, tmp_path / "none", lambda steps: None)
