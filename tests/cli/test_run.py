import json
from typing import Literal

import pytest

from hertzian.cli import output
from hertzian.experiments import StageOutcome, StageSettings, stages

pytestmark = pytest.mark.base


class Settings(StageSettings):
    kind: Literal["measure"]
    share: float
    interrupted: bool = False


@pytest.fixture(autouse=True)
def recipe(tmp_path, monkeypatch):
    """A recipe of one stage, in the current folder; torch is not needed for it."""
    monkeypatch.setattr(stages, "_KINDS", {})
    monkeypatch.setattr(stages, "_MODULES", ())
    monkeypatch.setattr(output, "require_train_extra", lambda verb: None)
    monkeypatch.chdir(tmp_path)

    @stages.stage("measure", Settings, per_seed=True)
    def measure(settings, context):
        if settings.interrupted:
            raise KeyboardInterrupt
        return StageOutcome(metrics={"accuracy": settings.share + context.seed / 10})

    path = tmp_path / "toy.yaml"
    path.write_text(
        "name: toy\ntitle: Toy\nseeds: [0, 1]\n"
        "stages:\n  only: {kind: measure, share: {smoke: 0.25, small: 0.5, full: 0.75}}\n"
    )
    return path


def test_a_run_writes_its_result_where_it_says(hertzian, tmp_path):
    done = hertzian("run", "toy.yaml", "--scale", "smoke")
    assert done.status == 0
    assert "accuracy" in done.out
    assert "0.3" in done.out
    folder = tmp_path / "runs" / "toy-smoke"
    assert "[2/2] only (seed 1)" in done.err
    assert "runs/toy-smoke/result.json" in done.err
    document = json.loads((folder / "result.json").read_text())
    assert document["metrics"]["accuracy"]["values"] == [0.25, 0.35]
    assert document["command"] == "hertzian run toy.yaml --scale smoke"
    assert (folder / "report.html").is_file()


def test_curves_are_not_printed(hertzian, monkeypatch):
    monkeypatch.setattr(stages, "_KINDS", {})

    @stages.stage("measure", Settings)
    def measure(settings, context):
        block = {"accuracy": 0.5, "recall_by_snr": {"BPSK": {"0": 0.5}}, "recall": {"BPSK": 0.5}}
        return StageOutcome(metrics={"only": block})

    done = hertzian("run", "toy.yaml")
    assert done.status == 0
    assert "only.accuracy" in done.out
    assert "only.recall.BPSK" in done.out
    assert "recall_by_snr" not in done.out


def test_json_is_the_result_file(hertzian, tmp_path):
    done = hertzian(
        *("run", "toy.yaml", "--out", "o", "--json"),
        *("--set", "stages.only.share=0.125", "--set", "title=A B"),
    )
    assert done.document == json.loads((tmp_path / "o" / "result.json").read_text())
    assert done.document["scale"] == "small"
    assert done.document["recipe"]["title"] == "A B"
    assert done.document["metrics"]["accuracy"]["values"] == [0.125, 0.225]
    expected = "--scale small --set stages.only.share=0.125 --set 'title=A B'"
    assert done.document["command"] == f"hertzian run toy.yaml {expected}"


def test_an_interrupted_run_says_how_to_go_on(hertzian, tmp_path):
    done = hertzian("run", "toy.yaml", "--set", "stages.only.interrupted=true")
    assert (done.status, done.out) == (130, "")
    assert "the same command goes on from runs/toy-small" in done.err
    assert not (tmp_path / "runs" / "toy-small" / "result.json").exists()
    assert hertzian("run", "toy.yaml").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("absent",), 1, "error: absent: no such recipe; known are"),
        (("toy.yaml", "--set", "stages.only.share=high"), 1, "stages.only: share"),
        (("toy.yaml", "--set", "stages.only"), 1, "expected key=value"),
        (("toy.yaml", "--scale", "huge"), 2, "'huge' is not one of 'smoke', 'small', 'full'"),
        ((), 2, "Missing argument 'RECIPE'"),
    ],
)
def test_wrong_arguments_are_named(hertzian, tmp_path, arguments, status, message):
    done = hertzian("run", *arguments)
    assert (done.status, done.out) == (status, "")
    assert message in " ".join(done.err.replace("│", " ").split())
    assert not (tmp_path / "runs").exists()


def test_without_the_training_libraries_it_says_what_to_install(hertzian, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(output, "find_spec", lambda name: None)
    done = hertzian("run", "toy.yaml")
    assert (done.status, done.out) == (1, "")
    assert "`hertzian run` needs torch, " in done.err
    assert "pip install 'hertzian[train]'" in done.err
