"""Every registered network through its ONNX file, beside the network itself."""

import numpy as np
import pytest
import torch
from torch import nn

from hertzian.deployment import ModelMetadata, OnnxPredictor
from hertzian.deployment.export import export_onnx
from hertzian.models import build, names, spec
from hertzian.signal import HertzianError


def _gru_shapes(inp, hidden, params, has_biases, hidden_fn, reverse=False):
    return hidden.expand(inp.shape[0], -1, -1).clone(), hidden.clone()


def _lstm_shapes(inp, hidden, params, has_biases, reverse=False):
    return hidden[0].expand(inp.shape[0], -1, -1).clone(), tuple(one.clone() for one in hidden)


def as_trained(name):
    """Return a network in evaluation, with batch norm as training leaves it."""
    torch.manual_seed(0)
    model = build(name)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return model.eval()


def windows(samples):
    """Windows as they come, and at the edges: bursts, real ones, imaginary ones, zeros."""
    x = np.random.default_rng(0).normal(size=(6, 2, samples)).astype(np.float32)
    x[1, :, samples // 3 :] = 0
    x[2, 1] = 0  # phases of 0 and pi alone
    x[3, 0] = 0
    x[4] = 0
    return x


@pytest.mark.parametrize("name", names())
def test_onnx_agrees_with_torch_at_any_scale(name, tmp_path, monkeypatch):
    # torch unrolls recurrent layers three times to infer shapes; what it exports is not touched.
    monkeypatch.setattr("torch._decomp.decompositions.one_layer_rnn", _gru_shapes)
    monkeypatch.setattr("torch._decomp.decompositions.one_layer_lstm", _lstm_shapes)
    described, model = spec(name), as_trained(name)
    fields = {"name": name, "version": "1", "classes": described.classes, "occupied_share": 1.0}
    counts = {"samples": described.samples, "parameters": 0, "macs": 0}
    metadata = ModelMetadata(**fields, **counts, protocols=described.protocols)
    export_onnx(model, metadata, tmp_path / "network.onnx")
    predictor = OnnxPredictor(tmp_path / "network.onnx")
    x = windows(described.samples)
    for batch in (x, x[:1], 1e-30 * x, 1e30 * x):
        with torch.no_grad():
            answer = model(torch.from_numpy(batch))
        expected = answer if isinstance(answer, dict) else {"modulation": answer}
        found = predictor.heads(batch)
        assert list(found) == list(expected)
        for head, values in expected.items():
            # fresh weights give small logits: as much of these
            tolerance = 1e-4 * min(1.0, float(values.abs().max()))
            assert np.abs(found[head] - values.numpy()).max() < tolerance
    x[5, 1, 7] = np.nan
    with pytest.raises(HertzianError, match="windows hold NaN"):
        predictor.logits(x)
