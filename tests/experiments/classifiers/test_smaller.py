import pytest
from tests.experiments.classifiers.recipes import context

from hertzian.deployment import load_predictor
from hertzian.deployment.stored import load_network
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.classifiers.answering import answering

RECIPE = """\
name: tiny
title: Smaller and in integers, for tests
paper: null
seeds: [0]
compare:
  - {better: mtl-protocol, worse: mtl-int8-protocol}
stages:
  data:
    kind: dataset
    preset: radcom-awgn-corrected
    per: {smoke: 80, small: 80, full: null}
    snr: [10, 18]
    split: random
    fractions: {train: 0.7, validation: 0.15, test: 0.15}
  mtl:
    {kind: train-multitask, model: mtl, options: {dense: 64}, epochs: 12, batch_size: 32,
     learning_rate: 2.0e-3}
  int8: {kind: quantize, network: mtl, epochs: 3, batch_size: 32}
  static: {kind: quantize, network: mtl, method: static, windows: 200}
  pruned: {kind: prune, network: mtl, keep: 0.4, epochs: 8, batch_size: 32, learning_rate: 3.0e-3}
  pruned-int8: {kind: quantize, network: pruned, epochs: 2, batch_size: 32}
  mtl-protocol: {kind: test-head, network: mtl, head: protocol}
  mtl-int8-protocol: {kind: test-head, network: int8, head: protocol}
  mtl-static-protocol: {kind: test-head, network: static, head: protocol}
  mtl-pruned-protocol: {kind: test-head, network: pruned, head: protocol}
  mtl-pruned-int8-protocol: {kind: test-head, network: pruned-int8, head: protocol}
  model: {kind: classifier-model, network: pruned, name: tiny}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smaller")
    (folder / "tiny.yaml").write_text(RECIPE)
    recipe = load_recipe(folder / "tiny.yaml", "smoke")
    return run_recipe(recipe, "smoke", folder / "run", command="test"), folder / "run"


def test_smaller_networks_answer_as_the_large_one(run):
    metrics = run[0].metrics
    whole = metrics["mtl-protocol"]["accuracy"]["mean"]
    assert whole > 0.4  # chance is 1/11
    for kind, loss in (("int8", 0.04), ("static", 0.08), ("pruned", 0.1), ("pruned-int8", 0.12)):
        assert metrics[f"mtl-{kind}-protocol"]["accuracy"]["mean"] > whole - loss
    assert "mtl-protocol - mtl-int8-protocol" in metrics["comparisons"]


def test_their_sizes_are_told(run):
    metrics = run[0].metrics
    parameters = {name: metrics[name]["parameters"]["mean"] for name in ("mtl", "int8", "pruned")}
    assert parameters["int8"] == parameters["mtl"]
    assert parameters["pruned"] <= 0.4 * parameters["mtl"]
    for name in ("int8", "static", "pruned-int8"):
        assert metrics[name]["integer_layers"]["mean"] == 7
        assert metrics[name]["float_layers"]["mean"] == 0
    assert metrics["pruned-int8"]["bytes"]["mean"] < metrics["int8"]["bytes"]["mean"]
    tested = metrics["mtl-pruned-int8-protocol"]["parameters"]["mean"]
    assert tested == parameters["pruned"]


def test_they_are_models_with_their_calibration(run):
    folder = run[1]
    pruned = load_network(folder / "model.onnx")
    assert pruned.structure.pruned
    assert pruned.metadata.parameters == run[0].metrics["pruned"]["parameters"]["mean"]
    integers = load_predictor(folder / "int8.onnx")
    assert integers.metadata.temperature != 1.0
    assert len(integers.metadata.protocol_biases) == 11
    assert integers.metadata.trained_on == pruned.metadata.trained_on


def test_what_is_in_integers_is_no_network_to_go_on_from(run, tmp_path):
    recipe = load_recipe(run[1].parent / "tiny.yaml", "smoke")
    outputs = {name: run[1] / "stages" / name for name in ("data", "mtl", "int8")}
    for name in ("mtl", "int8"):
        outputs[name] = outputs[name] / "seed-0"
    at = context(tmp_path, recipe.stages, outputs)
    assert answering(at, "int8").heads == {"modulation": 9, "protocol": 11}
    again = RECIPE.replace("quantize, network: pruned,", "quantize, network: int8,")
    (tmp_path / "tiny.yaml").write_text(again)
    recipe = load_recipe(tmp_path / "tiny.yaml", "smoke")
    with pytest.raises(ExperimentError, match="stage 'int8' leaves a file in integers"):
        run_recipe(recipe, "smoke", tmp_path / "run", command="test")
