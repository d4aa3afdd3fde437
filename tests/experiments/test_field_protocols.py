"""The shipped model learns protocols at a scale of seconds, and forgets nothing."""

import json

import numpy as np
import pytest
import torch

from hertzian.datasets.protocols import PROTOCOL_CLASSES, PROTOCOLS
from hertzian.deployment import load_predictor
from hertzian.deployment.stored import load_network
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.field_protocols import OnFrozen, _apart, with_protocols
from hertzian.recognition import Recogniser
from hertzian.signal import MODULATION, PROTOCOL

TINY = (
    "stages.data.training=60",
    "stages.data.close=40",
    "stages.data.wide=40",
    "stages.data.validation=20",
    "stages.data.calibration=20",
    "stages.head.epochs=4",
    "stages.head.threads=1",
    "stages.model.asked_recordings=12",
    "stages.evidence.recordings=21",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "protocols"
    recipe = load_recipe("field-protocols", "smoke", TINY)
    return folder, run_recipe(recipe, "smoke", folder, command="test")


def windows(count=20):
    random = np.random.default_rng(1)
    return random.standard_normal((count, 2, 1024)).cumsum(axis=2).astype(np.float32)


def test_it_learns_more_than_that_most_is_none(run):
    metrics = run[1].metrics
    # a good third of the detections is of a protocol, of 20
    assert metrics["protocols_named_by_windows_alone"]["mean"] > 0.3
    assert metrics["none_named_by_windows_alone"]["mean"] > 0.5
    assert metrics["protocol_nll"]["mean"] <= metrics["protocol_nll_before_calibration"]["mean"]


def test_modulations_are_named_as_before(run):
    x = windows()
    shipped, taught = load_predictor("field"), load_predictor(run[0])
    np.testing.assert_allclose(taught.logits(x), shipped.logits(x), atol=2e-4)
    changed = {name for name in type(taught.metadata).model_fields if "protocol" not in name}
    changed -= {"parameters", "macs", "trained_on"}
    for name in changed:
        assert getattr(taught.metadata, name) == getattr(shipped.metadata, name)


def test_the_model_says_what_it_knows_of_protocols(run):
    metadata = load_predictor(run[0]).metadata
    assert metadata.protocols == PROTOCOL_CLASSES
    assert len(metadata.protocol_biases) == len(PROTOCOL_CLASSES)
    assert set(metadata.protocol_bandwidths_hz) < set(PROTOCOLS)
    assert len(metadata.protocol_bandwidths_hz) > 5
    assert set(metadata.protocol_repeating) == set(PROTOCOL_CLASSES)
    assert set(metadata.protocol_repetitions_s) <= set(PROTOCOL_CLASSES)
    seen = {(one.preset, one.seed) for one in metadata.trained_on}
    assert {("field-protocols", seed) for seed in range(1, 6)} <= seen
    assert ("field", 1) in seen
    card = json.loads((run[0] / "model.json").read_text())
    assert card["network"]["name"] == "field"


def test_recognition_asks_both_heads(run):
    n = np.arange(40_000)
    random = np.random.default_rng(3)
    noise = random.standard_normal((n.size, 2)).view(np.complex128)[:, 0]
    iq = noise + 20 * np.exp(2j * np.pi * (0.1 * n + 2e-7 * n**2))
    found = Recogniser.load(run[0]).recognise(iq, sample_rate=1e6)
    assert found
    assert all((one.protocol is None) == (one.protocol_confidence is None) for one in found)


def test_the_recogniser_is_measured_on_recordings_of_its_own(run):
    found = run[1].metrics["evidence"]
    assert 15 <= found["transmissions"]["mean"] <= 21
    assert 0 < found["of_a_protocol"]["mean"] <= found["heard"]["mean"]
    assert found["named_rightly"]["mean"] + found["named_wrongly"]["mean"] <= 1


def test_only_the_head_learns():
    both = with_protocols(load_network("field"))
    model = OnFrozen(both, PROTOCOL).train()
    learning = [name for name, p in model.named_parameters() if p.requires_grad]
    assert learning
    assert all(name.startswith("head.") for name in learning)
    assert not any(layer.training for layer in model.network.modules())
    assert model.head.training
    alone = both.eval().alone(MODULATION)
    x = torch.from_numpy(windows(4))
    with torch.no_grad():
        torch.testing.assert_close(alone(x), both(x)[MODULATION])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s._replace(structure=s.structure.model_copy(update={"pruned": True})), "pruned"),
        (
            lambda s: s._replace(metadata=s.metadata.model_copy(update={"quantities": ("q",)})),
            "estimates quantities",
        ),
    ],
)
def test_a_base_that_would_lose_something_is_refused(change, message):
    with pytest.raises(ExperimentError, match=message):
        with_protocols(change(load_network("field")))


def test_times_that_were_heard_stay_apart():
    assert _apart([3e-6, 1e-3, 3e-6]) == (3e-6, 3e-6, 1e-3)
    many = _apart([1e-3] * 900 + [5e-6] * 100)
    assert set(many) == {1e-3, 5e-6}
    assert 15 < many.count(5e-6) < 25
