import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.recognition.fakes import metadata

from hertzian.deployment import (
    ModelMetadata,
    OnnxPredictor,
    find_model,
    finding,
    load_predictor,
    runtime,
    shipped_names,
)
from hertzian.signal import HertzianError


@pytest.fixture
def predictor(tiny_model, tmp_path):
    return OnnxPredictor(tiny_model().write(tmp_path / "model.onnx"), threads=1)


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_logits_are_those_of_the_model_for_any_number_of_windows(predictor, tiny_model, count):
    windows = np.random.default_rng(1).normal(size=(count, 2, 8)).astype(np.float32)
    logits = predictor.logits(windows)
    assert logits.dtype == np.float32
    assert logits.shape == (count, 3)
    np.testing.assert_allclose(
        logits, windows.reshape(count, 16) @ tiny_model().weights, rtol=1e-4, atol=1e-5
    )


def test_metadata_come_back_as_they_were_stored(predictor):
    assert predictor.metadata.classes == ("BPSK", "QPSK", "noise")
    assert predictor.metadata.samples == 8
    assert predictor.metadata.occupied_share == 0.25
    assert predictor.metadata.temperature == 1.0
    assert predictor.metadata.evidence_exponent == 0.0


def test_how_often_a_prefix_is_missed_depends_on_the_length():
    known = metadata(prefix_missed=((1000, 0.5), (5000, 0.1)))
    lengths = (0, 999, 1000, 4999, 5000, 10**6)
    assert [known.missed_prefixes(n) for n in lengths] == [1.0, 1.0, 0.5, 0.5, 0.1, 0.1]
    assert metadata().missed_prefixes(10**6) == 1.0
    with pytest.raises(ValueError, match="less than or equal to 1"):
        metadata(prefix_missed=((1000, 1.5),))
    for wrong in ([(0, 0.5)], [(2, 0.5), (1, 0.5)], [(2, 0.5), (2, 0.4)]):
        with pytest.raises(ValueError, match="samples must rise from 1 on"):
            metadata(prefix_missed=tuple(wrong))


def test_there_is_one_bias_a_class_or_none():
    assert metadata(biases=(0.1, -0.2, 0.0)).biases == (0.1, -0.2, 0.0)
    with pytest.raises(ValueError, match="2 biases for 3 classes"):
        metadata(biases=(0.1, -0.2))
    with pytest.raises(ValueError, match="1 biases for 2 protocols"):
        metadata(protocols=("GSM", "DAB"), protocol_biases=(0.1,))


def test_heads_are_those_that_the_metadata_name():
    assert metadata().heads() == {"modulation": 3}
    known = metadata(protocols=("GSM", "DAB"), quantities=("snr_db", "bandwidth"))
    assert known.heads() == {"modulation": 3, "protocol": 2, "snr_db": 1, "bandwidth": 1}
    with pytest.raises(ValueError, match="protocols are none, or two or more different"):
        metadata(protocols=("GSM", "GSM"))
    with pytest.raises(ValueError, match="protocols are none, or two or more different"):
        metadata(protocols=("GSM",))
    for wrong in (("snr_db", "snr_db"), ("logits",), ("protocol",), ("x",)):
        with pytest.raises(ValueError, match="quantities have names of their own, each once"):
            metadata(quantities=wrong)


