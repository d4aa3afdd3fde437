"""Deep transfer clustering on windows that are quickly told apart."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from hertzian.datasets.dataset import Dataset
from hertzian.datasets.files import write_dataset
from hertzian.evaluation import EvaluationError
from hertzian.experiments import (
    ExperimentError,
    clustering_baselines,
    load_recipe,
    run_recipe,
)
from hertzian.experiments.classifiers.tested import embeddings
from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset

CLASSES = ("BPSK", "GFSK", "WBFM", "AM-SSB")
RECIPE = {
    "name": "tiny",
    "title": "Clustering, for tests",
    "seeds": [0],
    "stages": {
        "known": {
            **{"kind": "dataset", "preset": "rml2016-10a-corrected", "per": 60, "snr": [14, 18]},
            **{"classes": CLASSES, "fractions": {"train": 0.8, "validation": 0.2}},
        },
        "data": {
            **{"kind": "dataset", "preset": "rml2016-10b-corrected", "per": 40, "snr": [-2, 18]},
            **{"seed": 3, "classes": ("BPSK", "GFSK", "WBFM"), "fractions": {"test": 1}},
        },
        "taught": {
            **{"kind": "pretrain-pairs", "data": "known", "model": "dtc", "epochs": 14},
            **{"batch_size": 32, "learning_rate": 3e-3, "precision": "32-true", "threads": 1},
        },
        "alone": {"kind": "assign-clusters", "network": "taught"},
        "clustered": {
            **{"kind": "cluster", "network": "taught", "epochs": 3, "batch_size": 32},
            **{"learning_rate": 1e-4, "precision": "32-true", "threads": 1},
        },
        "centred": {
            **{"kind": "cluster", "network": "taught", "centred": True, "epochs": 1},
            **{"batch_size": 32, "learning_rate": 1e-6, "precision": "32-true", "threads": 1},
        },
        "k-means": {"kind": "k-means", "clusters": 4, "starts": 2},
        "embedded": {
            **{"kind": "embedded-clustering", "clusters": 3, "coder_epochs": 2, "epochs": 2},
            **{"batch_size": 32, "starts": 2, "precision": "32-true", "threads": 1},
        },
        "contrasted": {
            **{"kind": "contrast", "model": "dtc", "clusters": 16, "epochs": 3},
            **{"batch_size": 32, "learning_rate": 3e-3, "precision": "32-true", "threads": 1},
        },
        "semantic": {
            **{"kind": "semantic-clustering", "network": "contrasted", "clusters": 3},
            **{
                "neighbours": 5,
                "epochs": 2,
                "batch_size": 32,
                "precision": "32-true",
                "threads": 1,
            },
        },
        "k-means-embedding": {"kind": "k-means", "clusters": 3, "network": "taught"},
    },
}
MEASURED = ("alone", "clustered", "embedded", "semantic", "k-means", "k-means-embedding")


def written_path(folder, stages):
    path = folder / "tiny.yaml"
    path.write_text(json.dumps({**RECIPE, "stages": stages}), encoding="utf-8")
    return path


def written(folder, stages):
    return load_recipe(written_path(folder, stages), "smoke")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clustering")
    return run_recipe(
        written(folder, RECIPE["stages"]), "smoke", folder / "run", command="test"
    ), folder / "run"


def test_pairs_are_learnt_and_clusters_found_without_labels(run):
    metrics = run[0].metrics
    assert metrics["taught"]["pairs_right"]["mean"] > 0.7  # chance is 1/2
    for name in ("alone", "clustered", "k-means-embedding"):
        block = metrics[name]["snr_ge_0"]
        assert block["acc"]["mean"] > 0.45  # of three classes
        assert block["nmi"]["mean"] > 0.25
    assert metrics["k-means"]["snr_ge_0"]["nmi"]["mean"] < 0.1  # windows as they are tell little


def test_each_clustering_is_told_over_the_least_snr(run):
    metrics, folder = run[0].metrics, run[1]
    for name in MEASURED:
        block = metrics[name]
        assert block["examples"]["mean"] == 3 * 2 * 40
        assert set(block["acc_by_least_snr"]) == {"-2", "18"}
        whole, loud = (block["acc_by_least_snr"][level]["mean"] for level in ("-2", "18"))
        assert (whole, loud) == (block["acc"]["mean"], block["snr_ge_0"]["acc"]["mean"])
        kept = np.load(folder / "stages" / name / "seed-0" / "clusters.npz")
        assert kept["assigned"].shape == kept["truth"].shape == (240,)
        assert kept["classes"].tolist() == ["BPSK", "GFSK", "WBFM"]
    assert metrics["clustered"]["epochs"]["mean"] == 3
    assert metrics["contrasted"]["views_found"]["mean"] > 3 / 32  # chance is 1/32
    assert metrics["embedded"]["coder_epochs"]["mean"] == 2
    assert metrics["embedded"]["epochs"]["mean"] <= 2
    assert len(metrics["clustered"]["history"]["kept_their_cluster"]) == 3
    assert "clustered" in (folder / "report.html").read_text()


def test_clusters_may_begin_where_k_means_finds_them(run):
    folder = run[1] / "stages"
    kept = np.load(folder / "centred" / "seed-0" / "clusters.npz")["assigned"]
    # as many as the network has outputs, and hardly moved by a rate of next to nothing
    data = np.load(folder / "clustered" / "seed-0" / "clusters.npz")
    assert len(np.unique(kept)) == 4
    assert run[0].metrics["centred"]["snr_ge_0"]["acc"]["mean"] > 0.45
    assert not np.array_equal(kept, data["assigned"])


def test_a_network_without_a_dense_head_is_not_centred(tmp_path):
    fresh = {"kind": "fresh-network", "model": "cnn1", "clusters": 3}
    clustered = {"kind": "cluster", "network": "fresh", "centred": True, "epochs": 1}
    stages = {"data": laid(tmp_path), "fresh": fresh, "clustered": clustered}
    with pytest.raises(ExperimentError, match="Cnn1 has no dense layer on its embedding"):
        run_recipe(written(tmp_path, stages), "smoke", tmp_path / "run", command="")


def untaught(folder, **stages):
    fresh = {"kind": "fresh-network", "model": "dtc", "clusters": 7}
    return written(folder, {"data": RECIPE["stages"]["data"], "fresh": fresh, **stages})


def test_a_collapse_is_no_result(tmp_path):
    clustered = {"kind": "cluster", "network": "fresh", "epochs": 1, "collapsed_share": 0.01}
    with pytest.raises(EvaluationError, match="the clusters have collapsed"):
        run_recipe(untaught(tmp_path, clustered=clustered), "smoke", tmp_path / "run", command="")
    assert not (tmp_path / "run" / "result.json").exists()


def test_neighbours_are_those_of_a_contrast(tmp_path):
    semantic = {"kind": "semantic-clustering", "network": "fresh", "clusters": 3, "epochs": 1}
    with pytest.raises(ExperimentError, match="'fresh' is of kind 'fresh-network', expected 'con"):
        run_recipe(untaught(tmp_path, semantic=semantic), "smoke", tmp_path / "run", command="")


def test_an_untaught_network_is_clustered_too(tmp_path):
    embedded = {"kind": "k-means", "clusters": 5, "network": "fresh", "starts": 1}
    found = run_recipe(untaught(tmp_path, embedded=embedded), "smoke", tmp_path / "run", command="")
    assert found.metrics["embedded"]["clusters"]["mean"] == 5


def laid(tmp_path, samples=128, snr_db=10.0, protocols=False):
    """A dataset of forty windows in a file, as a stage."""
    rng = np.random.default_rng(1)
    labels = np.arange(40) % 2
    made = Dataset(
        x=rng.normal(size=(40, 2, samples)).astype(np.float32),
        modulation=labels,
        snr_db=np.full(40, snr_db, np.float32),
        group=np.arange(40),
        modulations=("BPSK", "QPSK"),
        protocol=labels if protocols else None,
        protocols=("one", "two") if protocols else (),
        **{"preset": "", "seed": 0, "sample_rate_hz": 1.0, "snr_definition": "", "version": ""},
    )
    path = tmp_path / f"{samples}-{snr_db}.npz"
    write_dataset(path, made)
    return {"kind": "dataset", "file": str(path), "split": "random", "fractions": {"test": 1}}


FRESH = {"kind": "fresh-network", "data": "data", "model": "dtc", "clusters": 3}
ASKING = {
    "assign": {"kind": "assign-clusters"},
    "cluster": {"kind": "cluster", "epochs": 1},
    "k-means": {"kind": "k-means", "clusters": 2},
    "semantic": {"kind": "semantic-clustering", "clusters": 2, "neighbours": 2, "epochs": 1},
}


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_windows_of_another_length_are_refused(tmp_path, asking):
    stages = {"data": laid(tmp_path), "fresh": FRESH, "other": laid(tmp_path, samples=256)}
    stages["asked"] = {**asking, "network": "fresh", "data": "other"}
    with pytest.raises(ExperimentError, match="dtc takes no windows of 256 samples"):
        run_recipe(written(tmp_path, stages), "smoke", tmp_path / "run", command="")


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_a_network_with_several_heads_is_refused(tmp_path, asking):
    parts = {"train": 0.4, "validation": 0.3, "test": 0.3}
    data = {**laid(tmp_path, protocols=True), "fractions": parts}
    many = {"kind": "train-multitask", "model": "mtl", "epochs": 1, "batch_size": 8, "threads": 1}
    stages = {"data": data, "many": many, "asked": {**asking, "network": "many"}}
    with pytest.raises(ExperimentError, match="with several heads; give one of one"):
        run_recipe(written(tmp_path, stages), "smoke", tmp_path / "run", command="")


def test_more_clusters_than_windows_are_refused(tmp_path):
    stages = {"data": laid(tmp_path), "asked": {"kind": "k-means", "clusters": 41}}
    with pytest.raises(HertzianError, match="41 clusters of only 40"):
        run_recipe(written(tmp_path, stages), "smoke", tmp_path / "run", command="")


@pytest.mark.parametrize(("snr_db", "told"), [(np.nan, set()), (-3.7, {"-4"}), (2.4, {"2"})])
def test_any_snr_will_do(tmp_path, snr_db, told):
    stages = {"data": laid(tmp_path, snr_db=snr_db), "asked": {"kind": "k-means", "clusters": 2}}
    recipe = load_recipe(written_path(tmp_path, stages), "smoke", [f"seeds=[{2**40}]"])
    block = run_recipe(recipe, "smoke", tmp_path / "run", command="").metrics["asked"]
    assert set(block["acc_by_least_snr"]) == told
    assert (block["snr_ge_0"] is None) == (snr_db != 2.4)


def test_thresholds_are_looked_at_before_anything_runs(tmp_path):
    asked = {"kind": "cluster", "network": "fresh", "epochs": 1, "upper": 0.5, "lower": 0.5}
    with pytest.raises(ExperimentError, match="lower: expected less than upper"):
        written(tmp_path, {"data": laid(tmp_path), "fresh": FRESH, "asked": asked})


def test_the_last_layer_of_a_contrast_is_fresh_whatever_its_size(tmp_path, monkeypatch):
    contrasted = {"kind": "contrast", "model": "dtc", "clusters": 3, "epochs": 1, "batch_size": 8}
    stages = {"data": laid(tmp_path), "contrasted": {**contrasted, "threads": 1}}
    stages["asked"] = {**ASKING["semantic"], "network": "contrasted", "clusters": 3, "threads": 1}
    seen = []
    made = clustering_baselines._with_clusters

    def watched(taught, settings, context):
        seen.append((taught, made(taught, settings, context)))
        return seen[0][1]

    monkeypatch.setattr(clustering_baselines, "_with_clusters", watched)
    monkeypatch.setattr(clustering_baselines, "_fit", lambda *_: SimpleNamespace(epochs=0))
    run_recipe(written(tmp_path, stages), "smoke", tmp_path / "run", command="")
    ((taught, model),) = seen
    assert not torch.equal(taught.head.weight, model.head.weight)
    assert torch.equal(taught.embed[1].weight, model.embed[1].weight)


def test_a_network_without_an_embedding_is_refused():
    windows = ArrayDataset([(np.zeros((4, 2, 8), np.float32), np.zeros(4, np.int64))])
    with pytest.raises(ExperimentError, match="Flatten has no feature `embedding`"):
        embeddings(nn.Flatten(), windows)
