"""Programs for ExecuTorch; `hertzian[executorch]` is not part of what the other tests need."""

import json

import numpy as np
import pytest
import torch

from hertzian.deployment import DatasetIdentity, ModelMetadata, load_predictor, programs
from hertzian.deployment.aware import quantize_program, quantize_with_training
from hertzian.deployment.cards import card_of
from hertzian.deployment.export import ExportError
from hertzian.deployment.programs import export_program, has_executorch
from hertzian.models import build, spec
from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset, ImitationPlan

installed = pytest.mark.skipif(not has_executorch(), reason="needs hertzian[executorch]")


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2, 128)).astype(np.float32)


def described(name="mtl"):
    told = spec(name)
    return ModelMetadata(
        **{"name": name, "version": "1", "classes": told.classes, "protocols": told.protocols},
        **{"samples": 128, "occupied_share": 1.0, "parameters": 0, "macs": 0},
    )


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build("mtl").eval()


@installed
def test_a_program_answers_as_the_network_does(network, tmp_path):
    export_program(network, described(), tmp_path / "mtl.pte")
    predictor = load_predictor(tmp_path / "mtl.pte", 1)
    assert predictor.metadata == described()
    for count in (1, 7, 64, 130):
        x = noise(count)
        with torch.no_grad():
            wanted = network(torch.from_numpy(x))
        for head, values in predictor.heads(x).items():
            np.testing.assert_allclose(values, wanted[head].numpy(), atol=1e-4)
    with pytest.raises(HertzianError, match="hold NaN"):
        predictor.logits(np.full((1, 2, 128), np.nan))


@installed
@pytest.mark.parametrize("trained", [True, False])
def test_a_program_in_integers(network, tmp_path, trained):
    out, seen = tmp_path / "int8.pte", [DatasetIdentity(preset="noise", seed=1)]
    if trained:
        parts = [ArrayDataset([(noise(n, n), np.zeros(n, np.int64))]) for n in (600, 100)]
        plan = ImitationPlan(2, 1e-4, batch_size=32)
        quantize_with_training(
            network,
            described(),
            (parts[0], parts[1]),
            out,
            directory=tmp_path / "run",
            plan=plan,
            seen=seen,
        )
    else:
        quantize_program(network, described(), noise(500, 1), out, seen)
    assert out.stat().st_size < 300_000
    predictor, x = load_predictor(out), noise(500, 5)
    assert predictor.metadata.trained_on == tuple(seen)
    with torch.no_grad():
        wanted = network(torch.from_numpy(x))
    for head, values in predictor.heads(x).items():
        expected = wanted[head].numpy()
        assert (values.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.93
        assert np.abs(values - expected).mean() < 0.08 * expected.std()


@installed
def test_damaged_files_are_refused_in_a_line(network, tmp_path):
    path = tmp_path / "mtl.pte"
    export_program(network, described(), path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:1000], whole[: len(whole) // 2], b"\0" * len(whole)):
        path.write_bytes(damaged)
        with pytest.raises(HertzianError, match=r"mtl\.pte: not a usable program") as refused:
            load_predictor(path)
        assert "\n" not in str(refused.value)
    path.write_bytes(whole)
    card = json.loads(card_of(path).read_text())
    card["classes"] = card["classes"][:4]
    card_of(path).write_text(json.dumps(card))
    with pytest.raises(HertzianError, match="answered with shape"):
        load_predictor(path).logits(noise(3))
    card_of(path).write_text("[]")
    with pytest.raises(HertzianError, match="not a model card"):
        load_predictor(path)
    card_of(path).unlink()
    with pytest.raises(HertzianError, match=r"mtl\.pte\.json: no such file; it describes mtl\.pte"):
        load_predictor(path)


@installed
def test_what_a_program_plans_is_bounded(network, tmp_path, monkeypatch):
    export_program(network, described(), tmp_path / "mtl.pte")
    with pytest.raises(HertzianError, match="threads must be 1 or more, not 0"):
        load_predictor(tmp_path / "mtl.pte", 0)
    monkeypatch.setattr(programs, "MOST_PLANNED_BYTES", 1000)
    with pytest.raises(HertzianError, match=r"mtl\.pte: plans \d+ MB of memory, but"):
        load_predictor(tmp_path / "mtl.pte")


@pytest.mark.skipif(has_executorch(), reason="tells what is missing")
def test_without_executorch_it_is_named(network, tmp_path):
    path = tmp_path / "mtl.pte"
    missing = r"need executorch: pip install 'hertzian\[train,executorch\]'"
    with pytest.raises(ExportError, match=missing):
        export_program(network, described(), path)
    with pytest.raises(ExportError, match="need executorch"):
        quantize_program(network, described(), noise(4), path)
    path.write_bytes(b"")
    with pytest.raises(ExportError, match="need executorch"):
        load_predictor(path)
