import numpy as np
import pytest
import torch

from hertzian.deployment import DatasetIdentity, ModelMetadata, OnnxPredictor
from hertzian.deployment.aware import RoundingNetwork, quantize_with_training
from hertzian.deployment.export import ExportError
from hertzian.deployment.quantization import count_integers
from hertzian.models import build, spec
from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset, ImitationPlan


def noise(count, samples=128, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2, samples)).astype(np.float32)


def source(count, seed):
    return ArrayDataset([(noise(count, seed=seed), np.zeros(count, np.int64))])


def settled(network):
    """Give batch norms statistics that folding can get wrong."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(1e-3, 2.0)
    return network.eval()


def metadata(name):
    described = spec(name)
    return ModelMetadata(
        **{"name": name, "version": "1", "classes": described.classes, "macs": 0},
        **{"samples": described.samples, "occupied_share": 1.0, "parameters": 0},
        **{"protocols": described.protocols, "temperature": 1.5},
    )


def test_without_rounding_it_is_the_network():
    torch.manual_seed(0)
    network = settled(build("mtl", noise=0.1))
    copied = RoundingNetwork(network, 128, ["protocol", "modulation"]).train()
    for layer in copied.modules():
        if hasattr(layer, "disable_fake_quant"):
            layer.disable_fake_quant()
    x = torch.from_numpy(noise(5))
    with torch.no_grad():
        expected, found = network(x), copied(x)
    assert list(found) == ["protocol", "modulation"]
    for head, values in found.items():
        torch.testing.assert_close(values, expected[head], atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def mtl(tmp_path_factory):
    """The network, its file in integers, and how the training ended."""
    folder = tmp_path_factory.mktemp("aware")
    torch.manual_seed(0)
    network = settled(build("mtl"))
    result = quantize_with_training(
        network,
        metadata("mtl"),
        (source(1000, 1), source(200, 2)),
        folder / "int8.onnx",
        directory=folder / "run",
        plan=ImitationPlan(4, 1e-4, batch_size=32),
        seen=[DatasetIdentity(preset="noise", seed=1)],
    )
    return network, folder / "int8.onnx", result


def test_every_layer_is_in_integers(mtl):
    counts = count_integers(mtl[1])
    assert counts.integer_kernels == {"QGemm": 4, "QLinearConv": 3}
    assert counts.float_kernels == {}
    assert counts.int8_weights > 251_000
    assert counts.float_weights < 1200
    assert counts.bytes < 300_000


def test_it_answers_as_the_network_does(mtl):
    network, path, result = mtl
    predictor, x = OnnxPredictor(path), noise(1000, seed=5)
    assert predictor.metadata.temperature == 1.5
    assert predictor.metadata.trained_on == (DatasetIdentity(preset="noise", seed=1),)
    with torch.no_grad():
        expected = network(torch.from_numpy(x))
    for head, values in predictor.heads(x).items():
        wanted = expected[head].numpy()
        assert (values.argmax(axis=1) == wanted.argmax(axis=1)).mean() > 0.95
        assert np.abs(values - wanted).mean() < 0.05 * wanted.std()
    assert result.best_accuracy > 0.95


def test_batches_of_any_size_give_the_same(mtl):
    predictor, x = OnnxPredictor(mtl[1]), noise(9, seed=6)
    whole = predictor.heads(x)["protocol"]
    single = np.concatenate([predictor.heads(one[None])["protocol"] for one in x])
    np.testing.assert_allclose(single, whole, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_the_input_still_does_not_matter(mtl, scale):
    predictor, x = OnnxPredictor(mtl[1]), noise(20, seed=2)
    np.testing.assert_allclose(predictor.logits(scale * x), predictor.logits(x), atol=0.05)


def test_padded_and_recurrent_layers_become_integers_too(tmp_path):
    torch.manual_seed(0)
    network, out = settled(build("cldnn")), tmp_path / "int8.onnx"
    quantize_with_training(
        network,
        metadata("cldnn"),
        (source(64, 1), source(32, 2)),
        out,
        directory=tmp_path / "run",
        plan=ImitationPlan(1, 1e-5, batch_size=32),
    )
    counts = count_integers(out)
    assert counts.integer_kernels == {"DynamicQuantizeLSTM": 1, "QGemm": 2, "QLinearConv": 3}
    assert counts.float_kernels == {}
    x = noise(50, seed=3)
    with torch.no_grad():
        wanted = network(torch.from_numpy(x)).numpy()
    assert np.abs(OnnxPredictor(out).logits(x) - wanted).mean() < 0.2 * wanted.std()


def test_ranges_move_in_every_epoch(tmp_path, monkeypatch):
    moving = []
    forward = RoundingNetwork.forward

    def watched(self, x):
        if self.training:
            moving.append(all(bool(one.observer_enabled) for one in observers(self)))
        return forward(self, x)

    monkeypatch.setattr(RoundingNetwork, "forward", watched)
    quantize_with_training(
        build("mtl").eval(),
        metadata("mtl"),
        (source(64, 1), source(32, 2)),
        tmp_path / "int8.onnx",
        directory=tmp_path / "run",
        plan=ImitationPlan(3, 1e-5, batch_size=32),
    )
    assert moving == [True] * 6


def observers(network):
    return [layer for layer in network.modules() if hasattr(layer, "observer_enabled")]


def test_windows_of_another_length_are_refused(tmp_path):
    parts = [ArrayDataset([(noise(8, samples=64), np.zeros(8, np.int64))])] * 2
    with pytest.raises(HertzianError, match=r"windows must be \[n, 2, 128\], not \[8, 2, 64\]"):
        quantize_with_training(
            build("mtl"),
            metadata("mtl"),
            (parts[0], parts[1]),
            tmp_path / "out.onnx",
            directory=tmp_path / "run",
            plan=ImitationPlan(1, 1e-4),
        )


class Recurrent(torch.nn.Module):
    """A network in which nothing rounds."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.GRU(2, 6, batch_first=True)

    def forward(self, x):
        return self.layer(x.transpose(1, 2))[0][:, -1]


def test_a_network_without_such_layers_is_refused(tmp_path):
    with pytest.raises(ExportError, match="cnn2: it is convolutions and dense layers"):
        quantize_with_training(
            Recurrent(),
            metadata("cnn2"),
            (source(4, 1), source(4, 2)),
            tmp_path / "out.onnx",
            directory=tmp_path / "run",
            plan=ImitationPlan(1, 1e-4),
        )
    assert not list(tmp_path.iterdir())
