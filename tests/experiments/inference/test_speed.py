import weakref

import numpy as np
import pytest
import torch
from tests.deployment.test_litert import STORED

from hertzian.deployment import load_predictor
from hertzian.deployment.litert import has_litert
from hertzian.deployment.programs import has_executorch
from hertzian.experiments.inference import speed, ways
from hertzian.experiments.inference.speed import Effort, measure
from hertzian.experiments.inference.ways import (
    COMPILED,
    INT8,
    LITERT,
    ONNX,
    PROGRAM,
    PROGRAM_INT8,
    TORCH,
    Way,
    _in_litert,
    noise,
    open_ways,
)
from hertzian.signal import HertzianError
from hertzian.training import can_compile

EFFORT = Effort(calls=5, seconds=0.0, rounds=2, batch=4, threads=(1, 2))


def test_every_way_gives_the_same_answer(tmp_path):
    found = {way.name: way for way in open_ways("mtl", tmp_path, (TORCH, ONNX, INT8))}
    x = noise(8, 128)
    torch_answer = found[TORCH].answer(1)(x)
    for name, tolerance in ((ONNX, 1e-4), (INT8, 0.1)):
        said = found[name].answer(1)(x)
        for head, values in zip(("modulation", "protocol"), said, strict=True):
            assert np.abs(values - torch_answer[head].numpy()).max() < tolerance
    assert found[TORCH].file_bytes is None
    assert found[INT8].file_bytes < 0.3 * found[ONNX].file_bytes
    assert found[INT8].float_kernels == {}


def test_all_take_turns_and_every_call_counts(tmp_path):
    done = []
    threads = torch.get_num_threads()
    found = measure("mtl", EFFORT, tmp_path, (INT8, TORCH), done.append)
    assert torch.get_num_threads() == threads
    assert sum(done) == 2 * 2 * 2
    assert (found["parameters"], found["macs"], found["samples"]) == (252_614, 335_200, 128)
    assert [way["way"] for way in found["ways"]] == [TORCH, INT8]
    for way in found["ways"]:
        assert way["failed"] is None
        assert set(way["latency_us"]) == set(way["windows_per_second"]) == {"1", "2"}
        latency = way["latency_us"]["1"]
        assert 1 < latency["p50"] <= latency["p99"]
        assert len(latency["turns"]) == 2


@pytest.mark.parametrize(("lasting", "opened"), [(True, [1, 2]), (False, [1, 2, 1, 2])])
def test_what_can_not_outlast_its_turn_is_opened_anew(monkeypatch, tmp_path, lasting, opened):
    found, alive = [], []

    def answer(threads):
        found.append(threads)
        assert lasting or not any(one() is not None for one in alive)

        def said(windows):
            return None

        alive.append(weakref.ref(said))
        return said

    monkeypatch.setattr(speed, "_REST_SECONDS", 0)
    monkeypatch.setattr(speed, "open_ways", lambda *_: [Way("one", answer, lasting=lasting)])
    measure("mtl", EFFORT, tmp_path, (), lambda turns: None)
    assert found == opened


@pytest.mark.skipif(not has_executorch(), reason="needs hertzian[executorch]")
def test_programs_answer_alike_with_any_number_of_threads(tmp_path):
    x = noise(70, 128)
    torch_answer = open_ways("mtl", tmp_path, (TORCH,))[0].answer(1)(x)["modulation"].numpy()
    found = measure("mtl", EFFORT, tmp_path, (PROGRAM, PROGRAM_INT8), lambda turns: None)
    assert [way["failed"] for way in found["ways"]] == [None, None]
    for way, tolerance in zip(
        open_ways("mtl", tmp_path, (PROGRAM, PROGRAM_INT8)), (1e-4, 0.1), strict=True
    ):
        # of the last call, which a program that has room for 64 makes with what is left
        last = way.answer(1)(x)[0].numpy()
        assert np.abs(last - torch_answer[64:]).max() < tolerance


@pytest.mark.skipif(not has_litert(), reason="needs hertzian[litert]")
def test_a_model_for_litert_gets_its_windows_one_by_one():
    x = noise(5, 32)
    way = _in_litert(STORED)
    assert (way.name, way.file_bytes) == (LITERT, STORED.stat().st_size)
    (wanted,) = load_predictor(STORED).logits(x[4:])
    found = way.answer(1)(x)
    assert any(np.array_equal(one[0], wanted) for one in found)


def test_times_are_those_of_the_calls(monkeypatch, tmp_path):
    clock = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(speed.time, "perf_counter_ns", lambda: 3 * next(clock))
    monkeypatch.setattr(speed, "_REST_SECONDS", 0)
    way = Way("slow", lambda threads: lambda windows: None)
    monkeypatch.setattr(speed, "open_ways", lambda *arguments: [way])
    found = measure("mtl", EFFORT, tmp_path, (), lambda turns: None)
    assert found["ways"][0]["latency_us"]["2"] == {"p50": 3.0, "p99": 3.0, "turns": [3.0, 3.0]}


def test_what_can_not_be_compiled_is_told_and_the_rest_goes_on(monkeypatch, tmp_path):
    def refuse(model, **options):
        def answer(x):
            raise RuntimeError("no compiler\nat all")

        return answer

    monkeypatch.setattr(torch, "compile", refuse)
    found = measure("mtl", EFFORT, tmp_path, ("torch", "torch compiled"), lambda turns: None)
    eager, compiled = found["ways"]
    assert compiled["failed"] == "torch.compile can't do mtl (no compiler)"
    assert (compiled["latency_us"], compiled["windows_per_second"]) == ({}, {})
    assert eager["latency_us"]["1"]["p50"] > 0


def test_a_way_that_is_not_possible_says_why(monkeypatch, tmp_path):
    def refuse(*arguments):
        raise HertzianError("has no layer that can be quantised")

    monkeypatch.setattr(ways, "quantize_after_training", refuse)
    found = measure("mtl", EFFORT, tmp_path, (ONNX, INT8), lambda turns: None)
    floats, small = found["ways"]
    assert floats["failed"] is None
    assert (small["failed"], small["latency_us"]) == ("has no layer that can be quantised", {})


@pytest.mark.skipif(not can_compile(), reason="no C++ compiler")
def test_networks_of_one_kind_are_all_compiled(tmp_path):
    def failed(name, threads):
        quick = Effort(calls=1, seconds=0.0, rounds=1, batch=2, threads=threads)
        (way,) = measure(name, quick, tmp_path, (COMPILED,), lambda turns: None)["ways"]
        return way["failed"]

    # one for a window, one for a batch, of each number of threads
    with torch._dynamo.config.patch(recompile_limit=2):
        # the two share the code of their `forward`
        assert failed("mtl", (1,)) is None
        assert failed("drcnn-mtl", (1,)) is None
        assert "torch.compile can't do mtl" in failed("mtl", (1, 2))
