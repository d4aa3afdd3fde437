"""The field recipe at a scale of seconds: it learns, calibrates, and leaves a model that works."""

import json

import numpy as np
import pytest

from hertzian.deployment import load_predictor
from hertzian.experiments import load_recipe, run_recipe
from hertzian.experiments.field import part_seed
from hertzian.recognition import Recogniser

TINY = (
    "stages.data.training=70",
    "stages.data.close=30",
    "stages.data.wide=10",
    "stages.data.cheap=10",
    "stages.data.long=2",
    "stages.data.validation=30",
    "stages.data.calibration=12",
    "stages.train.epochs=4",
    "stages.train.threads=1",
    "stages.train.compiled=false",
    "stages.train.precision=32-true",
    "stages.train.batch_size=32",
    "stages.model.silent_recordings=6",
    "stages.model.prefixed_recordings=6",
    "stages.model.asked_recordings=6",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "field"
    recipe = load_recipe("field", "smoke", TINY)
    return folder, run_recipe(recipe, "smoke", folder, command="test")


def test_the_network_learns_far_beyond_chance(run):
    _, result = run
    # 27 classes: chance is 0.04, the most frequent class about 0.1
    assert result.metrics["train_validation_window_accuracy"]["mean"] > 0.2


def test_calibration_lowers_the_loss(run):
    _, result = run
    assert result.metrics["nll"]["mean"] <= result.metrics["nll_before_calibration"]["mean"]


def test_the_model_says_what_it_has_seen_and_how_it_is_calibrated(run):
    folder, result = run
    metadata = load_predictor(folder).metadata
    assert {identity.seed for identity in metadata.trained_on} == {
        part_seed(0, part)
        for part in ("training", "validation", "calibration", "close", "wide", "cheap", "long")
    }
    assert metadata.temperature == pytest.approx(result.metrics["temperature"]["mean"])
    assert metadata.noise_confidence == pytest.approx(
        1 / (1 + result.metrics["missed_share"]["mean"])
    )
    assert set(metadata.keyed) == set(metadata.repeating) != set()
    assert all(0 < share < 1 for share in (*metadata.keyed.values(), *metadata.repeating.values()))
    assert metadata.prefix_missed
    assert all(0 < share < 1 for _, share in metadata.prefix_missed)
    card = json.loads((folder / "model.json").read_text())
    assert card["classes"] == list(metadata.classes)


def test_the_run_folder_recognises(run):
    folder, _ = run
    random = np.random.default_rng(3)
    n = np.arange(60_000)
    noise = (random.standard_normal((n.size, 2)) / np.sqrt(2)).view(np.complex128)[:, 0]
    bits = random.integers(0, 2, n.size // 40 + 1).repeat(40)[: n.size]
    iq = noise + 6 * bits * np.exp(2j * np.pi * 0.11 * n) * ((n > 20_000) & (n < 50_000))
    (found,) = Recogniser.load(folder).recognise(iq, sample_rate=1e6)
    assert found.start == pytest.approx(20_000, abs=600)
    assert found.stop == pytest.approx(50_000, abs=600)
    assert found.center_hz == pytest.approx(0.11e6, abs=5e3)
    assert sum(found.scores.values()) == pytest.approx(1.0)


def test_a_second_run_finds_everything_finished(run):
    folder, result = run
    lines: list[str] = []
    recipe = load_recipe("field", "smoke", TINY)
    again = run_recipe(recipe, "smoke", folder, command="test", log=lines.append)
    assert [line.endswith("finished before") for line in lines] == [True] * len(recipe.stages)
    assert again.metrics == result.metrics
