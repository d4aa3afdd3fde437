import pytest

from hertzian.cli import output


def test_a_model_in_integers_and_what_changed(hertzian, tmp_path):
    pytest.importorskip("torch")
    from hertzian.datasets.synthesis import synthesise

    data, out = tmp_path / "d.h5", tmp_path / "int8.onnx"
    synthesise("rml2016-10a", data, per=3, seed=4, snr_db=(18.0,))
    told = hertzian("quantize", "pet-cgdnn", data, out, "--windows", 20, "--json").document
    assert (told["windows"], told["asked"], told["file"]) == (20, 13, str(out))
    assert told["same_answer"]["modulation"] > 0.8
    assert told["after"]["integer_kernels"] == {"QGemm": 2, "QLinearConv": 2}
    assert told["after"]["float_kernels"] == {"GRU": 1}
    assert told["after"]["bytes"] == out.stat().st_size < told["before"]["bytes"]
    text = hertzian("quantize", "pet-cgdnn", data, out, "--windows", 20).out
    assert "modulation: the same answer in" in text
    assert "1 GRU" in text
    assert "was trained on this data" in hertzian("evaluate", out, data).err
    synthesise("rml2016-10a", data, per=3, seed=5, snr_db=(18.0,))
    assert hertzian("evaluate", out, data, "--json").document["examples"] == 33
    done = hertzian("quantize", out, data, out)
    assert (done.status, done.err) == (1, f"error: {out}: is the model itself; name another file\n")


def test_a_model_learns_to_be_in_integers(hertzian, tmp_path):
    torch = pytest.importorskip("torch")
    from hertzian.datasets.synthesis import synthesise
    from hertzian.deployment import ModelMetadata
    from hertzian.deployment.export import save_model
    from hertzian.models import build, spec

    torch.manual_seed(0)
    described, model = spec("cnn2"), build("cnn2")
    metadata = ModelMetadata(
        **{"name": "large", "version": "1", "classes": described.classes, "samples": 128},
        **{"occupied_share": 0.5, "parameters": 858123, "macs": 10**6},
    )
    save_model(model, metadata, tmp_path, network={"name": "cnn2", "options": {}})
    data, out = tmp_path / "d.h5", tmp_path / "int8.onnx"
    synthesise("rml2016-10a", data, per=4, seed=4, snr_db=(18.0,))
    arguments = ("--method", "qat", "--windows", 30, "--epochs", 1, "--json")
    done = hertzian("quantize", tmp_path / "large.onnx", data, out, *arguments)
    told = done.document
    assert (told["method"], told["windows"], told["asked"]) == ("qat", 30, 3)
    assert told["after"]["integer_kernels"] == {"QGemm": 2, "QLinearConv": 4}
    assert told["after"]["float_kernels"] == {}
    assert "torchao" not in done.err  # nor what else the libraries say of themselves
    assert done.err.count("\n") == 1
    assert not (tmp_path / "int8.onnx.training").exists()
    again = hertzian("quantize", tmp_path / "large.safetensors", data, out, *arguments)
    assert again.document == told | {"model": str(tmp_path / "large.safetensors")}
    weights = tmp_path / "large.safetensors"
    done = hertzian("quantize", weights, data, tmp_path / "large.onnx", *arguments)
    assert "large.onnx: is the model itself" in done.err
    done = hertzian("quantize", out, data, tmp_path / "again.onnx", "--method", "qat")
    assert "int8.safetensors: no such file" in done.err
    from hertzian.deployment.programs import has_executorch

    program = tmp_path / "int8.pte"
    done = hertzian("quantize", tmp_path / "large.onnx", data, program, "--windows", 30)
    if not has_executorch():
        assert "need executorch" in done.err
        return
    assert "modulation: the same answer in" in done.out
    assert "the model was trained on this data" in hertzian("evaluate", program, data).err
    synthesise("rml2016-10a", data, per=4, seed=5, snr_db=(18.0,))
    assert hertzian("evaluate", program, data, "--json").document["examples"] == 44


@pytest.mark.base
def test_wrong_use_is_refused(hertzian, tmp_path, monkeypatch):
    done = hertzian("quantize", "field", tmp_path / "d.h5", "small.bin")
    assert done.status == 2
    assert "is no .onnx or .pte file" in done.err
    monkeypatch.setattr(output, "_missing", lambda: ["onnx"])
    done = hertzian("quantize", "field", tmp_path / "d.h5", tmp_path / "small.onnx")
    assert done.err == "error: `hertzian quantize` needs onnx: pip install 'hertzian[train]'\n"
