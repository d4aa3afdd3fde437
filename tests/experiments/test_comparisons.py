from typing import Literal

import numpy as np
import pytest
from tests.experiments.networks import measured

from hertzian.experiments import (
    ExperimentError,
    StageOutcome,
    StageSettings,
    interval_of_mean,
    load_recipe,
    read_result,
    run_recipe,
    stage,
)
from hertzian.experiments.comparisons import Repetition, compare_stages
from hertzian.experiments.recipe import Compare

pytestmark = pytest.mark.base

PAIR = Compare(better="new", worse="old", by=0.01)


def predictions(folder, right, truth, examples="mine"):
    """Write predictions of two classes, of which `right` are right."""
    folder.mkdir(parents=True)
    probabilities = np.zeros((len(truth), 2), dtype=np.float16)
    probabilities[np.arange(len(truth)), np.where(right, truth, 1 - truth)] = 1
    np.savez(
        folder / "predictions.npz",
        probabilities=probabilities,
        truth=truth,
        snr_db=np.zeros(len(truth)),
        classes=np.array(["A", "B"]),
        examples=np.array(examples),
    )


def repetitions(folder, accuracies):
    name = folder.name
    return [
        Repetition({name: {"accuracy": share}}, folder / f"seed-{place}")
        for place, share in enumerate(accuracies)
    ]


def test_seeds_are_paired(tmp_path):
    stages = {
        "new": repetitions(tmp_path / "new", [0.62, 0.52, 0.72]),
        "old": repetitions(tmp_path / "old", [0.60, 0.49, 0.71]),
    }
    found = compare_stages(PAIR, stages)
    differences = [0.02, 0.03, 0.01]
    assert found["difference"]["values"] == pytest.approx(differences)
    assert found["difference"]["mean"] == pytest.approx(0.02)
    # though the accuracies scatter by ten points, their differences scatter by one
    assert found["difference"]["interval"] == pytest.approx(interval_of_mean(differences))
    assert found["by"] == 0.01
    assert found["over_examples"] == [None, None, None]


def test_a_stage_that_is_not_repeated_stands_beside_each_seed(tmp_path):
    stages = {
        "new": repetitions(tmp_path / "new", [0.6, 0.7]),
        "old": repetitions(tmp_path / "old", [0.5]),
    }
    assert compare_stages(PAIR, stages)["difference"]["values"] == pytest.approx([0.1, 0.2])


def test_examples_are_paired(tmp_path):
    truth = np.tile([0, 1], 5000)
    hard = np.arange(10_000) < 4000
    new, old = ~hard, ~hard
    new[:300] = True  # of the hard ones, the better has 300 more and loses 100 others
    new[9900:] = False
    predictions(tmp_path / "new" / "seed-0", new, truth)
    predictions(tmp_path / "old" / "seed-0", old, truth)
    stages = {
        "new": repetitions(tmp_path / "new", [new.mean()]),
        "old": repetitions(tmp_path / "old", [old.mean()]),
    }
    found = compare_stages(PAIR, stages)
    assert found["difference"]["mean"] == pytest.approx(0.02)
    ((lower, upper),) = found["over_examples"]
    # the variance of a difference that is +1 for 300, -1 for 100 and 0 for the rest of 10 000
    half = 1.96 * np.sqrt((0.04 - 0.02**2) / 10_000)
    assert (lower, upper) == pytest.approx((0.02 - half, 0.02 + half), abs=5e-4)
    unpaired = 1.96 * np.sqrt(2 * 0.6 * 0.4 / 10_000)
    assert upper - lower < unpaired


def test_a_difference_of_nothing_has_an_interval_of_nothing(tmp_path):
    right = np.array([True, False, True])
    for name in ("new", "old"):
        predictions(tmp_path / name / "seed-0", right, np.array([0, 1, 1]))
    stages = {name: repetitions(tmp_path / name, [2 / 3]) for name in ("new", "old")}
    assert compare_stages(PAIR, stages)["over_examples"] == [[0, 0]]


def test_other_examples_are_refused(tmp_path):
    right = np.array([True, False, True])
    predictions(tmp_path / "new" / "seed-0", right, np.array([0, 1, 1]))
    predictions(tmp_path / "old" / "seed-0", right, np.array([0, 1, 1]), examples="others")
    stages = {name: repetitions(tmp_path / name, [2 / 3]) for name in ("new", "old")}
    with pytest.raises(ExperimentError, match="new - old were not measured on the same examples"):
        compare_stages(PAIR, stages)