def test_metadata_survive_json():
    metadata = ModelMetadata(
        **{"name": "m", "version": "2", "classes": ("QAM16", "lora"), "samples": 1024},
        **{"occupied_share": 0.5, "temperature": 1.7, "parameters": 1, "macs": 2},
        trained_on=({"preset": "field", "seed": 3},),
    )
    assert metadata.classes == ("16QAM", "CSS")
    assert ModelMetadata.model_validate_json(metadata.model_dump_json()) == metadata


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"classes": ["BPSK", "nonsense", "noise"]}, "nonsense"),
        ({"classes": ["OOK", "2ASK", "noise"]}, "same canonical name"),
        ({"classes": ["BPSK", "QPSK"]}, "output"),
        ({"samples": 9}, "input"),
        ({"samples": 0}, "samples"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"occupied_share": 1.5}, "occupied_share"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_metadata_are_named_in_one_line(tiny_model, tmp_path, change, fragment):
    path = tiny_model().write(tmp_path / "wrong.onnx", **change)
    with pytest.raises(HertzianError, match=fragment) as caught:
        OnnxPredictor(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_metadata_says_what_to_do(tiny_model, tmp_path):
    proto = tiny_model().proto()
    del proto.metadata_props[:]
    (tmp_path / "bare.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(HertzianError, match="has no 'hertzian' metadata"):
        OnnxPredictor(tmp_path / "bare.onnx")


def test_a_fixed_batch_is_refused(tiny_model, tmp_path):
    with pytest.raises(HertzianError, match="fixed batch of 1"):
        OnnxPredictor(tiny_model().write(tmp_path / "fixed.onnx", batch=1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(predictor, bad):
    windows = np.zeros((300, 2, 8), np.float32)
    windows[299, 1, 7] = bad
    with pytest.raises(HertzianError, match="NaN or infinite"):
        predictor.logits(windows)


def test_double_precision_beyond_single_is_refused(predictor):
    with pytest.raises(HertzianError, match="NaN or infinite"):
        predictor.logits(np.full((1, 2, 8), 1e300))


def test_logits_beyond_single_precision_are_refused(predictor, tiny_model):
    signs = np.sign(tiny_model().weights[:, 0]).reshape(1, 2, 8)
    with pytest.raises(HertzianError, match="logits"):
        predictor.logits(3e38 * signs)


@pytest.mark.parametrize(
    "windows",
    [np.zeros((2, 8)), np.zeros((1, 8, 2)), np.zeros((1, 2, 9)), np.zeros((1, 2, 8), complex)],
)
def test_windows_of_another_form_are_refused(predictor, windows):
    with pytest.raises(HertzianError, match="windows must be"):
        predictor.logits(windows)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_model_give_one_line(tmp_path_factory, junk):
    path = tmp_path_factory.getbasetemp() / "junk.onnx"
    path.write_bytes(junk)
    with pytest.raises(HertzianError) as caught:
        OnnxPredictor(path)
    assert "\n" not in str(caught.value)


def test_a_cut_off_model_is_refused(tiny_model, tmp_path):
    whole = tiny_model().proto().SerializeToString()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HertzianError, match="not a"):
        OnnxPredictor(tmp_path / "cut.onnx")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        os.truncate(file.fileno(), runtime.LARGEST_FILE_BYTES + 1)
    with pytest.raises(HertzianError, match="200 MB"):
        OnnxPredictor(path)


def test_values_in_other_files_are_refused(tiny_model, tmp_path, monkeypatch):
    from onnx import external_data_helper

    proto = tiny_model().proto()
    (tensor,) = proto.graph.initializer
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    external_data_helper.set_external_data(tensor, location="weights.bin")
    tensor.ClearField("raw_data")
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HertzianError, match="other files"):
        OnnxPredictor(tmp_path / "model.onnx")


def test_threads_must_be_positive(tiny_model, tmp_path):
    with pytest.raises(HertzianError, match="threads"):
        OnnxPredictor(tiny_model().write(tmp_path / "model.onnx"), threads=0)


def test_a_model_is_found_by_name_folder_and_path(tiny_model, tmp_path, monkeypatch):
    shipped, run = tmp_path / "weights", tmp_path / "run"
    shipped.mkdir()
    run.mkdir()
    monkeypatch.setattr(finding, "SHIPPED", shipped)
    in_package = tiny_model().write(shipped / "tiny.onnx", name="shipped")
    of_run = tiny_model().write(run / "model.onnx", name="run")
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert shipped_names() == ("tiny",)
    assert find_model("tiny") == in_package
    assert load_predictor("tiny").metadata.name == "shipped"
    assert load_predictor(run).metadata.name == "run"
    assert load_predictor(str(of_run)).metadata.name == "run"
    with pytest.raises(HertzianError, match=r"holds model\.onnx"):
        find_model("./tiny")
    with pytest.raises(HertzianError, match=r"no such model; give a shipped name \(tiny\)"):
        find_model("absent")
    with pytest.raises(HertzianError, match="no such model"):
        find_model("../weights/tiny")


def test_metadata_are_frozen(predictor):
    with pytest.raises(ValidationError):
        predictor.metadata.name = "other"


@pytest.mark.base
def test_the_runtime_does_not_import_torch():
    code = "import sys, hertzian.deployment; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"torch", "lightning", "onnx", "sklearn"}
