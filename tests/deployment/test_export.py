import json
from collections import Counter

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from hertzian.deployment import ModelMetadata, OnnxPredictor
from hertzian.deployment.export import (
    ExportError,
    export_onnx,
    load_safetensors,
    save_model,
    save_safetensors,
    write_card,
)
from hertzian.models import build, count_macs, count_parameters, spec
from hertzian.signal import HertzianError


def _metadata(model, **changes):
    fields = {
        **{"name": "field", "version": "0.0.1", "classes": spec("field").classes},
        **{"samples": 1024, "occupied_share": 1 / 3, "macs": count_macs(model, 1024)},
        "parameters": count_parameters(model),
    }
    return ModelMetadata(**{**fields, **changes})


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = build("field")
    # Batch norm as training leaves it: folding it into the convolutions must not be a no-op.
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.3, 3)
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias, 0, 0.3)
    return model.train()


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "weights"
    save_model(network, _metadata(network), folder, measured={"accuracy": 0.5})
    return folder


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30, 0.0])
def test_onnx_agrees_with_torch(network, folder, batch, scale):
    noise = np.random.default_rng(5).normal(size=(batch, 2, 1024))
    noise[0, :, 700:] = 0  # a burst
    x = (noise * scale).astype(np.float32)
    network.eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    network.train()
    assert np.isfinite(expected).all()
    assert np.abs(OnnxPredictor(folder / "field.onnx").logits(x) - expected).max() < 1e-4


def test_file_carries_our_metadata_and_no_other(network, folder):
    model = onnx.load(folder / "field.onnx")
    assert [entry.key for entry in model.metadata_props] == ["hertzian"]
    holders = (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer)
    assert not any(holder.metadata_props for holder in holders)
    assert OnnxPredictor(folder / "field.onnx").metadata == _metadata(network)
    written = (folder / "field.onnx").read_bytes()
    assert b".py" not in written
    assert len(written) < 3_000_000


def test_batch_norm_is_folded_and_no_fourier_operator_is_needed(folder):
    operators = Counter(node.op_type for node in onnx.load(folder / "field.onnx").graph.node)
    # One is left: that of the moments follows no convolution.
    assert operators["BatchNormalization"] == 1
    assert not {"DFT", "STFT"} & set(operators)


def test_export_leaves_the_mode_of_the_network(network, folder):
    assert network.training


def test_export_refuses_classes_that_are_not_the_networks(network, tmp_path):
    metadata = _metadata(network, classes=("BPSK", "QPSK"))
    with pytest.raises(ExportError, match=r"modulation \[2, 2\].* found modulation \[2, 27\]"):
        export_onnx(network, metadata, tmp_path / "wrong.onnx")
    assert not list(tmp_path.iterdir())


def test_safetensors_bring_every_weight_and_statistic_back(network, folder):
    torch.manual_seed(1)
    other = build("field")
    load_safetensors(other, folder / "field.safetensors")
    x = torch.randn(2, 2, 1024, generator=torch.Generator().manual_seed(2))
    network.eval()
    with torch.no_grad():
        assert torch.equal(other.eval()(x), network(x))
    network.train()
    assert (folder / "field.safetensors").stat().st_size < 3_000_000


def test_weights_of_other_sizes_are_refused_and_change_nothing(folder):
    two = build("field", ("BPSK", "QPSK"))
    before = {name: tensor.clone() for name, tensor in two.state_dict().items()}
    with pytest.raises(ExportError, match=r"head\.3\.(weight|bias) is .*27.*expected .*2"):
        load_safetensors(two, folder / "field.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in two.state_dict().items())


def test_weights_of_another_network_are_refused(folder, tmp_path):
    with pytest.raises(ExportError, match=r"another network \(missing bias and 1 more, not known"):
        load_safetensors(nn.Linear(2, 2), folder / "field.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    with pytest.raises(ExportError, match="cannot be read as safetensors"):
        load_safetensors(nn.Linear(2, 2), tmp_path / "broken.safetensors")
    save_safetensors(nn.Linear(2, 2), tmp_path / "fine.safetensors")
    load_safetensors(nn.Linear(2, 2), tmp_path / "fine.safetensors")


def test_card_is_the_metadata_and_the_notes(network, folder, tmp_path):
    card = json.loads((folder / "field.json").read_text())
    assert card.pop("measured") == {"accuracy": 0.5}
    assert ModelMetadata.model_validate(card) == _metadata(network)
    with pytest.raises(ExportError, match="already say macs"):
        write_card(_metadata(network), tmp_path / "card.json", macs=3)


def test_heads_are_outputs_of_the_file(tmp_path):
    torch.manual_seed(0)
    model = build("mtl", quantities=("snr_db",)).eval()
    described = spec("mtl")
    metadata = ModelMetadata(
        **{"name": "mtl", "version": "1", "classes": described.classes, "samples": 128},
        **{"occupied_share": 0.5, "parameters": 0, "macs": 0, "quantities": ("snr_db",)},
        protocols=described.protocols,
    )
    export_onnx(model, metadata, tmp_path / "mtl.onnx")
    predictor = OnnxPredictor(tmp_path / "mtl.onnx")
    x = np.random.default_rng(0).normal(size=(300, 2, 128)).astype(np.float32)
    with torch.no_grad():
        expected = {name: value.numpy() for name, value in model(torch.from_numpy(x)).items()}
    found = predictor.heads(x)
    assert list(found) == ["modulation", "protocol", "snr_db"]
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-4)
    assert np.array_equal(predictor.logits(x), found["modulation"])
    with pytest.raises(ExportError, match=r"expected modulation \[2, 6\] for the metadata, found "):
        export_onnx(
            model, metadata.model_copy(update={"protocols": (), "quantities": ()}), tmp_path / "m"
        )


def test_a_file_without_a_head_of_its_metadata_is_refused(tmp_path):
    model = build("mtl", protocols=())
    fields = {"name": "mtl", "version": "1", "classes": spec("mtl").classes, "samples": 128}
    metadata = ModelMetadata(**fields, occupied_share=0.5, parameters=0, macs=0)
    export_onnx(model, metadata, tmp_path / "mtl.onnx")
    written = onnx.load(tmp_path / "mtl.onnx")
    claimed = metadata.model_copy(update={"protocols": ("GSM", "DAB")})
    onnx.helper.set_model_props(written, {"hertzian": claimed.model_dump_json()})
    onnx.save(written, tmp_path / "claims.onnx")
    with pytest.raises(HertzianError, match=r"the outputs logits, protocol .* found 1 and logits"):
        OnnxPredictor(tmp_path / "claims.onnx")
