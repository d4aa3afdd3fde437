"""Classes known by their alphabets alone."""

import json

import numpy as np
import pytest
import torch

from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.zeroshot.described import Drawing, LeaveOneOutSettings, without
from hertzian.experiments.zeroshot.features import Part
from hertzian.models import build
from hertzian.signal import alphabet_of

PARTS = {"fractions": {"train": 0.5, "validation": 0.2, "test": 0.3}}
LINEAR = {"kind": "dataset", "preset": "linear", "per": 30, "snr": [10, 14]}
KNOWN = {**LINEAR, "classes": ["BPSK", "QPSK", "16QAM"], **PARTS}
STAGES = {
    "data": KNOWN,
    "fresh": {"kind": "fresh-network", "model": "characteristic-net"},
    "derived": {
        **{"kind": "describe-classes", "unseen": ["12APSK", "OQPSK"]},
        **{"descriptions": "derived", "learnt": False},
    },
    "new": {
        **{**LINEAR, "classes": ["12APSK", "OQPSK"], "seed": 1},
        "fractions": {"test": 1},
    },
    "described": {
        **{"kind": "recognise-described", "network": "fresh", "vectors": "derived"},
        **{"unseen": "new", "per": 40},
    },
    "left-out": {"kind": "leave-one-out", "network": "fresh", "per": 40},
}


def ran(folder, stages):
    path = folder / "tiny.yaml"
    recipe = {"name": "tiny", "title": "Described classes, for tests", "seeds": [0]}
    path.write_text(json.dumps({**recipe, "stages": stages}), encoding="utf-8")
    return run_recipe(load_recipe(path, "smoke"), "smoke", folder / "run", command="test").metrics


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("described"), STAGES)


def test_classes_are_recognised_of_which_only_the_alphabet_is_known(metrics):
    block = metrics["described"]
    assert block["seen"]["mean"] > 0.9  # chance is a fifth
    assert block["unseen"]["mean"] > 0.9
    assert block["harmonic_mean"] == block["decisions"]["scores"]["harmonic_mean"]
    for name in ("12APSK", "OQPSK"):
        apart = block["distances"][name]
        assert apart["own"]["mean"] < 0.2 * apart["nearest_seen"]["mean"]


def test_each_class_is_left_out_in_turn(metrics):
    found = metrics["left-out"]["left_out"]
    assert set(found) == {"BPSK", "QPSK", "16QAM"}
    means = [one["rules"]["scores"]["harmonic_mean"]["mean"] for one in found.values()]
    assert metrics["left-out"]["harmonic_mean"]["mean"] == pytest.approx(sum(means) / 3)
    assert metrics["left-out"]["least"]["mean"] == pytest.approx(min(means))
    assert min(means) > 0.9
    for one in found.values():
        assert set(one["recall_by_snr"]) == {"10", "14"}
        # what no seen class resembles is noticed without any description
        assert one["rules"]["gate"]["unseen"]["mean"] > 0.9


def test_a_network_that_may_have_learnt_from_what_is_left_out_is_refused(tmp_path):
    taught = {"kind": "train-classifier", "model": "characteristic-net", "epochs": 1}
    stages = {"data": KNOWN, "fresh": {**taught, "batch_size": 16}, "left": STAGES["left-out"]}
    with pytest.raises(ExperimentError, match="fresh may have learnt from the classes that are"):
        ran(tmp_path, stages)


def test_features_of_another_network_cannot_be_drawn(tmp_path):
    fresh = {"kind": "fresh-network", "model": "sigzsl-cnn"}
    stages = {"data": KNOWN, "fresh": fresh, "left": STAGES["left-out"]}
    with pytest.raises(ExperimentError, match="characteristic-net alone, not by a SigzslCnn"):
        ran(tmp_path, stages)


def test_nothing_of_a_class_that_is_left_out_counts_but_its_test():
    """Whatever its windows for training and validation were, all answers are the same."""
    network, generator = build("characteristic-net").eval(), torch.Generator().manual_seed(1)
    classes = ("BPSK", "QPSK", "16QAM")
    drawing = Drawing(network, 1024, generator)
    levels = np.float32([10, 14]).repeat(30)

    def part(of_left_out):
        features = [drawing.features(alphabet_of(name), levels) for name in classes]
        features[1] = of_left_out(features[1])
        labels = np.arange(3).repeat(len(levels))
        return Part(np.concatenate(features), labels, np.tile(levels, 3))

    def found(of_left_out):
        generator.manual_seed(1)
        parts = {name: part(of_left_out) for name in ("train", "validation")}
        parts["test"] = part(lambda x: x)
        settings = LeaveOneOutSettings(kind="leave-one-out", network="fresh", per=40)
        return without(settings, parts, classes, "QPSK", drawing)

    usual = found(lambda x: x)
    assert usual["rules"]["scores"]["unseen"] > 0.9
    assert found(lambda x: -1e3 * x) == usual
