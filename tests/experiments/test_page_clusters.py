import re

import pytest
from tests.experiments.networks import network_result

from hertzian.experiments import over_seeds
from hertzian.experiments.page import write_page

pytestmark = pytest.mark.base

PUBLISHED = {"published": {"new": {"nmi": 0.8547, "acc": 0.7444, "source": "table II"}}}


def agreement(right):
    """What `cluster_block` would say, made by hand: that needs what the base install lacks."""
    shares = {"nmi": 0.8 * right, "ari": 0.7 * right, "acc": right, "largest_share": 0.4}
    return {"examples": 600, "clusters": 3, **shares}


def clustered(seed, right):
    """Return the block of clusters that hold about this share of their classes."""
    found = right + 0.01 * seed
    return {
        **agreement(found),
        "acc_by_least_snr": {"-2": found, "10": found + 0.05},
        "snr_ge_0": agreement(found),
        "history": {"train_loss": [2.0, 1.0], "validation_loss": [2.0, 1.5]},
    }


def page(tmp_path, recipe, skills=(("new", 0.9), ("old", 0.6))):
    result = network_result(skills=(), recipe=recipe)
    stages = {stage: {"kind": "cluster"} for stage, _ in skills}
    metrics = {}
    for stage, right in skills:
        metrics |= over_seeds([{stage: clustered(seed, right)} for seed in (0, 1)])
    described = {**result.recipe, "stages": stages}
    changed = result.model_copy(update={"recipe": described, "metrics": metrics})
    write_page(changed, tmp_path / "p.html")
    return metrics, (tmp_path / "p.html").read_text(encoding="utf-8")


def test_clusters_stand_beside_what_was_published(tmp_path):
    metrics, source = page(tmp_path, PUBLISHED)
    text = re.sub(r"<[^>]+>", " ", source)
    assert f"{metrics['new']['acc']['mean']:.3f} ±" in text
    assert "0.7444" in text
    assert "Accuracy over the least SNR" in text
    assert "Training of old" in text
    assert ">Measured<" not in source
    # of what nothing is printed there is no column
    assert text.count("published") - text.count("published.") == 2


def test_studies_of_clusters_draw_their_acc(tmp_path):
    plain = page(tmp_path, {})[1].count("<svg")
    curves = {"ACC": {"0.9": "new", "0.95": "old", "0.99": "missing"}}
    study = {"title": "Threshold", "setting": "u", "snr": None, "curves": curves}
    source = page(tmp_path, {"studies": [study]})[1]
    assert source.count("<svg") == plain + 1
    assert "ACC of the clusters" in source
