"""Fine-tuning at a scale of seconds: a new label is learnt, nothing leaks, runs resume."""

import dataclasses
import json
import shutil
from collections import Counter

import numpy as np
import pytest
import torch
from tests.datasets.captures import capture

from hertzian.deployment import load_predictor
from hertzian.evaluation.calibration import Calibration, pooled_log_probabilities
from hertzian.experiments import (
    ExperimentError,
    labelled_recordings,
    load_recipe,
    run_recipe,
)
from hertzian.experiments.fine_tuning import modest_temperature, start_from_shipped
from hertzian.experiments.labelled_recordings import PARTS
from hertzian.models.field import Field
from hertzian.recognition import Recogniser, pooled_scores
from hertzian.training import history, loop

LABELS = ["QPSK", "2FSK", "FMCW"]
LEARNING = (
    "stages.train.epochs=8",
    "stages.train.batch_size=16",
    "stages.train.learning_rate=2e-3",
    "stages.train.threads=1",
    "stages.test.threads=1",
)


def settings(captures, *more):
    return [f"stages.data.folder={captures}", *LEARNING, *more]


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captures")
    for number in range(9):
        capture(folder / f"{number}.sigmf-meta", LABELS, number)
    # what was recorded once and copied must not be in two parts
    capture(folder / "copies" / "0.sigmf-meta", LABELS, 0)
    return folder


@pytest.fixture(scope="module")
def run(captures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "fine-tune"
    recipe = load_recipe("fine-tune", "smoke", settings(captures))
    lines: list[str] = []
    result = run_recipe(recipe, "smoke", folder, command="test", log=lines.append)
    return folder, result, lines


def record(folder):
    return json.loads((folder / "stages" / "data" / "recordings.json").read_text())


def test_a_new_label_is_learnt_and_the_others_stay(run):
    _, result, _ = run
    recall = result.metrics["held_out_recall"]
    # the shipped model has no FMCW
    assert recall["before"]["FMCW"]["mean"] == 0
    assert recall["after"]["FMCW"]["mean"] == 1
    for label in ("QPSK", "2FSK"):
        assert recall["after"][label]["mean"] >= recall["before"][label]["mean"]
    gain = result.metrics["held_out_modulation"]["gain"]
    assert gain["accuracy"]["mean"] > 0.3
    assert gain["lower"]["mean"] > 0


def test_every_recording_is_in_one_part_and_copies_in_the_same(run):
    folder, result, _ = run
    rows = record(folder)["recordings"]
    assert len({row["name"] for row in rows}) == len(rows) == 10
    assert {row["part"] for row in rows} == set(PARTS)
    part = {row["name"]: row["part"] for row in rows}
    assert part["copies/0.sigmf-meta"] == part["0.sigmf-meta"]
    counted = result.metrics["recordings"]
    assert Counter(part.values()) == {name: int(counted[name]["mean"]) for name in PARTS}
    for name in ("training", "validation"):
        shards = (folder / "stages" / "data" / name).glob("*.snr_db.npy")
        places = {int(path.name.split(".")[0]) for path in shards}
        assert places == {place for place, row in enumerate(rows) if row["part"] == name}


def test_the_model_carries_what_it_needs(run, captures):
    folder, _, _ = run
    metadata = load_predictor(folder).metadata
    shipped = load_predictor("field").metadata
    assert metadata.classes == (*shipped.classes, "FMCW")
    for name in ("noise_confidence", "prefix_missed", "samples", "occupied_share"):
        assert getattr(metadata, name) == getattr(shipped, name)
    assert {k: v for k, v in metadata.keyed.items() if k != "FMCW"} == shipped.keyed
    # a sweep of a constant period repeats itself
    assert metadata.repeating["FMCW"] > 0.5 > metadata.keyed["FMCW"]
    assert set(shipped.trained_on) < set(metadata.trained_on)
    assert metadata.name == "fine-tune"
    held_out = next(row["name"] for row in record(folder)["recordings"] if row["part"] == "test")
    found = Recogniser.load(folder).recognise(captures / held_out)
    assert "FMCW" in {detection.modulation for detection in found}
    assert all(sum(d.scores.values()) == pytest.approx(1) for d in found)


def test_it_says_what_is_in_which_part(run):
    lines = run[2]
    assert any(line.startswith("10 recordings") for line in lines)
    (told,) = (line for line in lines if line.startswith("  FMCW: training "))
    assert "validation " in told
    assert "test " in told


def test_an_interrupted_training_goes_on_and_ends_alike(run, captures, tmp_path, monkeypatch):
    folder = tmp_path / "again"
    shutil.copytree(run[0], folder)
    shutil.rmtree(folder / "stages" / "train")
    (folder / "model.onnx").unlink()
    recipe = load_recipe("fine-tune", "smoke", settings(captures))
    stages = {name: recipe.stages[name] for name in ("data", "train")}
    recipe = dataclasses.replace(recipe, stages=stages)

    def stop_in_the_third(self, trainer, pl_module):
        if trainer.current_epoch == 2:
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(loop._StepSeed, "on_train_epoch_end", stop_in_the_third)
        with pytest.raises(InterruptedError):
            run_recipe(recipe, "smoke", folder, command="test")
    assert not (folder / "model.onnx").exists()
    lines: list[str] = []
    result = run_recipe(recipe, "smoke", folder, command="test", log=lines.append)
    assert "[1/2] data: finished before" in lines
    first, second = (history(where / "stages" / "train") for where in (run[0], folder))
    assert [row["train_loss"] for row in second] == [row["train_loss"] for row in first]
    assert result.metrics == {name: run[1].metrics[name] for name in result.metrics}
    assert (folder / "model.onnx").read_bytes() == (run[0] / "model.onnx").read_bytes()


def test_changed_recordings_are_not_taken_for_the_old_ones(run, captures):
    folder, _, _ = run
    extra = capture(captures / "new.sigmf-meta", LABELS, 99)
    recipe = load_recipe("fine-tune", "smoke", settings(captures))
    with pytest.raises(ExperimentError, match="another file"):
        run_recipe(recipe, "smoke", folder, command="test")
    extra.unlink()
    extra.with_suffix(".sigmf-data").unlink()


def test_the_folder_must_be_given(tmp_path):
    recipe = load_recipe("fine-tune", "smoke")
    with pytest.raises(ExperimentError, match=r"--set stages\.data\.folder=/path/to/captures"):
        run_recipe(recipe, "smoke", tmp_path / "run", command="test")
    assert not (tmp_path / "run").exists()


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ExperimentError, match=r"sum to 1\.1, expected 1"):
        load_recipe("fine-tune", "smoke", ["stages.data.test=0.3"])


