import numpy as np
import onnx
import pytest
import torch

from hertzian.deployment import ModelMetadata, OnnxPredictor
from hertzian.deployment.export import ExportError, export_onnx
from hertzian.deployment.quantization import count_integers, quantize_after_training
from hertzian.models import build, spec
from hertzian.signal import HertzianError


def written(name, path, **options):
    torch.manual_seed(0)
    described, model = spec(name), build(name, **options)
    metadata = ModelMetadata(
        **{"name": name, "version": "1", "classes": described.classes, "macs": 0},
        **{"samples": described.samples, "occupied_share": 1.0, "parameters": 0},
        **{"protocols": described.protocols, "temperature": 1.5},
    )
    export_onnx(model, metadata, path)
    return path


def noise(count, samples=128, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2, samples)).astype(np.float32)


@pytest.fixture(scope="module")
def mtl(tmp_path_factory):
    """The multi-task network in floats and in integers."""
    folder = tmp_path_factory.mktemp("quantised")
    path = written("mtl", folder / "mtl.onnx")
    quantize_after_training(path, noise(300), folder / "int8.onnx")
    return path, folder / "int8.onnx"


def test_every_weight_and_every_layer_is_in_integers(mtl):
    before, after = map(count_integers, mtl)
    assert (before.int8_weights, before.integer_kernels) == (0, {})
    # three convolutions, folded, and four dense layers; biases are of 32 bits
    assert after.int8_weights > 251_000
    assert after.float_weights < 1000
    assert after.integer_kernels == {"QGemm": 4, "QLinearConv": 3}
    assert after.float_kernels == {}
    assert after.bytes < 300_000 < 1_000_000 < before.bytes


def test_answers_stay_and_so_does_what_the_file_says(mtl):
    first, second = map(OnnxPredictor, mtl)
    assert first.metadata == second.metadata
    x = noise(500, seed=1)
    ours, theirs = first.heads(x), second.heads(x)
    for head, values in ours.items():
        span = values.max() - values.min()
        assert np.abs(values - theirs[head]).max() < 0.05 * span
        assert (values.argmax(axis=1) == theirs[head].argmax(axis=1)).mean() > 0.97


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_the_input_still_does_not_matter(mtl, scale):
    predictor, x = OnnxPredictor(mtl[1]), noise(20, seed=2)
    np.testing.assert_allclose(predictor.logits(scale * x), predictor.logits(x), atol=0.05)


def test_a_recurrent_layer_is_quantised_too(tmp_path):
    path = written("lstm2", tmp_path / "lstm2.onnx")
    quantize_after_training(path, noise(20), tmp_path / "int8.onnx")
    counts = count_integers(tmp_path / "int8.onnx")
    assert counts.integer_kernels["DynamicQuantizeLSTM"] == 2
    assert counts.bytes < 0.3 * path.stat().st_size


def test_windows_of_another_form_are_refused(mtl, tmp_path):
    with pytest.raises(HertzianError, match=r"windows must be \[n, 2, 128\], not \[1, 2, 64\]"):
        quantize_after_training(mtl[0], noise(3, 64), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_what_stays_in_floats_is_told(tmp_path, monkeypatch, mtl):
    monkeypatch.setattr("hertzian.deployment.quantization._STATIC", ("Softplus",))
    with pytest.raises(ExportError, match="has no layer that onnxruntime computes in integers"):
        quantize_after_training(mtl[0], noise(20), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_the_file_is_onnx_and_nothing_else(mtl):
    model = onnx.load(mtl[1])
    assert [entry.key for entry in model.metadata_props] == ["hertzian"]
    assert b"/tmp" not in mtl[1].read_bytes()
