import json

import numpy as np
import pytest
from tests.experiments.classifiers.recipes import context

from hertzian.datasets.opening import open_dataset
from hertzian.datasets.synthesis import synthesise
from hertzian.deployment import load_predictor
from hertzian.evaluation import evaluate_windows
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.classifiers.data import DatasetSettings, make_dataset
from hertzian.experiments.classifiers.multitask import (
    HeadSettings,
    MultiTaskSettings,
    test_head,
    train_multitask,
)
from hertzian.experiments.classifiers.train import WeightedSettings, train_weighted

test_head.__test__ = False

RECIPE = """\
name: tiny
title: Modulation, protocol and SNR at once, for tests
paper: null
seeds: [0]
published:
  mtl-protocol: {accuracy_by_snr: {"10": 0.99}, source: "table III"}
compare:
  - {better: mtl-modulation, worse: mtl-protocol}
stages:
  data:
    kind: dataset
    preset: radcom-awgn-corrected
    per: {smoke: 40, small: 80, full: null}
    snr: [2, 10, 18]
    split: random
    fractions: {train: 0.7, validation: 0.2, test: 0.1}
  unseen:
    {kind: dataset, preset: radcom-awgn-corrected, seed: 1, per: 10, snr: [10, 18],
     fractions: {test: 1}}
  mtl:
    {kind: train-multitask, model: mtl, epochs: 15, batch_size: 32, learning_rate: 2.0e-3,
     quantities: [snr_db, bandwidth_hz], weights: null}
  mtl-modulation: {kind: test-head, network: mtl, head: modulation, data: unseen}
  mtl-protocol: {kind: test-head, network: mtl, head: protocol, data: unseen, confusion_at: [10]}
  mtl-snr: {kind: test-head, network: mtl, head: snr_db}
  mtl-bandwidth: {kind: test-head, network: mtl, head: bandwidth_hz}
  model: {kind: classifier-model, network: mtl, name: tiny}
"""


HEADS = ("modulation", "protocol", "snr_db", "bandwidth_hz")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multitask")
    (folder / "tiny.yaml").write_text(RECIPE)
    recipe = load_recipe(folder / "tiny.yaml", "smoke")
    return run_recipe(recipe, "smoke", folder / "run", command="test"), folder / "run"


def test_every_head_learns(run):
    metrics = run[0].metrics
    assert metrics["mtl-modulation"]["accuracy"]["mean"] > 0.5  # chance is 1/9
    assert metrics["mtl-protocol"]["accuracy"]["mean"] > 0.5  # chance is 1/11
    # a constant would be off by the standard deviation of 2, 10, 18
    assert metrics["mtl-snr"]["rms_error"]["mean"] < 5.0 < np.std([2, 10, 18])
    # their geometric mean would be off by 63% in the median
    assert metrics["mtl-bandwidth"]["median_error"]["mean"] < 0.45
    assert metrics["mtl"]["parameters"]["mean"] == 254_156 + 2 * (300 + 124_160 + 257)


def test_heads_are_tested_on_data_of_their_own(run):
    metrics, folder = run[0].metrics, run[1]
    assert metrics["unseen"] == {"test_windows": metrics["unseen"]["test_windows"]}
    assert metrics["mtl-protocol"]["examples"]["mean"] == 12 * 2 * 10
    assert set(metrics["mtl-protocol"]["accuracy_by_snr"]) == {"10", "18"}
    assert len(metrics["mtl-protocol"]["confusion_at"]["10"]["classes"]) == 11
    assert set(metrics["mtl-snr"]["rms_error_by_snr"]) == {"2", "10", "18"}
    pulsed = metrics["mtl-bandwidth"]["by_modulation"]["PCW"]
    assert pulsed["examples"]["mean"] == metrics["mtl-bandwidth"]["examples"]["mean"] / 3
    (name,) = metrics["comparisons"]
    assert name == "mtl-modulation - mtl-protocol"
    page = (folder / "report.html").read_text()
    assert "mtl-protocol" in page
    assert "rms_error" in page
    assert "Training of mtl" in page
    document = json.loads((folder / "result.json").read_text())
    assert document["trained_on"] == [{"preset": "radcom-awgn-corrected", "seed": 0}]


def test_learned_weights_and_the_training_are_kept(run):
    block = run[0].metrics["mtl"]
    weights = [block["loss_weights"][head]["mean"] for head in HEADS]
    assert all(weight > 0 and weight != 1 for weight in weights)
    assert {"validation_accuracy_protocol", "validation_error_snr_db"} <= set(block["history"])


