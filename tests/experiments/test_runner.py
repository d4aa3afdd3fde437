import json
import time
from dataclasses import replace

import pytest

from hertzian.deployment import DatasetIdentity
from hertzian.experiments import (
    ExperimentError,
    StageOutcome,
    StageSettings,
    load_recipe,
    read_result,
    run_recipe,
    runner,
    stage,
    stages,
)
from hertzian.experiments.result import interval_of_mean

pytestmark = pytest.mark.base

ALL = [("draw", 1), *[("learn", s) for s in (1, 2, 4)], *[("score", s) for s in (1, 2, 4)]]


@pytest.fixture
def run(recipe_file, tmp_path):
    """Runs the recipe at scale smoke into one folder, with overrides."""

    def run(*overrides, scale="smoke", out=tmp_path / "out", log=lambda line: None):
        recipe = load_recipe(recipe_file, scale, overrides)
        return run_recipe(recipe, scale, out, command="hertzian run toy", log=log)

    return run


def test_stages_run_in_order_shared_ones_once(run, calls, tmp_path):
    result = run()
    assert calls.made == ALL
    # draw writes three tens, so that accuracy = 30/100 + seed/10
    expected = [0.4, 0.5, 0.7]
    accuracy = result.metrics["accuracy"]
    assert accuracy["values"] == pytest.approx(expected)
    assert accuracy["mean"] == pytest.approx(sum(expected) / 3)
    assert accuracy["interval"] == pytest.approx(interval_of_mean(expected))
    assert result.metrics["peak"]["values"] == [None, 0.75, 0.75]
    assert result.metrics["loss"]["values"] == [1.5, 2.5, 4.5]
    assert result.metrics["confusion"]["counts"] == [[3, 7], [0, 6]]
    assert result.split_hash == "c0ffee"
    assert result.trained_on == (DatasetIdentity(preset="toy", seed=1),)
    assert (tmp_path / "out" / "model.txt").read_text() == "30 1"  # the first seed's


def test_the_result_file_is_the_result(run, tmp_path):
    result = run()
    assert read_result(tmp_path / "out" / "result.json") == result
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert document["recipe"]["stages"]["draw"]["count"] == 10
    assert document["scale"] == "smoke"
    assert document["seeds"] == [1, 2, 4]
    assert document["command"] == "hertzian run toy"
    assert document["hardware"]["cores"] >= 1
    assert document["packages"]["numpy"]
    assert set(document["stages"]) == {"draw", "learn", "test"}
    assert document["wall_time_s"] == pytest.approx(
        sum(stage["wall_time_s"] for stage in document["stages"].values())
    )


def test_a_finished_run_is_not_run_again(run, calls):
    first = run()
    again = run()
    assert calls.made == ALL
    assert again.metrics == first.metrics
    assert again.stages == first.stages


