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
from tests.experiments.classifiers.recipes import write_recipe

from hertzian.deployment import load_predictor
from hertzian.experiments import ExperimentError, load_recipe, run_recipe

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


def test_killed_at_random_moments_a_run_ends_with_the_same_metrics(whole, tmp_path):
    recipe, _, expected, seconds = whole
    moments = random.SystemRandom()
    kills = 0
    for _ in range(2):
        process = _start(recipe, tmp_path / "run")
        try:
            process.communicate(timeout=moments.uniform(0.2, 0.6) * seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
    assert kills >= 1
    found = _finish(recipe, tmp_path / "run")
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