def test_the_model_has_every_head(run, tmp_path):
    result, folder = run
    predictor = load_predictor(folder)
    described = predictor.metadata
    assert (len(described.protocols), described.quantities) == (11, HEADS[2:])
    assert len(described.protocol_biases) == 11
    synthesise("radcom-awgn-corrected", tmp_path / "new.h5", per=5, seed=2, snr_db=(10.0,))
    found = evaluate_windows(predictor, open_dataset(tmp_path / "new.h5"), data="new")["heads"]
    for head in ("modulation", "protocol"):
        assert found[head]["accuracy"] > 0.5
        assert set(result.metrics["model"][head]) == {"accuracy", "ece", "temperature"}
    card = json.loads((folder / "model.json").read_text())
    assert set(card["measured"]) == {"modulation", "protocol"}


DATA = {"kind": "dataset", "per": 4, "snr": (18.0,), "split": "random"}
TRAINING = {"kind": "train-multitask", "epochs": 1, "batch_size": 16}


def _stages(tmp_path, **settings):
    """Make the stages `dataset` among these, and return what gives a stage its context."""
    outputs = {name: tmp_path / name for name in settings}
    for name, one in settings.items():
        (outputs[name] / "seed-0").mkdir(parents=True)
        if isinstance(one, DatasetSettings):
            make_dataset(one, context(outputs[name], settings))
    return lambda name: context(outputs[name] / "seed-0", settings, outputs)


def test_one_task_is_no_several(tmp_path):
    mtl = MultiTaskSettings(model="cnn2", **TRAINING)
    at = _stages(tmp_path, data=DatasetSettings(preset="rml2016-10a", **DATA), mtl=mtl)
    with pytest.raises(ExperimentError, match="rml2016-10a names no protocols and no quantities"):
        train_multitask(mtl, at("mtl"))


def test_what_is_asked_must_be_there(run, tmp_path):
    data = DatasetSettings(preset="radcom-awgn", **DATA)
    other = DatasetSettings(preset="rml2016-10a", **DATA)
    mtl = MultiTaskSettings(model="mtl", **TRAINING)
    again = DatasetSettings(preset="radcom-awgn", seed=1, **DATA)
    long = DatasetSettings(preset="sigzsl-7", kind="dataset", per=4, snr=(10.0,), split="random")
    few = DatasetSettings(preset="radcom-awgn", seed=2, classes=("PCW", "BPSK"), **DATA)
    at = _stages(
        *(tmp_path,),
        **{"data": data, "other": other, "long": long, "again": again, "few": few, "mtl": mtl},
        test=HeadSettings(kind="", **TEST),
    )
    train_multitask(mtl, at("mtl"))
    (tmp_path / "mtl" / "seed-0" / "weights.safetensors").rename(
        tmp_path / "mtl" / "weights.safetensors"
    )
    # of the same labels, but another seed
    found = test_head(HeadSettings(kind="", **TEST, data="again"), at("test"))
    assert found.metrics["test"]["examples"] > 0
    few = test_head(HeadSettings(kind="", network="mtl", head="modulation", data="few"), at("test"))
    block = few.metrics["test"]
    assert {name for name, share in block["recall"].items() if share is not None} == {"PCW", "BPSK"}
    rows = np.array(block["confusion"]["counts"]).sum(axis=1)
    sent = dict(zip(block["confusion"]["classes"], rows, strict=True))
    # PCW is sent by several kinds, BPSK by one
    assert sent["PCW"] > sent["BPSK"] > 0
    assert rows.sum() == sent["PCW"] + sent["BPSK"]
    for change, message in (
        ({"head": "snr_db"}, "no head 'snr_db'; the network has modulation, protocol"),
        ({"data": "other", "head": "modulation"}, "head modulation: learnt .* tested on have 8PSK"),
        ({"data": "data"}, "stage data has the data that mtl learnt from; give it another seed"),
        ({"data": "long"}, "stage long has windows of 1024 samples, but mtl learnt from 128"),
        ({"network": "data"}, "stage 'data' is of kind 'dataset', which trains nothing"),
    ):
        with pytest.raises(ExperimentError, match=message):
            test_head(HeadSettings(kind="", **(TEST | change)), at("test"))
    weighted = WeightedSettings(kind="", model="dae", epochs=1, weights_from="mtl")
    with pytest.raises(ExperimentError, match="stage mtl trains a network with several heads"):
        train_weighted(weighted, at("test"))


TEST = {"network": "mtl", "head": "protocol"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stages.mtl.quantities=[colour]", "quantities: 'colour' is none of snr_db"),
        ("stages.mtl.quantities=[snr_db, snr_db]", "quantities: one comes twice"),
        (
            "stages.mtl.weights={modulation: 1, protocol: 1}",
            "weights: expected one for each of",
        ),
        ("stages.mtl.weights={modulation: 0, snr_db: 0}", "not all of them 0, or null to learn"),
        ("stages.mtl.weights={modulation: -1, snr_db: 1}", "greater than or equal to 0"),
        ("stages.mtl.compiled=true", "compiled: a network with several heads can't be"),
        ("stages.unseen.fractions={rest: 1}", "fractions: expected train, validation, test, or"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, change, message):
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    with pytest.raises(ExperimentError, match=message):
        load_recipe(tmp_path / "tiny.yaml", "smoke", [change])
