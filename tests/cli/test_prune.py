import json

import pytest

from hertzian.cli import output


@pytest.fixture
def trained(tmp_path):
    """A network of two heads in its three files, and windows of its kinds."""
    torch = pytest.importorskip("torch")
    from hertzian.datasets.synthesis import synthesise
    from hertzian.deployment import ModelMetadata
    from hertzian.deployment.export import save_model
    from hertzian.models import build, spec

    torch.manual_seed(0)
    described, options = spec("mtl"), {"shared": [4], "dense": 32}
    model = build("mtl", protocols=described.protocols, **options)
    metadata = ModelMetadata(
        **{"name": "large", "version": "1", "classes": described.classes, "samples": 128},
        **{"protocols": described.protocols, "occupied_share": 0.5},
        **{"parameters": sum(value.numel() for value in model.parameters()), "macs": 10**6},
    )
    save_model(model, metadata, tmp_path, network={"name": "mtl", "options": options})
    synthesise("radcom-dynamic", tmp_path / "d.h5", per=4, seed=4, snr_db=(0.0, 18.0))
    return tmp_path / "large.onnx", tmp_path / "d.h5"


def test_a_model_becomes_smaller(hertzian, trained, tmp_path):
    (model, data), out = trained, tmp_path / "small.onnx"
    done = hertzian("prune", model, data, out, "--keep", "0.5", "--epochs", 2, "--json")
    told = done.document
    assert (told["model"], told["file"], told["epochs"]) == (str(model), str(out), 2)
    assert told["after"]["parameters"] <= told["before"]["parameters"] / 2
    assert told["bytes"] == out.stat().st_size < model.stat().st_size
    assert set(told["same_answer"]) == {"modulation", "protocol"}
    assert all(0 <= share <= 1 for share in told["same_answer"].values())
    assert not (tmp_path / "small.onnx.training").exists()
    text = hertzian("prune", model, data, tmp_path / "again.onnx", "--epochs", 1).out
    assert "parameters: " in text
    assert "protocol: the same answer in" in text
    assert ".safetensors and .json beside it" in text
    mode = (tmp_path / "again.safetensors").stat().st_mode
    assert mode == (tmp_path / "again.onnx").stat().st_mode
    # what comes out is taken by the others
    assert "was trained on this data" in hertzian("evaluate", out, data).err
    assert hertzian("export", out, tmp_path / "same.onnx", "--json").status == 0
    assert (tmp_path / "same.onnx").read_bytes() == out.read_bytes()


def test_an_interrupted_training_goes_on(hertzian, trained, tmp_path, monkeypatch):
    from hertzian.deployment import pruning

    (model, data), out = trained, tmp_path / "small.onnx"
    arguments = ("prune", model, data, out, "--keep", "0.5", "--epochs", 2)
    with monkeypatch.context() as patched:
        patched.setattr(pruning, "save_model", lambda *args, **notes: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hertzian(*arguments)
    folder = tmp_path / "small.onnx.training"
    assert (folder / "last.ckpt").is_file()
    done = hertzian("prune", model, data, out, "--keep", "0.4", "--epochs", 2)
    assert done.err == (
        f"error: {folder}: is not what this command left when it was interrupted; remove it, or "
        f"name another OUT\n"
    )
    done = hertzian(*arguments)
    assert done.status == 0
    assert "epoch" not in done.err  # both were finished before
    assert out.is_file()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--keep", "1.5"), "the share of the parameters to keep is between 0 and 1, not 1.5"),
        (("--keep", "0.001"), "Mtl: pruning leaves "),
        (("--windows", "3"), "greater than or equal to 10"),
    ],
)
def test_what_can_not_be_is_refused(hertzian, trained, tmp_path, arguments, message):
    done = hertzian("prune", *trained, tmp_path / "small.onnx", *arguments)
    assert done.status in (1, 2)
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "small.onnx").exists()
    assert not (tmp_path / "small.onnx.training").exists()


def test_a_model_is_not_written_over(hertzian, trained):
    model, data = trained
    done = hertzian("prune", model, data, model)
    assert (done.status, done.err) == (
        1,
        f"error: {model}: is the model itself; name another file\n",
    )


def test_a_model_without_its_weights_is_refused(hertzian, trained, tmp_path):
    model, data = trained
    card = json.loads(model.with_suffix(".json").read_text())
    del card["network"]
    model.with_suffix(".json").write_text(json.dumps(card))
    done = hertzian("prune", model, data, tmp_path / "small.onnx")
    assert "does not say which network it is" in done.err
    model.with_suffix(".safetensors").unlink()
    done = hertzian("prune", model, data, tmp_path / "small.onnx")
    assert "large.safetensors: no such file; a network is rebuilt from its weights" in done.err


@pytest.mark.parametrize("name", ["small.ONNX", f"{'n' * 201}.onnx"])
def test_names_that_no_model_can_have_are_refused(hertzian, trained, tmp_path, name):
    done = hertzian("prune", *trained, tmp_path / name)
    assert done.status in (1, 2)
    assert "is no .onnx file" in done.err or "has 200 characters at most" in done.err


@pytest.mark.base
def test_wrong_use_is_refused(hertzian, tmp_path, monkeypatch):
    done = hertzian("prune", "field", tmp_path / "d.h5", "small.bin")
    assert done.status == 2
    assert "is no .onnx file" in done.err
    monkeypatch.setattr(output, "_missing", lambda: ["torch"])
    done = hertzian("prune", "field", tmp_path / "d.h5", tmp_path / "small.onnx")
    assert done.err == "error: `hertzian prune` needs torch: pip install 'hertzian[train]'\n"
