import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hertzian.deployment import ModelMetadata, load_predictor
from hertzian.deployment.export import save_model
from hertzian.deployment.finding import SHIPPED, shipped_names
from hertzian.deployment.stored import Structure, load_network
from hertzian.models import build
from hertzian.signal import HertzianError

CLASSES, PROTOCOLS = ("BPSK", "QPSK", "2FSK"), ("GSM", "DAB")
OPTIONS = {"shared": [6], "dense": 32}


@pytest.fixture
def folder(tmp_path):
    """A small model with two heads and a quantity, in its three files."""
    torch.manual_seed(0)
    model = build("mtl", CLASSES, protocols=PROTOCOLS, quantities=("snr_db",), **OPTIONS)
    metadata = ModelMetadata(
        **{"name": "two", "version": "1", "classes": CLASSES, "protocols": PROTOCOLS},
        **{"quantities": ("snr_db",), "samples": 128, "occupied_share": 0.5},
        **{"parameters": 0, "macs": 0},
    )
    save_model(model, metadata, tmp_path, network={"name": "mtl", "options": OPTIONS})
    return tmp_path


def change(folder, **entries):
    card = json.loads((folder / "two.json").read_text())
    (folder / "two.json").write_text(json.dumps(card | entries))


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_network_is_that_of_its_onnx_file(name):
    stored, predictor = load_network(name), load_predictor(name)
    assert stored.metadata == predictor.metadata
    x = np.random.default_rng(0).normal(size=(3, 2, stored.metadata.samples)).astype(np.float32)
    with torch.no_grad():
        answer = stored.module(torch.from_numpy(x))
    found = answer if isinstance(answer, dict) else {"modulation": answer}
    expected = predictor.heads(x)
    assert list(found) == list(expected)
    for head, values in expected.items():
        np.testing.assert_allclose(found[head].numpy(), values, atol=1e-3)
    assert not stored.module.training


