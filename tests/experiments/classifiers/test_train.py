import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tests.experiments.classifiers.recipes import context, write_recipe

from hertzian.datasets.dataset import Dataset
from hertzian.datasets.files import write_dataset
from hertzian.deployment import load_predictor
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.classifiers.data import DatasetSettings, make_dataset
from hertzian.experiments.classifiers.train import (
    ClassifierSettings,
    DistilSettings,
    WeightedSettings,
    distil,
    train_weighted,
)

COMMAND = "from hertzian.cli import main; main()"
CHANCE = 1 / 11


def _start(recipe, out):
    arguments = ["run", str(recipe), "--scale", "smoke", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def _finish(recipe, out):
    process = _start(recipe, out)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()[-2000:]
    return json.loads((out / "result.json").read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing disturbed: (recipe, folder, result, seconds it took)."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = write_recipe(folder)
    start = time.monotonic()
    result = _finish(recipe, folder / "run")
    return recipe, folder / "run", result, time.monotonic() - start


def test_every_method_learns(whole):
    _, _, result, _ = whole
    for stage in ("first", "weighted", "teacher", "distilled"):
        accuracy = result["metrics"][stage]["accuracy"]["mean"]
        assert accuracy > 2 * CHANCE, f"{stage} reaches {accuracy:.3f}"


def test_the_block_holds_what_evaluate_prints_and_the_curves(whole):
    block = whole[2]["metrics"]["first"]
    assert set(block["accuracy_by_snr"]) == {"14", "18"}
    assert block["confusion_at"]["18"]["classes"] == block["confusion"]["classes"]
    counts = np.array(block["confusion"]["counts"])
    assert (
        counts.sum()
        == block["examples"]["mean"]
        == whole[2]["metrics"]["data"]["test_windows"]["mean"]
    )
    assert np.trace(counts) / counts.sum() == pytest.approx(block["accuracy"]["mean"])
    assert block["epochs"]["mean"] == 4


def test_the_predictions_are_those_of_the_block(whole):
    _, out, result, _ = whole
    with np.load(out / "stages/first/seed-0/predictions.npz", allow_pickle=False) as file:
        right = file["probabilities"].argmax(axis=1) == file["truth"]
    assert right.mean() == pytest.approx(result["metrics"]["first"]["accuracy"]["mean"])


def test_the_model_runs_without_torch_and_says_what_it_has_seen(whole):
    _, out, result, _ = whole
    predictor = load_predictor(out)
    assert predictor.metadata.name == "tiny"
    assert [seen.preset for seen in predictor.metadata.trained_on] == ["rml2016-10a-corrected"]
    calibrated = result["metrics"]["model"]
    assert calibrated["accuracy"]["mean"] > 2 * CHANCE
    assert calibrated["temperature"]["mean"] > 0
    # the network's options are not those that were published
    assert json.loads((out / "model.json").read_text())["published_parameters"] is None


def test_feature_maps_are_those_of_the_same_example_through_each_network(whole):
    _, out, _, _ = whole
    with np.load(out / "features.npz", allow_pickle=False) as file:
        maps = {name: file[name] for name in file.files}
    titles = ["teacher, QAM16", "teacher, BPSK", "distilled, QAM16", "distilled, BPSK"]
    assert list(maps) == titles
    for one in maps.values():
        # an outer product has rank one
        assert one.shape == (8, 8)
        values = np.linalg.svd(one, compute_uv=False)
        assert values[1] < 1e-4 * values[0]
    assert not np.allclose(maps[titles[0]], maps[titles[1]])
    assert "teacher, QAM16" in (out / "report.html").read_text()


def test_killed_in_each_method_a_run_ends_with_the_same_metrics(whole, tmp_path):
    recipe, _, expected, seconds = whole
    moments = random.SystemRandom()
    out = tmp_path / "run"
    for stage in ("first", "weighted", "distilled"):
        folder = out / "stages" / stage / "seed-0"
        process = _start(recipe, out)
        while not (folder / "last.ckpt").exists():
            assert process.poll() is None, process.communicate()[1].decode()[-2000:]
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.01) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (folder / "predictions.npz").exists()
    found = _finish(recipe, out)
    assert found["metrics"] == expected["metrics"]
    assert found["split_hash"] == expected["split_hash"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stages.maps.feature=phase", "teacher: no feature 'phase'; has tcn_iq"),
        ("stages.maps.snr=3.0", "the test part has no 16QAM at 3 dB"),
        ("stages.maps.classes=[OFDM]", "the data have no class 'OFDM'"),
    ],
)
def test_maps_of_what_is_not_there_are_refused(whole, tmp_path, change, message):
    recipe, out, _, _ = whole
    copy = tmp_path / "run"
    shutil.copytree(out, copy)
    shutil.rmtree(copy / "stages" / "maps")
    with pytest.raises(ExperimentError, match=message):
        run_recipe(load_recipe(recipe, "smoke", [change]), "smoke", copy, command="test")