def spoil(meta):
    data = meta.with_suffix(".sigmf-data")
    iq = np.fromfile(data, np.int16).astype(np.float32) / 32768
    iq[12_345] = np.nan
    iq.tofile(data)
    document = json.loads(meta.read_text())
    document["global"]["core:datatype"] = "cf32_le"
    meta.write_text(json.dumps(document))


def test_recordings_that_turn_out_bad_are_refused_or_skipped(tmp_path, monkeypatch):
    # as of large recordings, by several processes
    monkeypatch.setattr(labelled_recordings, "_FEW_SAMPLES", 0)
    for number in range(5):
        capture(tmp_path / "c" / f"{number}.sigmf-meta", ["QPSK"], number, samples=30_000)
    spoil(capture(tmp_path / "c" / "bad.sigmf-meta", ["QPSK"], 50))
    recipe = load_recipe("fine-tune", "smoke", settings(tmp_path / "c"))
    with pytest.raises(ExperimentError, match=r"bad\.sigmf-meta has a value that is not finite"):
        run_recipe(recipe, "smoke", tmp_path / "run", command="test")
    skipping = settings(tmp_path / "c", "stages.data.bad_files=skip")
    recipe = load_recipe("fine-tune", "smoke", skipping)
    lines: list[str] = []
    data = dataclasses.replace(recipe, stages={"data": recipe.stages["data"]})
    result = run_recipe(data, "smoke", tmp_path / "two", command="test", log=lines.append)
    (warned,) = (line for line in lines if line.startswith("warning: skipped: "))
    assert "sample 6172" in warned
    assert result.metrics["recordings_skipped"]["mean"] == 1
    assert sum(part["mean"] for part in result.metrics["recordings"].values()) == 5


def test_the_shipped_answers_are_where_training_starts():
    shipped = load_predictor("field")
    model = Field(len(shipped.metadata.classes) + 1)
    start_from_shipped(model, shipped.metadata)
    model.eval()
    x = np.random.default_rng(0).standard_normal((3, 2, 1024)).astype(np.float32)
    with torch.no_grad():
        logits = model(torch.from_numpy(x)).numpy().astype(np.float64)
    theirs = shipped.logits(x).astype(np.float64)
    expected = theirs + shipped.metadata.temperature * np.array(shipped.metadata.biases)
    np.testing.assert_allclose(logits[:, :-1], expected, atol=1e-3)
    # so one window is judged as before, with the shipped temperature and no biases
    plain = shipped.metadata.model_copy(update={"biases": ()})
    scores = pooled_scores(logits[0, :-1], 1, plain)
    assert scores == pytest.approx(pooled_scores(theirs[0], 1, shipped.metadata), abs=1e-3)


def test_few_right_answers_do_not_make_certainty():
    logits = np.array([[9.0, 0.0], [0.0, 9.0], [8.0, 0.0]])
    counts, labels = np.ones(3, np.int64), np.array([0, 1, 0])
    sure = Calibration(0.01, 0.0, np.zeros(2), 0.0, 0.0)
    temperature = modest_temperature(sure, logits, counts, labels)
    log_p = pooled_log_probabilities(logits, counts, temperature=temperature, evidence_exponent=0.0)
    # three right ones of three: 4/5
    assert np.exp(log_p.max(axis=1)).mean() == pytest.approx(0.8, abs=1e-6)
    modest = Calibration(20.0, 0.0, np.zeros(2), 0.0, 0.0)
    assert modest_temperature(modest, logits, counts, labels) == 20.0
