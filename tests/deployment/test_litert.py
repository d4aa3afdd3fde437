"""Models for LiteRT: what runs them is a package of its own, what writes them an environment.

Run as a script it writes the small model again that the tests read: give it the interpreter that
has LiteRT's converter.
"""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from hertzian.deployment import ModelMetadata, litert, load_predictor
from hertzian.deployment.cards import card_of
from hertzian.deployment.litert import has_litert
from hertzian.deployment.litert_conversion import ENVIRONMENT, ByName, export_litert
from hertzian.deployment.litert_worker import convert
from hertzian.models import build, spec
from hertzian.signal import HertzianError
from hertzian.workers.errors import WorkerError

STORED = Path(__file__).parents[1] / "data" / "four-heads.tflite"
DESCRIBED = ModelMetadata(
    **{"name": "four-heads", "version": "1", "classes": ("BPSK", "QPSK", "GFSK")},
    **{"protocols": ("LoRa", "GSM"), "quantities": ("snr_db", "bandwidth_hz")},
    **{"samples": 32, "occupied_share": 1.0},
    **{"parameters": 0, "macs": 0},
)

installed = pytest.mark.skipif(not has_litert(), reason="needs hertzian[litert]")


class FourHeads(nn.Module):
    """A few layers with weights that no version of torch draws otherwise."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(2, 4, 5, stride=2), nn.ReLU(), nn.Flatten())
        sizes = DESCRIBED.heads().items()
        self.heads = nn.ModuleDict({name: nn.Linear(56, size) for name, size in sizes})
        random = np.random.default_rng(7)
        with torch.no_grad():
            for value in self.parameters():
                value.copy_(torch.from_numpy(random.normal(size=value.shape) / 4))

    def forward(self, x):
        shared = self.body(x)
        # in another order than the description's, which isn't the alphabet's either
        names = ("snr_db", "protocol", "bandwidth_hz", "modulation")
        return {name: self.heads[name](shared) for name in names}


def noise(count, samples=32):
    return np.random.default_rng(count).normal(size=(count, 2, samples)).astype(np.float32)


@pytest.fixture
def copied(tmp_path):
    for file in (STORED, card_of(STORED)):
        shutil.copy(file, tmp_path)
    return tmp_path / STORED.name


@installed
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_a_model_answers_as_the_network_does(threads):
    predictor = load_predictor(STORED, threads)
    assert predictor.metadata == DESCRIBED
    for count in (1, 5):
        x = noise(count)
        with torch.no_grad():
            wanted = FourHeads()(torch.from_numpy(x))
        found = predictor.heads(x)
        assert list(found) == ["modulation", "protocol", "snr_db", "bandwidth_hz"]
        for head, values in found.items():
            np.testing.assert_allclose(values, wanted[head].numpy(), atol=1e-5)
        np.testing.assert_array_equal(predictor.logits(x), found["modulation"])
    with pytest.raises(HertzianError, match="hold NaN"):
        predictor.logits(np.full((1, 2, 32), np.nan))


@installed
def test_nothing_is_printed_of_processors_and_delegates(capfd):
    load_predictor(STORED).logits(noise(1))
    assert capfd.readouterr() == ("", "")


@installed
def test_damaged_files_are_refused_in_a_line(copied):
    whole = copied.read_bytes()
    for damaged in (b"", whole[:1000], whole[: len(whole) // 2], b"\0" * len(whole)):
        copied.write_bytes(damaged)
        with pytest.raises(HertzianError, match=r"\.tflite: not a usable LiteRT model") as refused:
            load_predictor(copied)
        assert "\n" not in str(refused.value)


@installed
def test_a_damaged_byte_anywhere_makes_no_traceback(copied):
    whole, random = copied.read_bytes(), np.random.default_rng(5)
    refused = 0
    for place in random.integers(len(whole), size=150):
        damaged = bytearray(whole)
        damaged[place] ^= int(random.integers(1, 256))
        copied.write_bytes(damaged)
        try:
            load_predictor(copied).logits(noise(1))
        except HertzianError:
            refused += 1
    assert 5 < refused < 145


@installed
def test_a_signature_with_a_broken_name_is_refused(copied):
    whole = copied.read_bytes()
    assert b"bandwidth_hz" in whole
    copied.write_bytes(whole.replace(b"bandwidth_hz", b"band\xff\xfeidth_hz"))
    with pytest.raises(HertzianError, match="not a usable LiteRT model"):
        load_predictor(copied)


@installed
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": 64}, r"input is float32 \[1, 2, 32\], expected float32 \[1, 2, 64\]"),
        ({"classes": ["BPSK", "QPSK"]}, r"output modulation is float32 \[1, 3\], expected"),
        ({"quantities": ["symbol_rate_hz"]}, "the outputs modulation, protocol, symbol_rate_hz, f"),
        ({"protocols": []}, None),
    ],
)
def test_what_contradicts_its_description_is_refused(copied, changes, words):
    card = json.loads(card_of(copied).read_text())
    card_of(copied).write_text(json.dumps(card | changes))
    if words is None:
        assert "protocol" not in load_predictor(copied).heads(noise(2))
        return
    with pytest.raises(HertzianError, match=words):
        load_predictor(copied)


@installed
def test_memory_and_threads_are_bounded(copied, monkeypatch):
    with pytest.raises(HertzianError, match="threads must be 1 or more, not 0"):
        load_predictor(copied, 0)
    monkeypatch.setattr(litert, "MOST_TENSOR_BYTES", 1000)
    with pytest.raises(HertzianError, match=r"its tensors take 0 MB, but a model may have 0"):
        load_predictor(copied)
    card_of(copied).unlink()
    with pytest.raises(HertzianError, match=r"\.tflite\.json: no such file; it describes"):
        load_predictor(copied)


def test_without_litert_it_is_named(monkeypatch):
    monkeypatch.setattr(litert, "has_litert", lambda: False)
    with pytest.raises(HertzianError, match=r"needs LiteRT: pip install 'hertzian\[litert\]'"):
        load_predictor(STORED)


def test_a_converter_that_fails_leaves_nothing(tmp_path):
    # this interpreter has no converter
    with pytest.raises(WorkerError, match="converter failed: ModuleNotFoundError") as told:
        export_litert(FourHeads(), DESCRIBED, tmp_path / "out.tflite", Path(sys.executable))
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_the_worker_converts_what_it_is_handed(tmp_path, monkeypatch):
    class Converted:
        def __init__(self, module, example):
            self.answer = module(*example)

        def export(self, path):
            Path(path).write_text(json.dumps({k: list(v.shape) for k, v in self.answer.items()}))

    monkeypatch.setitem(sys.modules, "litert_torch", SimpleNamespace(convert=Converted))
    named = ByName(FourHeads(), list(DESCRIBED.heads()))
    program, out = tmp_path / "network.pt2", tmp_path / "out.tflite"
    torch.export.save(torch.export.export(named, (torch.zeros(1, 2, 32),)), program)
    assert convert({"program": str(program), "out": str(out)}) == {"torch": torch.__version__}
    assert json.loads(out.read_text()) == {k: [1, n] for k, n in DESCRIBED.heads().items()}


@installed
def test_networks_are_converted(tmp_path):
    try:
        python = ENVIRONMENT.find_python()
    except WorkerError as error:
        pytest.skip(str(error))
    torch.manual_seed(0)
    network, told = build("mtl").eval(), spec("mtl")
    metadata = DESCRIBED.model_copy(
        update={
            **{"classes": told.classes, "protocols": told.protocols},
            **{"quantities": (), "samples": told.samples},
        }
    )
    export_litert(network, metadata, tmp_path / "mine.tflite", python)
    predictor, x = load_predictor(tmp_path / "mine.tflite"), noise(3, told.samples)
    with torch.no_grad():
        wanted = network(torch.from_numpy(x))
    for head, values in predictor.heads(x).items():
        np.testing.assert_allclose(values, wanted[head].numpy(), atol=1e-4)


if __name__ == "__main__":
    export_litert(FourHeads(), DESCRIBED, STORED, Path(sys.argv[1]))