def test_a_stage_that_will_be_killed_has_noted_its_time(calls, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_NOTED_EVERY_S", 0.01)

    @stage("long", StageSettings)
    def run_long(settings, context):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if json.loads((context.folder / "stage.json").read_text())["wall_time_s"] > 0.05:
                return StageOutcome()
        raise TimeoutError

    path = tmp_path / "long.yaml"
    path.write_text("{name: long, title: Long, stages: {only: {kind: long}}}")
    result = run_recipe(load_recipe(path), "full", tmp_path / "out", command="hertzian run long")
    assert result.wall_time_s > 0.05


@pytest.mark.parametrize("stop", ALL)
def test_an_interrupted_run_goes_on_where_it_stopped(run, calls, tmp_path, stop):
    whole = run(out=tmp_path / "whole")
    calls.made.clear()
    calls.fail_on = stop
    with pytest.raises(RuntimeError):
        run()
    assert not (tmp_path / "out" / "result.json").exists()
    assert (calls.contexts[stop].folder / "half.txt").exists()
    calls.fail_on = None
    result = run()
    assert calls.made == [*ALL[: ALL.index(stop) + 1], *ALL[ALL.index(stop) :]]
    assert result.metrics == whole.metrics
    # what the interrupted attempt left was still there for the stage to use
    assert (calls.contexts[stop].folder / "half.txt").exists()


def test_published_figures_may_change_when_all_is_finished(run, calls, recipe_file):
    run()
    recipe_file.write_text(recipe_file.read_text() + "published: {test: {accuracy: 0.5}}\n")
    result = run()
    assert calls.made == ALL
    assert result.recipe["published"] == {"test": {"accuracy": 0.5}}


def test_a_new_option_that_says_nothing_leaves_a_run_as_it_is(run, calls, monkeypatch):
    class WithOption(StageSettings):
        rate: float = 0.5
        epochs: int | None = None
        momentum: float | None = None

    run()
    learn = replace(stages._KINDS["learn"], settings=WithOption)
    monkeypatch.setitem(stages._KINDS, "learn", learn)
    run()
    assert calls.made == ALL
    with pytest.raises(ExperimentError, match="momentum"):
        run("stages.learn.momentum=0.9")


def test_an_unfinished_stage_starts_clean_with_other_settings(run, calls):
    calls.fail_on = ("learn", 1)
    with pytest.raises(RuntimeError):
        run()
    calls.fail_on = None
    result = run("stages.learn.rate=0.25")
    assert not (calls.contexts["learn", 1].folder / "half.txt").exists()
    assert calls.made.count(("draw", 1)) == 1
    assert result.metrics["loss"]["values"] == [1.25, 2.25, 4.25]


def test_finished_stages_are_not_thrown_away(run, calls):
    run()
    with pytest.raises(ExperimentError, match=r"learn \(seed 1\).*rate was 0\.5 and is 0\.25"):
        run("stages.learn.rate=0.25")
    with pytest.raises(ExperimentError, match=r"stage draw .*count was 10 and is 11"):
        run("stages.draw.count=11")
    assert calls.made == ALL


def test_a_stage_that_was_deleted_needs_those_after_it_deleted_too(run, calls, tmp_path):
    run()
    folder = tmp_path / "out" / "stages" / "draw"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    with pytest.raises(ExperimentError, match="of an earlier stage"):
        run("stages.draw.count=11")


def test_more_seeds_keep_what_is_there(run, calls):
    run("seeds=[1]")
    assert calls.made == [("draw", 1), ("learn", 1), ("score", 1)]
    result = run("seeds=[1, 2]")
    assert calls.made[3:] == [("learn", 2), ("score", 2)]
    assert result.metrics["accuracy"]["values"] == pytest.approx([0.4, 0.5])


def test_the_folder_of_another_run_is_refused(run, calls, recipe_file, tmp_path):
    run()
    with pytest.raises(ExperimentError, match="holds a run of toy at scale smoke, not of toy at"):
        run(scale="small")
    recipe_file.write_text(recipe_file.read_text().replace("name: toy", "name: other"))
    with pytest.raises(ExperimentError, match="not of other at smoke"):
        run()
    assert calls.made == ALL


def test_a_folder_of_other_things_is_refused(run, calls, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(ExperimentError, match="is not the folder of a run"):
        run()
    with pytest.raises(ExperimentError, match="is not the folder of a run"):
        run(out=tmp_path / "out" / "thesis.tex")
    assert calls.made == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_a_damaged_record_gives_one_line(run, tmp_path):
    run()
    stamp = tmp_path / "out" / "stages" / "draw" / "stage.json"
    stamp.write_text("{")
    with pytest.raises(ExperimentError, match=r"stage\.json: not the record of a run"):
        run()


def test_stages_that_measure_the_same_are_refused(run, recipe_file):
    recipe_file.write_text(recipe_file.read_text() + "  again: {kind: score}\n")
    with pytest.raises(ExperimentError, match="stage again measures 'accuracy'"):
        run()


def test_a_stage_sees_what_comes_before_it_alone(run, calls):
    run()
    context = calls.contexts["learn", 2]
    assert (context.scale, context.first, context.seed) == ("smoke", False, 2)
    assert set(context.outputs) == {"draw"}
    assert context.stages["draw"].count == 10
    with pytest.raises(ExperimentError, match="no stage 'test' comes before; these do: draw"):
        context.output("test")
    assert calls.contexts["score", 4].output("learn").name == "seed-4"


def test_the_log_tells_what_is_going_on(run, calls):
    lines = []
    run("seeds=[1]", log=lines.append)
    assert lines == ["[1/3] draw", "[2/3] learn (seed 1)", "[3/3] test (seed 1)"]
    lines.clear()
    run("seeds=[1]", log=lines.append)
    assert lines[1] == "[2/3] learn (seed 1): finished before"
