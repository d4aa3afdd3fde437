import json

import pytest

from hertzian.cli import bench_training
from hertzian.experiments import training
from hertzian.experiments.peers import keras
from hertzian.models.registry import build, count_macs, count_parameters
from hertzian.workers.errors import WorkerError

SMALL = "dae"
TWIN = "pet-cgdnn"


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Three steps of everything, small matrices, files in an empty folder."""
    monkeypatch.setattr(bench_training, "_QUICK_SECONDS", 0.0)
    monkeypatch.setattr(bench_training, "_QUICK_PEAK_SECONDS", 0.0)
    monkeypatch.setattr(training, "_MATRIX", 256)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


@pytest.fixture
def with_keras(monkeypatch, small):
    """An interpreter that has Keras, which answers as it is told."""
    monkeypatch.setattr(keras.Environment, "find_python", lambda self, place: small / "python")

    def answer(told):
        def measure_training(name, model, **arguments):
            if isinstance(told, str):
                raise WorkerError(told)
            return told

        monkeypatch.setattr(keras, "measure_training", measure_training)

    return answer


def quick(hertzian, *arguments):
    return hertzian("bench", "training", *arguments, "--quick", "--threads", 1)


def test_networks_and_the_limit_are_told(hertzian, small):
    done = quick(hertzian, SMALL, "--batch", 4, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    (network,) = told["networks"]
    model = build(SMALL)
    assert (network["name"], network["batch"], network["samples"]) == (SMALL, 4, 128)
    assert network["parameters"] == count_parameters(model)
    assert network["macs"] == count_macs(model, 128)
    assert [way["precision"] for way in network["ours"]] == ["32-true", "bf16-mixed"]
    assert set(told["gemm_flop_per_second"]) == {"32-true", "bf16-mixed"}
    for way in network["ours"]:
        assert way["examples_per_second"] > 0
    assert (told["threads"], told["quick"], told["missing"]) == (1, True, None)
    assert list(small.iterdir()) == []


def test_a_missing_keras_is_told_in_a_line_and_is_no_error(hertzian, small):
    done = quick(hertzian, TWIN, "--batch", 2, "--keras", small / "none")
    line = (
        f"Keras is not installed in {small / 'none'}: install it with "
        f"`python -m hertzian.experiments.peers.keras {small / 'none'}`"
    )
    assert (done.status, done.err) == (0, f"ours alone, for {line}\n")
    assert TWIN in done.out
    done = quick(hertzian, TWIN, "--batch", 2, "--keras", small / "none", "--json")
    assert (done.document["missing"], done.document["networks"][0]["keras"]) == (line, None)


@pytest.mark.parametrize("arguments", [(TWIN, "--no-peers"), (SMALL,)])
def test_keras_is_not_looked_for_where_nobody_needs_it(hertzian, small, monkeypatch, arguments):
    monkeypatch.setattr(keras.Environment, "find_python", None)
    done = quick(hertzian, *arguments, "--batch", 2, "--json")
    assert (done.status, done.err, done.document["missing"]) == (0, "", None)


def test_the_table_shows_keras_beside_ours(hertzian, with_keras, monkeypatch):
    twin = keras.Twin(
        *(71_871, 3e-7, {"fit": 812.4, "train_on_batch": 700.0}),
        {"keras": "3.15.1", "tensorflow": "2.21.0"},
    )
    with_keras(twin)
    speeds = iter([1624.8, 4062.0])
    monkeypatch.setattr(training.Trainee, "examples_per_second", lambda *_: next(speeds))
    monkeypatch.setattr(training, "gemm_peak", lambda precision, *_: 1e11)
    text = quick(hertzian, TWIN).out
    first, second = (line.split("  ") for line in text.splitlines()[1:3])
    first, second = ([cell.strip() for cell in row if cell.strip()] for row in (first, second))
    macs = count_macs(build(TWIN), 128)
    share = f"{6 * macs * 1624.8 / 1e9:.0f} %"
    assert first[:6] == [TWIN, "400", "32-true", "1 625", "812", "2.0"]
    assert (first[7], first[8]) == ("100 GFLOP/s", share)
    # bfloat16 has no Keras of its own beside it, but the ratio to the same figure
    assert second[:3] == ["bf16-mixed", "4 062", "5.0"]
    assert "Keras 3.15.1 on TensorFlow 2.21.0: pet-cgdnn by fit" in text
    assert "equal precision in the rows 32-true" in text
    assert "bias" not in text


def test_fewer_biases_are_told(hertzian, with_keras, monkeypatch):
    with_keras(keras.Twin(405_175, 3e-7, {"fit": 100.0, "train_on_batch": 50.0}, {}))
    monkeypatch.setattr(training.Trainee, "examples_per_second", lambda *_: 200.0)
    text = quick(hertzian, "mcldnn").out
    assert "an LSTM of Keras has one bias vector, ours two; fewer there: mcldnn 1024" in text


def test_a_keras_that_fails_is_told_beside_ours(hertzian, with_keras):
    with_keras("Keras failed: no memory")
    done = quick(hertzian, TWIN, "--batch", 2)
    assert (done.status, done.err) == (0, "")
    assert f"{TWIN}: Keras failed: no memory" in done.out


def test_compiled_steps_stand_beside_the_others(hertzian, small, monkeypatch):
    monkeypatch.setattr(training.Trainee, "examples_per_second", lambda *_: 1000.0)
    done = quick(hertzian, SMALL, "--compiled", "--json")
    ways = [(way["precision"], way["compiled"]) for way in done.document["networks"][0]["ours"]]
    assert ways == [(p, c) for p in ("32-true", "bf16-mixed") for c in (False, True)]
    assert "32-true, compiled" in quick(hertzian, SMALL, "--compiled").out


def test_without_names_it_takes_those_with_a_twin(hertzian, small, monkeypatch):
    names = []
    monkeypatch.setattr(training, "measure", lambda name, *_: (names.append(name), {})[1])
    done = quick(hertzian, "--no-peers", "--json")
    assert names == ["crosstlnet", "mcldnn", "pet-cgdnn"]
    assert json.loads(done.out)["networks"] == [{}] * 3


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("none",), 1, "unknown model 'none'; known are"),
        ((SMALL, "none"), 1, "unknown model 'none'"),
        ((SMALL, "--batch", "0"), 2, "--batch"),
        ((SMALL, "--threads", "0"), 2, "--threads"),
    ],
)
def test_wrong_use_is_told_before_anything_is_measured(
    hertzian, monkeypatch, arguments, status, message
):
    monkeypatch.setattr(training, "gemm_peak", None)
    monkeypatch.setattr(training, "measure", None)
    done = hertzian("bench", "training", *arguments)
    assert (done.status, done.out) == (status, "")
    assert message in done.err
