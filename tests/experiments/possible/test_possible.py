"""Bounds, distances to them, and impairments, from one small recipe."""

from dataclasses import replace

import numpy as np
import pytest

from hertzian.datasets.possible import KINDS, SymbolSource
from hertzian.datasets.randomness import generator
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.page import write_page
from hertzian.experiments.possible.bound import _distances
from hertzian.experiments.result import read_result

RECIPE = """\
name: tiny
title: The possible, for tests
paper: null
seeds: [0]
compare:
  - {better: bound, worse: symbol-net}
stages:
  data: {kind: dataset, preset: possible-6-64, per: 150, snr: [0, 8, 16], split: random}
  bound: {kind: likelihood}
  without-snr: {kind: likelihood, classifier: likelihood-snr}
  boosted: {kind: train-boosted, epochs: 25, options: {depth: 4}}
  symbol-net:
    {kind: train-classifier, model: symbol-net, options: {known_gain: true}, epochs: 6,
     batch_size: 64, precision: 32-true}
  distance: {kind: distance-to-bound, bound: bound, networks: [without-snr, boosted, symbol-net]}
  cost:
    kind: impairments
    networks: [boosted, symbol-net]
    per: 20
    snr: [8, 16]
    strengths:
      {phase: [0, 0.5], timing: [0, 0.5], rate: [0, 0.02], carrier: [0, 0.1], fading: [0, 9]}
"""


def load(folder, text):
    (folder / "tiny.yaml").write_text(text)
    return load_recipe(folder / "tiny.yaml", "smoke")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("possible")
    recipe = load(folder, RECIPE)
    return run_recipe(recipe, "smoke", folder / "run", command="test"), folder / "run"


def accuracy(run, stage):
    return run[0].metrics[stage]["accuracy"]["mean"]


def test_trees_and_network_learn_and_stay_below_the_bound(run):
    bound = accuracy(run, "bound")
    for name in ("without-snr", "boosted", "symbol-net"):
        assert 0.5 < accuracy(run, name) < bound + 0.02  # chance is 1/6
    found = run[0].metrics["distance"]
    assert found["above_bound"] == []
    assert found["bound"] == "bound"
    for name, one in found["distance"].items():
        # every SNR has as many windows
        assert one["mean"]["mean"] == pytest.approx(bound - accuracy(run, name), abs=0.01)
        for level, value in one["by_snr"].items():
            assert one["lower"][level]["mean"] < value["mean"] < one["upper"][level]["mean"]


def test_impairments_cost_more_the_stronger_they_are(run):
    found = run[0].metrics["cost"]["impaired"]
    for impairment in ("phase", "timing", "rate", "carrier"):
        for name in ("boosted", "symbol-net", "likelihood"):
            none, strong = (share["mean"] for share in found[impairment][name].values())
            assert strong < none - 0.1
    # with nothing impaired all have the same windows
    assert len({found[impairment]["likelihood"]["0"]["mean"] for impairment in found}) == 1


def test_the_page_shows_distances_and_curves(run, tmp_path):
    result = read_result(run[1] / "result.json")
    write_page(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Distance to the possible" in page
    assert "points below bound over SNR" in page
    assert "What impairments cost: cost" in page
    assert "phase error, up to so many cycles either way" in page


def test_an_interval_holds_the_true_difference_as_often_as_it_says():
    """Of many pairs of classifiers with a known difference, all five SNRs at once."""
    random, levels, missed = np.random.default_rng(0), np.arange(5), 0
    snr_db = np.repeat(levels, 400).astype(float)
    for _ in range(300):
        draw = random.random(len(snr_db))
        bound, network = draw < 0.8, (draw < 0.76) | (draw > 0.99)
        found = _distances(bound, network, snr_db, levels, 2.576)  # 95% of five, by Bonferroni
        inside = [found["lower"][str(k)] <= 0.03 <= found["upper"][str(k)] for k in levels]
        missed += not all(inside)
    assert 0 < missed < 30


def test_who_is_better_than_the_bound_is_named(tmp_path):
    random = np.random.default_rng(1)
    worse = random.random(1000) < 0.7
    found = _distances(worse, np.ones(1000, bool), np.zeros(1000), np.arange(1), 3.0)
    assert found["upper"]["0"] < 0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("classifier: likelihood-snr", "classifier: likelihood-timing", "known are likelihood"),
        ("phase: [0, 0.5]", "wind: [0, 0.5]", "known impairments are phase"),
        ("timing: [0, 0.5]", "timing: [0, 1.5]", "timing: strengths are from 0 to 0.5"),
        ("rate: [0, 0.02]", "rate: [0, 1.0e+9]", "rate: strengths are from 0 to 0.1"),
        (
            "kind: train-boosted, epochs: 25",
            "kind: train-classifier, model: boosted-features, epochs: 25",
            "train-boosted",
        ),
    ],
)
def test_a_recipe_is_checked_before_it_runs(tmp_path, old, new, says):
    with pytest.raises(ExperimentError, match=says):
        load(tmp_path, RECIPE.replace(old, new))


@pytest.mark.parametrize("change", ["phase", "carrier", "timing", "fading", "rate"])
def test_an_impairment_leaves_the_symbols_as_they_are(change):
    plain, changed = (
        replace(SymbolSource(64), **{change: strength}).parts(KINDS[1], 30, 5, generator(1)).signal
        for strength in (0.0, 1e-4)
    )
    assert (changed - plain).abs().max() < 0.1


def test_a_rate_too_low_passes_more_symbols():
    drifting = replace(SymbolSource(1024), rate=1e-2).parts(KINDS[0], 30, 50, generator(1)).signal
    plain = SymbolSource(1024).parts(KINDS[0], 30, 50, generator(1)).signal
    # a hundred samples on, the receiver is a whole symbol ahead
    ahead = (drifting[:, 100:103] - plain[:, 101:104]).abs().mean()
    behind = (drifting[:, 100:103] - plain[:, 99:102]).abs().mean()
    assert ahead < 0.1 < behind


def test_impairments_want_the_six_classes(tmp_path):
    text = RECIPE.replace("split: random}", "split: random, classes: [BPSK, QPSK]}")
    text = text[: text.index("  bound:")] + text[text.index("  symbol-net:\n") :]
    text = text.replace("bound: bound, networks: [without-snr, boosted, symbol-net]", "")
    start, stop = text.index("  distance:"), text.index("  cost:")
    text = text[:start] + text[stop:]
    text = text.replace("networks: [boosted, symbol-net]", "networks: [symbol-net]")
    text = text.replace("compare:\n  - {better: bound, worse: symbol-net}\n", "")
    with pytest.raises(ExperimentError, match="classes of possible-6"):
        run_recipe(load(tmp_path, text), "smoke", tmp_path / "run", command="test")
