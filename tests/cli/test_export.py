import numpy as np
import pytest

from hertzian.cli import output
from hertzian.deployment import load_predictor


def test_a_shipped_model_is_written_as_one_file(hertzian, tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "mine.onnx"
    done = hertzian("export", "pet-cgdnn", out, "--json")
    assert done.document == {
        **{"model": "pet-cgdnn", "network": "pet-cgdnn", "file": str(out)},
        "bytes": out.stat().st_size,
    }
    mine, shipped = load_predictor(out), load_predictor("pet-cgdnn")
    assert mine.metadata == shipped.metadata
    x = np.random.default_rng(0).normal(size=(2, 2, 128))
    np.testing.assert_allclose(mine.logits(x), shipped.logits(x), atol=1e-4)
    assert hertzian("export", "pet-cgdnn", out).out.startswith(f"wrote {out} (29")


def test_a_program_for_small_devices(hertzian, tmp_path):
    pytest.importorskip("torch")
    from hertzian.deployment.programs import has_executorch

    done = hertzian("export", "pet-cgdnn", tmp_path / "mine.pte")
    if has_executorch():
        wanted = "pet-cgdnn: has GRU, and ExecuTorch no kernels for recurrent layers"
    else:
        wanted = "programs (.pte) need executorch: pip install"
    assert done.err.startswith(f"error: {wanted}")
    assert not list(tmp_path.iterdir())


@pytest.mark.base
def test_other_files_are_refused(hertzian):
    done = hertzian("export", "pet-cgdnn", "mine.keras")
    assert done.status == 2
    assert "is no .onnx, .pte or .tflite file" in done.err


def test_a_tflite_needs_the_converter(hertzian, tmp_path):
    done = hertzian("export", "pet-cgdnn", tmp_path / "mine.tflite", "--litert", tmp_path)
    assert done.status == 1
    assert done.err.startswith(f"error: LiteRT's converter is not installed in {tmp_path}: install")
    assert not list(tmp_path.iterdir())


@pytest.mark.base
def test_it_says_what_it_needs(hertzian, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "_missing", lambda: ["torch"])
    done = hertzian("export", "pet-cgdnn", tmp_path / "mine.onnx")
    assert (done.status, done.err) == (
        1,
        "error: `hertzian export` needs torch: pip install 'hertzian[train]'\n",
    )
