import itertools
import json
from types import SimpleNamespace

import pytest
import torch

from hertzian.experiments import training
from hertzian.experiments.peers import keras
from hertzian.experiments.peers.keras import Twin
from hertzian.experiments.training import Effort, Trainee, Way, gemm_peak, measure, published_batch
from hertzian.models import registry
from hertzian.models.registry import ModelSpec, spec
from hertzian.signal import HertzianError
from hertzian.workers.errors import WorkerError

LITTLE = Effort(seconds=0.0, rounds=1, threads=1)
PLAIN = Way("32-true")


def nothing(steps):
    pass


@pytest.fixture
def network(monkeypatch):
    """Enters a network of 8 samples and 3 classes into the registry, with the body that is given.

    Without one it has 48 + 3 parameters and sees each training batch in `seen`.
    """
    seen = []

    class Dense(torch.nn.Module):
        def __init__(self, class_count):
            super().__init__()
            self.dense = torch.nn.Linear(16, class_count)

        def forward(self, x):
            if self.training:
                seen.append((tuple(x.shape), torch.is_autocast_enabled("cpu")))
            return self.dense(x.flatten(1))

    def enter(factory=Dense):
        made = ModelSpec("tiny", factory, 8, ("a", "b", "c"), None)
        monkeypatch.setitem(registry._SPECS, "tiny", made)
        return seen

    registry.names()
    return enter


@pytest.mark.parametrize("precision", training.PRECISIONS)
def test_steps_after_the_warm_up_count(network, tmp_path, precision):
    seen = network()
    speed = Trainee("tiny", 5, Way(precision), tmp_path).examples_per_second(LITTLE)
    assert speed > 0
    steps = training.WARM_UP + training.LEAST_STEPS
    assert seen == [((5, 2, 8), precision == "bf16-mixed")] * steps
    assert list(tmp_path.iterdir()) == []


def test_a_trainee_goes_on_for_as_long_as_it_is_told_and_again(network, tmp_path, monkeypatch):
    seen = network()
    trainee = Trainee("tiny", 4, PLAIN, tmp_path)
    threads = torch.get_num_threads()
    clock = itertools.count()
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    # a second between two looks at the clock: 20 steps of 4 examples in 20 seconds
    assert trainee.examples_per_second(Effort(20.0, 1, 1)) == 4
    assert len(seen) == training.WARM_UP + 20
    assert trainee.examples_per_second(LITTLE) == 4
    assert torch.get_num_threads() == threads


def test_batches_are_those_of_the_papers():
    named = ("crosstlnet", "mcldnn", "pet-cgdnn", "afnet", "resnet-1024")
    assert [published_batch(spec(name)) for name in named] == [32, 400, 400, 512, 128]


def test_a_processor_multiplies_faster_than_one_flop_a_nanosecond(monkeypatch):
    monkeypatch.setattr(training, "_MATRIX", 256)
    threads = torch.get_num_threads()
    assert gemm_peak("32-true", 1, 0.0) > 1e8
    assert gemm_peak("bf16-mixed", 1, 0.0) > 1e8
    assert torch.get_num_threads() == threads


def test_ours_alone(network, tmp_path):
    network()
    turns = []
    ways = [PLAIN, Way("bf16-mixed")]
    told = measure("tiny", 6, ways, Effort(0.0, 2, 1), tmp_path, None, turns.append)
    assert turns == [1] * 4
    assert (told["name"], told["batch"], told["samples"]) == ("tiny", 6, 8)
    assert (told["parameters"], told["macs"]) == (51, 48)
    assert [(way["precision"], way["compiled"]) for way in told["ours"]] == [
        ("32-true", False),
        ("bf16-mixed", False),
    ]
    for way in told["ours"]:
        # forward and two gradients, two FLOPs each
        assert way["flop_per_second"] == pytest.approx(6 * 48 * way["examples_per_second"])
        assert way["ratio"] is None
    assert (told["keras"], told["failed"]) == (None, None)
    json.dumps(told)


@pytest.fixture
def turns(network, monkeypatch, tmp_path):
    """Lets both sides answer from lists, and notes whose turn it was."""
    network()
    monkeypatch.setattr(keras, "TWINS", ("tiny",))
    turns = []
    ours = iter([100.0, 300.0, 200.0])
    only = [{"train_on_batch": speed} for speed in (20.0, 10.0)]
    theirs = iter([{"fit": 40.0, "train_on_batch": 50.0}, *only])

    def train(self, effort):
        turns.append("ours")
        return next(ours)

    def measure_training(name, model, *, ways, **arguments):
        turns.append(ways)
        return Twin(48, 1e-7 * len(turns), next(theirs), {"keras": "3.15"})

    monkeypatch.setattr(Trainee, "examples_per_second", train)
    monkeypatch.setattr(keras, "measure_training", measure_training)
    return turns


def test_keras_and_ours_take_turns_and_medians_are_compared(turns, tmp_path):
    told = measure("tiny", 6, [PLAIN], Effort(1.0, 3, 2), tmp_path, tmp_path / "python", nothing)
    only = ("train_on_batch",)
    assert turns == ["ours", ("fit", "train_on_batch"), "ours", only, "ours", only]
    assert told["ours"][0]["ratio"] == pytest.approx(200 / 20)
    assert told["keras"] == {
        "way": "train_on_batch",
        "examples_per_second": 20.0,
        "first_turn": {"fit": 40.0, "train_on_batch": 50.0},
        "parameters": 48,
        "largest_difference": pytest.approx(6e-7),
        "versions": {"keras": "3.15"},
    }


def test_ours_goes_on_where_keras_fails(turns, tmp_path, monkeypatch):
    def fail(*arguments, **named):
        turns.append("failed")
        raise WorkerError("Keras failed: no memory")

    monkeypatch.setattr(keras, "measure_training", fail)
    told = measure("tiny", 6, [PLAIN], Effort(1.0, 3, 2), tmp_path, tmp_path / "python", nothing)
    assert turns == ["ours", "failed", "ours", "ours"]
    assert (told["keras"], told["failed"]) == (None, "Keras failed: no memory")
    assert (told["ours"][0]["examples_per_second"], told["ours"][0]["ratio"]) == (200.0, None)


def test_a_network_without_a_twin_is_measured_alone(turns, tmp_path, monkeypatch):
    monkeypatch.setattr(keras, "TWINS", ())
    told = measure("tiny", 6, [PLAIN], Effort(1.0, 1, 1), tmp_path, tmp_path / "python", nothing)
    assert turns == ["ours"]
    assert told["keras"] is None


def test_several_heads_are_refused(network, tmp_path):
    class Heads(torch.nn.Module):
        def forward(self, x):
            return {"one": x, "two": x}

    network(lambda class_count: Heads())
    with pytest.raises(HertzianError, match="tiny has several heads: name a network that has one"):
        measure("tiny", 6, [PLAIN], LITTLE, tmp_path, None, nothing)


def test_what_can_not_be_compiled_is_told(network, tmp_path, monkeypatch):
    network()

    def refuse(forward):
        def call(x):
            raise RuntimeError("no working C++ compiler\nfound")

        return call

    monkeypatch.setattr(torch, "compile", refuse)
    trainee = Trainee("tiny", 4, Way("32-true", compiled=True), tmp_path)
    with pytest.raises(HertzianError) as error:
        trainee.examples_per_second(LITTLE)
    assert str(error.value) == (
        "torch.compile can't do tiny (no working C++ compiler): leave --compiled out"
    )
