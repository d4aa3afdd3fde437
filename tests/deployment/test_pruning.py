import json

import numpy as np
import pytest
import torch
from tests.training.examples import windows

from hertzian.deployment import ModelMetadata, load_predictor
from hertzian.deployment.export import ExportError, save_model
from hertzian.deployment.pruning import prune, prune_with_training
from hertzian.deployment.stored import load_network
from hertzian.models import build, count_parameters, spec
from hertzian.models.shapes import take_shapes
from hertzian.signal import HertzianError
from hertzian.training import Classifier, ImitationPlan, fit


def answers(network, x):
    with torch.no_grad():
        said = network(torch.from_numpy(x))
    return list(said.values()) if isinstance(said, dict) else [said]


def noise(count, samples=128, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2, samples)).astype(np.float32)


@pytest.mark.parametrize("name", ["mtl", "afnet", "cnn1", "ds-cldnn", "resnet-1024"])
@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_a_smaller_network_is_known_by_its_weights(name, keep):
    torch.manual_seed(0)
    described, network = spec(name), build(name).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    smaller = prune(network, described.samples, keep)
    assert count_parameters(smaller) <= keep * count_parameters(network)
    assert count_parameters(smaller) > 0.8 * keep * count_parameters(network)
    again = build(name)
    take_shapes(again, {key: list(value.shape) for key, value in smaller.state_dict().items()})
    again.load_state_dict(smaller.state_dict())
    x = noise(3, described.samples)
    for found, wanted in zip(answers(again.eval(), x), answers(smaller, x), strict=True):
        torch.testing.assert_close(found, wanted, atol=0, rtol=0)
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, before[key], atol=0, rtol=0)


def test_what_goes_is_what_weighs_least():
    network = build("mtl").eval()
    dense = network.heads["modulation"][5]
    with torch.no_grad():
        dense.weight[::2] *= 1e-3
        dense.bias[::2] = 0
        network.heads["protocol"][5].weight[1::2] *= 1e-3
        network.heads["protocol"][5].bias[1::2] = 0
    x = noise(20)
    smaller = prune(network, 128, 0.52)
    for found, wanted in zip(answers(smaller, x), answers(network, x), strict=True):
        torch.testing.assert_close(found, wanted, atol=0.02, rtol=0.02)


@pytest.mark.parametrize(
    ("name", "keep", "message"),
    [
        ("mtl", 1.0, "between 0 and 1, not 1"),
        ("mtl", 0.0, "between 0 and 1, not 0"),
        ("mtl", 0.001, r"Mtl: pruning leaves [\d,]+ of 252,614 parameters at least"),
        ("cldnn", 0.3, "recurrent layers and attention aren't pruned"),
        ("lstm2", 0.3, r"^Lstm2"),
    ],
)
def test_what_can_not_be_pruned_is_refused_in_a_line(name, keep, message):
    with pytest.raises(ExportError, match=message) as refused:
        prune(build(name), spec(name).samples, keep)
    assert "\n" not in str(refused.value)


@pytest.fixture
def stored(tmp_path):
    """A small model that has learnt a little, in its three files."""
    torch.manual_seed(0)
    classes = ("BPSK", "QPSK", "noise")
    options = {"shared": [8], "dense": 64, "noise": 0.1}
    model = build("mtl", classes, protocols=(), **options)
    data = windows(600, 1, samples=128), windows(100, 2, samples=128)
    fit(Classifier(model, 3, 3e-3), *data, epochs=8, batch_size=32, directory=tmp_path / "large")
    metadata = ModelMetadata(
        **{"name": "large", "version": "1", "classes": classes},
        **{"samples": 128, "occupied_share": 0.5, "temperature": 1.5},
        **{"parameters": count_parameters(model), "macs": 1},
    )
    save_model(model, metadata, tmp_path, network={"name": "mtl", "options": options})
    return load_network(tmp_path / "large.onnx")


def test_a_pruned_model_learns_to_answer_as_before(stored, tmp_path):
    data = windows(600, 3, samples=128), windows(100, 4, samples=128)
    plan, out = ImitationPlan(8, 3e-3, batch_size=32), tmp_path / "small.onnx"
    result = prune_with_training(stored, data, out, keep=0.3, directory=tmp_path / "run", plan=plan)
    again, predictor = load_network(out), load_predictor(out)
    assert again.structure.pruned
    assert again.metadata == predictor.metadata
    assert (again.metadata.name, again.metadata.temperature) == ("small", 1.5)
    assert again.metadata.parameters == count_parameters(again.module)
    assert again.metadata.parameters <= 0.3 * stored.metadata.parameters
    assert json.loads((tmp_path / "small.json").read_text())["pruned_from"] == "large"
    x = windows(400, 5, samples=128)[np.arange(400)][0].numpy()
    untrained = prune(stored.module, 128, 0.3)
    (wanted,), (said,), (before,) = (
        answers(one, x) for one in (stored.module, again.module, untrained)
    )
    np.testing.assert_allclose(predictor.logits(x), said.numpy(), atol=1e-4)
    wanted, said, before = (one.softmax(dim=1) for one in (wanted, said, before))
    assert (said - wanted).square().mean() < 0.2 * (before - wanted).square().mean()
    assert (said.argmax(1) == wanted.argmax(1)).float().mean() > 0.9
    assert result.best_accuracy > 0.9


def test_a_pruned_card_is_bounded(stored, tmp_path):
    card = json.loads((tmp_path / "large.json").read_text())
    card["network"] |= {"pruned": True, "options": {"dense": 10**9}}
    (tmp_path / "large.json").write_text(json.dumps(card))
    with pytest.raises(HertzianError, match=r"pruned from [\d,]+ weights, but 50,000,000"):
        load_network(tmp_path / "large.onnx")
    card["network"] |= {"options": {"dense": 32}}
    (tmp_path / "large.json").write_text(json.dumps(card))
    with pytest.raises(HertzianError, match="expected up to"):
        load_network(tmp_path / "large.onnx")