def test_weights_come_from_a_stage_that_trained(tmp_path):
    recipe = load_recipe(
        write_recipe(tmp_path),
        "smoke",
        ["stages.weighted.weights_from=data", "stages.first.epochs=1"],
    )
    with pytest.raises(ExperimentError, match="'data' is of kind 'dataset', which trains nothing"):
        run_recipe(recipe, "smoke", tmp_path / "run", command="test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["first.reconstruction=0.5", "first.compiled=true"], "compiled: a network with a recon"),
        (["distilled.compiled=true"], "compiled: a student that is compared with its teacher"),
    ],
)
def test_what_can_not_be_compiled_is_refused(tmp_path, changes, message):
    with pytest.raises(ExperimentError, match=message):
        load_recipe(write_recipe(tmp_path), "smoke", [f"stages.{change}" for change in changes])


@pytest.mark.parametrize("change", ["split_seed: 1", "seed: 1", "preset: rml2016-10a"])
@pytest.mark.parametrize("stage", ["weighted", "distilled"])
def test_a_network_that_learnt_from_another_split_does_not_teach(tmp_path, change, stage):
    key, _, value = change.partition(": ")
    data = {"kind": "dataset", "preset": "rml2016-10a-corrected", "per": 4, "snr": (18.0,)}
    data |= {"split": "random"}
    other = data | {key: int(value) if value.isdigit() else value}
    network = {"model": "dae", "epochs": 1, "batch_size": 16}
    settings = {
        "data": DatasetSettings(**data),
        "other": DatasetSettings(**other),
        "first": ClassifierSettings(kind="train-classifier", data="other", **network),
        "weighted": WeightedSettings(kind="train-weighted", weights_from="first", **network),
        "distilled": DistilSettings(kind="distil", teacher="first", similar=(), **network),
    }
    outputs = {}
    for name in ("data", "other"):
        outputs[name] = tmp_path / name
        outputs[name].mkdir()
        make_dataset(settings[name], context(outputs[name], settings))
    outputs["first"] = tmp_path / "first"
    run = {"weighted": train_weighted, "distilled": distil}[stage]
    with pytest.raises(ExperimentError, match="stage first learnt from other windows, or another"):
        run(settings[stage], context(tmp_path / stage, settings, outputs))


def _run(tmp_path, classes, samples, network):
    """Train a network for an epoch on noise."""
    count = 60 * len(classes)
    noise = np.random.default_rng(0).standard_normal((count, 2, samples), dtype=np.float32)
    made = Dataset(
        x=noise,
        modulation=np.arange(count) % len(classes),
        snr_db=np.zeros(count, dtype=np.float32),
        group=np.arange(count),
        modulations=classes,
        preset="",
        seed=0,
        sample_rate_hz=1.0,
        snr_definition="there is no signal",
        version="",
    )
    write_dataset(tmp_path / "noise.h5", made)
    path = tmp_path / "noise.yaml"
    path.write_text(
        "{name: noise, title: Noise, stages: {"
        f"data: {{kind: dataset, file: {tmp_path}/noise.h5}}, "
        f"net: {{kind: train-classifier, model: {network}, epochs: 1, batch_size: 16}}}}}}"
    )
    return run_recipe(load_recipe(path), "full", tmp_path / "run", command="test")


def test_two_classes_are_enough(tmp_path):
    result = _run(tmp_path, ("BPSK", "QPSK"), 128, "dae")
    assert result.metrics["net"]["examples"]["mean"] == 24


def test_windows_of_another_length_are_refused_before_the_training(tmp_path):
    message = "pet-cgdnn takes no windows of 64 samples, as the data have; it was published for 128"
    with pytest.raises(ExperimentError, match=message):
        _run(tmp_path, ("BPSK", "QPSK", "8PSK"), 64, "pet-cgdnn")
    assert not list(tmp_path.glob("run/stages/*/*/last.ckpt"))