def test_heads_and_options_come_back(folder):
    stored = load_network(folder / "two.safetensors")
    assert (stored.structure.name, stored.structure.options) == ("mtl", OPTIONS)
    x = np.random.default_rng(0).normal(size=(3, 2, 128)).astype(np.float32)
    expected = load_predictor(folder / "two.onnx").heads(x)
    with torch.no_grad():
        found = stored.module(torch.from_numpy(x))
    assert list(found) == ["modulation", "protocol", "snr_db"]
    for head, values in expected.items():
        np.testing.assert_allclose(found[head].numpy(), values, atol=1e-4)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"network": {"name": "mlt"}}, "unknown model 'mlt'"),
        ({"network": {"name": "mtl", "options": {"depth": 3}}}, "'mtl' has no option 'depth'"),
        ({"network": {"name": "mtl", "options": {"dense": "wide"}}}, "can't be built with these"),
        ({"network": {"name": "iqclnet", "options": {"pair": [3]}}}, "can't be built with these"),
        ({"quantities": ["keys"]}, "can't be built with these classes"),
        ({"quantities": ["snr.db"]}, "not a model card: quantities.0"),
        ({"samples": 64}, r"two\.json: network 'mtl' can't be built with .* and samples"),
        ({"samples": 1 << 24}, "windows of 16777216 samples, but up to 65536 are rebuilt"),
        # refused before anything of that size is allocated
        ({"network": {"name": "mtl", "options": {"dense": 10**9}}}, "weights of another network"),
        ({"network": {"name": "dae"}}, "weights of another network than its card says"),
        ({"network": 3}, "not a model card: "),
        ({"classes": ["BPSK", "QPSK"]}, "weights of another network"),
        ({"samples": -1}, "not a model card: samples"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(folder, entries, message):
    change(folder, **entries)
    with pytest.raises(HertzianError, match=message):
        load_network(folder / "two.onnx")


@pytest.mark.parametrize("text", ["[]", "{", '{"name": "two"}', "[" * 100_000])
def test_what_is_no_card_gives_one_line(folder, text):
    (folder / "two.json").write_text(text)
    with pytest.raises(
        HertzianError, match=r"two\.json: (not a model card|does not say)"
    ) as caught:
        load_network(folder / "two.onnx")
    assert "\n" not in str(caught.value)


def test_damaged_or_missing_files_are_named(folder):
    (folder / "two.safetensors").write_bytes(b"\x08" * 64)
    with pytest.raises(HertzianError, match="cannot be read as safetensors"):
        load_network(folder / "two.onnx")
    (folder / "two.safetensors").unlink()
    with pytest.raises(HertzianError, match=r"two\.safetensors: no such file; a network is"):
        load_network(folder / "two.onnx")
    (folder / "two.json").write_bytes(b" " * 1_000_001)
    (folder / "two.safetensors").touch()
    with pytest.raises(HertzianError, match="a card may have 1 MB"):
        load_network(folder / "two.onnx")


def test_weights_that_are_no_numbers_are_refused(folder):
    tensors = load_file(folder / "two.safetensors")
    next(one for one in tensors.values() if one.is_floating_point()).view(-1)[0] = torch.nan
    save_file(tensors, folder / "two.safetensors")
    with pytest.raises(HertzianError, match="weights that are NaN or infinite"):
        load_network(folder / "two.onnx")


def test_a_card_of_before_says_what_to_do(tmp_path):
    for path in SHIPPED.glob("pet-cgdnn.*"):
        shutil.copy(path, tmp_path)
    card = json.loads((tmp_path / "pet-cgdnn.json").read_text())
    del card["network"]
    (tmp_path / "pet-cgdnn.json").write_text(json.dumps(card))
    with pytest.raises(HertzianError, match="does not say which network it is; train the model"):
        load_network(tmp_path / "pet-cgdnn.onnx")


CLUSTERS = {
    **{"answers": ["BPSK", "QPSK", "GFSK", "noise"], "width": 4, "bare": False},
    **{"modulations": ["OOK", "2FSK", "OOK"], "protocols": [None, "doorbell", None]},
    **{"temperature": 0.8, "biases": [0.1, 0.0, -0.1, 0.2]},
}


@pytest.fixture
def named(tmp_path):
    """A small model of named clusters, in its three files."""
    torch.manual_seed(0)
    structure = Structure(name="dtc", options={"samples": 32}, clusters=CLUSTERS)
    metadata = ModelMetadata(
        **{"name": "two", "version": "1", "classes": ("OOK", "2FSK", "unknown", "noise")},
        **{"protocols": ("doorbell", "none"), "samples": 32, "occupied_share": 0.5},
        **{"parameters": 0, "macs": 0},
    )
    network = structure.model_dump(mode="json")
    save_model(structure.network(metadata), metadata, tmp_path, network=network)
    return tmp_path


def test_named_clusters_come_back(named):
    stored = load_network(named / "two.onnx")
    x = np.random.default_rng(0).normal(size=(3, 2, 32)).astype(np.float32)
    expected = load_predictor(named / "two.onnx").heads(x)
    with torch.no_grad():
        found = stored.module(torch.from_numpy(x))
    for head in ("modulation", "protocol"):
        np.testing.assert_allclose(found[head].numpy(), expected[head], atol=1e-4)
        np.testing.assert_allclose(np.exp(expected[head]).sum(1), 1, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modulations": ["OOK", "2FSK", "BPSK"]}, "can't be built with these classes"),
        ({"protocols": ["a", "b", "c"]}, "can't be built with these classes"),
        ({"width": 5}, "weights of another network than its card says"),
        ({"answers": ["BPSK", "noise"], "biases": []}, "weights of another network than its card"),
        ({"answers": ["a", "b", "c", "noise"]}, "can't be built with these classes"),
        ({"width": 1 << 30}, "not a model card"),
        ({"biases": [0.1]}, "biases are of all 4 answers, or of none"),
        ({"protocols": ["a"]}, "protocols are of all 3 clusters, or of none"),
        ({"temperature": 0}, "not a model card"),
        ({"bare": True}, "weights of another network than its card says"),
    ],
)
def test_clusters_of_strangers_are_checked(named, changes, message):
    network = {"name": "dtc", "options": {"samples": 32}, "clusters": CLUSTERS | changes}
    change(named, network=network)
    with pytest.raises(HertzianError, match=message):
        load_network(named / "two.onnx")
