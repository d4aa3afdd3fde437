"""Stages that need no model: one for all seeds, one for each, one that fails when told to."""

import json
from types import SimpleNamespace
from typing import Literal

import pytest

from hertzian.deployment import DatasetIdentity
from hertzian.experiments import StageOutcome, StageSettings, stages


class DrawSettings(StageSettings):
    kind: Literal["draw"]
    count: int
    snrs: tuple[int, ...] = (0, 10)


class LearnSettings(StageSettings):
    kind: Literal["learn"]
    rate: float = 0.5
    epochs: int | None = None


class ScoreSettings(StageSettings):
    kind: Literal["score"]


@pytest.fixture
def calls(monkeypatch):
    """Registers the kinds draw, learn and score; records their calls, and fails where told."""
    monkeypatch.setattr(stages, "_KINDS", {})
    monkeypatch.setattr(stages, "_MODULES", ())
    calls = SimpleNamespace(made=[], fail_on=None, contexts={})

    def note(name, context):
        calls.made.append((name, context.seed))
        calls.contexts[name, context.seed] = context
        if calls.fail_on == (name, context.seed):
            (context.folder / "half.txt").write_text("half")
            raise RuntimeError("broken off")

    @stages.stage("draw", DrawSettings)
    def draw(settings, context):
        note("draw", context)
        (context.folder / "data.json").write_text(json.dumps([settings.count] * 3))
        seen = DatasetIdentity(preset="toy", seed=context.seed)
        return StageOutcome(trained_on=(seen,), split_hash="c0ffee")

    @stages.stage("learn", LearnSettings, per_seed=True)
    def learn(settings, context):
        note("learn", context)
        data = json.loads((context.output("draw") / "data.json").read_text())
        (context.folder / "weights.txt").write_text(f"{sum(data)} {context.seed}")
        context.publish(context.folder / "weights.txt", "model.txt")
        return StageOutcome(metrics={"loss": settings.rate + context.seed})

    @stages.stage("score", ScoreSettings, per_seed=True)
    def score(settings, context):
        note("score", context)
        total, seed = (context.output("learn") / "weights.txt").read_text().split()
        return StageOutcome(
            metrics={
                "accuracy": int(total) / 100 + int(seed) / 10,
                "accuracy_by_snr": {"0": 0.1, "10": int(seed) / 10},
                "peak": None if seed == "1" else 0.75,
                "confusion": {"classes": ["BPSK", "QPSK"], "counts": [[1, int(seed)], [0, 2]]},
            }
        )

    return calls


RECIPE = """\
name: toy
title: A recipe for tests
paper: "Nobody, 1900"
seeds: [1, 2, 4]
stages:
  draw:
    kind: draw
    count: {smoke: 10, small: 20, full: 30}
  learn:
    kind: learn
  test: {kind: score}
"""


@pytest.fixture
def recipe_file(tmp_path, calls):
    """The path of a recipe that runs draw, learn and score."""
    path = tmp_path / "toy.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path
