import numpy as np
import onnx
import pytest
import torch

from hertzian.datasets.opening import open_dataset
from hertzian.datasets.synthesis import synthesise
from hertzian.deployment import DatasetIdentity, ModelMetadata, OnnxPredictor, find_model
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
    with pytest.raises(HertzianError, match=r"windows must be \[n, 2, 128\], not \[3, 2, 64\]"):
        quantize_after_training(mtl[0], noise(3, 64), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize(
    ("windows", "message"),
    [(noise(0), "need one window or more, found none"), (np.full((3, 2, 128), np.nan), "hold NaN")],
)
def test_windows_that_set_no_scale_are_refused(mtl, tmp_path, windows, message):
    with pytest.raises(HertzianError, match=message):
        quantize_after_training(mtl[0], windows, tmp_path / "out.onnx")


def test_another_name_of_the_input_will_do(mtl, tmp_path):
    model = onnx.load(mtl[0])
    for node in model.graph.node:
        node.input[:] = ["iq" if name == "x" else name for name in node.input]
    model.graph.input[0].name = "iq"
    onnx.save(model, tmp_path / "iq.onnx")
    quantize_after_training(tmp_path / "iq.onnx", noise(40), tmp_path / "int8.onnx")
    assert count_integers(tmp_path / "int8.onnx").float_kernels == {}


def test_what_is_no_model_gives_one_line(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"")
    with pytest.raises(
        HertzianError, match=r"m\.onnx: is no model that can be quantised"
    ) as caught:
        count_integers(tmp_path / "m.onnx")
    assert "\n" not in str(caught.value)


def test_the_data_that_set_the_scales_count_as_seen(mtl, tmp_path):
    seen = DatasetIdentity(preset="radcom-awgn", seed=3)
    quantize_after_training(mtl[0], noise(40), tmp_path / "out.onnx", [seen])
    assert OnnxPredictor(tmp_path / "out.onnx").metadata.trained_on == (seen,)


def test_fourier_transforms_stay_in_floats(tmp_path):
    synthesise("field", tmp_path / "d.h5", per=4, seed=3, snr_db=(15.0,))
    x = open_dataset(tmp_path / "d.h5").x[:]
    path = find_model("field")
    quantize_after_training(path, x[::2], tmp_path / "out.onnx")
    counts = count_integers(tmp_path / "out.onnx")
    assert set(counts.integer_kernels) == {"QGemm", "QLinearConv"}
    assert sum(counts.float_kernels.values()) >= 4
    ours, theirs = (OnnxPredictor(one).logits(x[1::2]) for one in (path, tmp_path / "out.onnx"))
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() > 0.9


def test_what_stays_in_floats_is_told(tmp_path, monkeypatch, mtl):
    monkeypatch.setattr("hertzian.deployment.quantization._STATIC", ("Softplus",))
    with pytest.raises(ExportError, match="has no layer that onnxruntime computes in integers"):
        quantize_after_training(mtl[0], noise(20), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_the_file_is_onnx_and_nothing_else(mtl):
    model = onnx.load(mtl[1])
    assert [entry.key for entry in model.metadata_props] == ["hertzian"]
    assert b"/tmp" not in mtl[1].read_bytes()