@pytest.mark.parametrize("metrics", [{}, {"new": {}}, {"new": 0.5}, {"new": {"accuracy": None}}])
def test_a_stage_without_accuracy_is_named(tmp_path, metrics):
    stages = {
        "new": [Repetition(metrics, tmp_path)],
        "old": repetitions(tmp_path / "old", [0.5]),
    }
    with pytest.raises(ExperimentError, match="stage new measured no accuracy"):
        compare_stages(PAIR, stages)


@pytest.mark.parametrize("damage", ["bytes", "keys", "shapes", "pickle"])
def test_damaged_predictions_give_one_line(tmp_path, damage):
    predictions(tmp_path / "new" / "seed-0", np.array([True]), np.array([0]))
    predictions(tmp_path / "old" / "seed-0", np.array([True]), np.array([0]))
    path = tmp_path / "old" / "seed-0" / "predictions.npz"
    if damage == "bytes":
        path.write_bytes(b"PK\x03\x04 and no more")
    elif damage == "keys":
        np.savez(path, truth=np.array([0]))
    elif damage == "shapes":
        np.savez(path, probabilities=np.zeros((3, 2)), truth=np.zeros(2))
    else:
        np.savez(path, probabilities=np.array([object()]), truth=np.array([0]))
    stages = {name: repetitions(tmp_path / name, [1.0]) for name in ("new", "old")}
    with pytest.raises(ExperimentError, match=r"seed-0/predictions\.npz: ") as caught:
        compare_stages(PAIR, stages)
    assert "\n" not in str(caught.value)


class TrainSettings(StageSettings):
    kind: Literal["train"]
    name: str
    skill: float


def test_a_run_compares_its_networks_and_shows_both(calls, tmp_path):
    @stage("train", TrainSettings, per_seed=True)
    def train(settings, context):
        truth = np.tile([0, 1], 500)
        right = np.arange(1000) < 1000 * settings.skill + context.seed
        predictions(context.folder / "made", right, truth)
        (context.folder / "made" / "predictions.npz").rename(context.folder / "predictions.npz")
        block = measured(settings.name, context.seed, settings.skill)[settings.name]
        return StageOutcome(metrics={settings.name: block | {"accuracy": right.mean()}})

    path = tmp_path / "pair.yaml"
    path.write_text(
        "{name: pair, title: A pair, seeds: [0, 1], stages: {"
        "new: {kind: train, name: new, skill: 0.75}, old: {kind: train, name: old, skill: 0.5}}, "
        "published: {new: {accuracy: 0.7}}, compare: [{better: new, worse: old, by: 0.01}]}"
    )
    result = run_recipe(
        load_recipe(path, "smoke"), "smoke", tmp_path / "out", command="hertzian run pair"
    )
    assert read_result(tmp_path / "out" / "result.json") == result
    found = result.metrics["comparisons"]["new - old"]
    assert found["difference"] == {"mean": 0.25, "interval": [0.25, 0.25], "values": [0.25, 0.25]}
    for lower, upper in found["over_examples"]:
        assert 0.2 < lower < 0.25 < upper < 0.3
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "25.00 to 25.00" in page
    assert "compare.0.better" in page
    assert "validation loss, seed 1" in page


def test_a_stage_without_its_accuracy_costs_nothing_that_is_finished(recipe_file, calls, tmp_path):
    text = recipe_file.read_text() + "compare: [{better: test, worse: learn}]\n"
    recipe_file.write_text(text)
    recipe = load_recipe(recipe_file, "smoke")
    with pytest.raises(ExperimentError, match="stage test measured no accuracy of its own"):
        run_recipe(recipe, "smoke", tmp_path / "out", command="hertzian run toy")
    made = len(calls.made)
    recipe_file.write_text(text.replace("compare", "# compare"))
    recipe = load_recipe(recipe_file, "smoke")
    result = run_recipe(recipe, "smoke", tmp_path / "out", command="hertzian run toy")
    assert len(calls.made) == made
    assert "comparisons" not in result.metrics
