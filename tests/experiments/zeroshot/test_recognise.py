"""Classes never seen: learnt from their descriptions, and proved to be learnt from nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest

from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.signal import HertzianError

TRAINED = {"batch_size": 32, "precision": "32-true", "threads": 1}
LINEAR = {"kind": "zero-shot-linear", "network": "cnn", "unseen": "unseen"}
RECIPE = {
    "name": "tiny",
    "title": "Zero-shot recognition, for tests",
    "seeds": [0],
    "stages": {
        "data": {
            **{"kind": "dataset", "preset": "sigzsl-7", "per": 60, "snr": [6, 10]},
            **{"classes": ["QPSK", "2ASK", "4ASK", "16QAM"], "split": "random"},
        },
        "cnn": {
            **{"kind": "train-classifier", "model": "characteristic-net", "epochs": 12},
            **{**TRAINED, "learning_rate": 3e-3},
        },
        "words": {"kind": "describe-classes", "unseen": ["BPSK"], "epochs": 2, **TRAINED},
        "numbers": {"kind": "describe-classes", "unseen": ["BPSK"], "learnt": False},
        "derived": {
            **{"kind": "describe-classes", "unseen": ["BPSK"], "learnt": False},
            "descriptions": "derived",
        },
        "gan": {
            **{"kind": "generate-features", "network": "cnn", "vectors": "derived"},
            **{**TRAINED, "epochs": 60, "learning_rate": 2e-3, "with_level": True},
        },
        "worded": {
            **{"kind": "generate-features", "network": "cnn", "vectors": "words"},
            **{**TRAINED, "epochs": 2, "head_weight": 0.01},
        },
        "unseen": {
            **{"kind": "dataset", "preset": "sigzsl-7", "per": 20, "snr": [6, 10], "seed": 5},
            **{"classes": ["BPSK"], "fractions": {"test": 1}, "split": "random"},
        },
        "tested": {
            **{"kind": "recognise-unseen", "generator": "gan", "unseen": "unseen"},
            **{**TRAINED, "epochs": 10, "confusion_at": [10], "decide_by": "gate"},
        },
        "eszsl": {**LINEAR, "method": "eszsl", "vectors": "derived"},
        "projection": {**LINEAR, "method": "projection", "vectors": "numbers"},
        "nearest": {**LINEAR, "kind": "nearest-attribute", "vectors": "derived"},
        "shown": {
            **{"kind": "show-generated", "generator": "gan", "unseen": "unseen"},
            **{"windows": 5, "map_at": [6, 10]},
        },
    },
}
LAST = ("tested", "eszsl", "projection", "nearest")


def written(folder, **changed):
    stages = {name: {**said, **changed.get(name, {})} for name, said in RECIPE["stages"].items()}
    path = folder / "tiny.yaml"
    path.write_text(json.dumps({**RECIPE, "stages": stages}), encoding="utf-8")
    return load_recipe(path, "smoke")


def ran(folder, **changed):
    run = folder / "run"
    return run_recipe(written(folder, **changed), "smoke", run, command="test"), run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("zeroshot"))


def learnt(run: Path):
    """Return what every stage but the tests has left, by its path; and what the test has learnt."""
    files = [*run.glob("stages/*/seed-0/*"), *run.glob("stages/*/*.npz")]
    kept = [path for path in files if path.suffix in (".safetensors", ".npz")]
    of_unseen = [run / "stages" / name for name in ("unseen", "shown")]
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in kept
        if path.parent not in of_unseen
    }


def test_seen_classes_are_recognised_beside_one_that_was_only_described(run):
    metrics = run[0].metrics
    block = metrics["tested"]
    assert block["examples"]["mean"] == 4 * 2 * 12 + 40
    assert block["seen"]["mean"] > 0.6  # chance is a fifth
    for name in LAST:
        seen, unseen = (metrics[name][key]["mean"] for key in ("seen", "unseen"))
        harmonic = 2 * seen * unseen / (seen + unseen) if seen + unseen else 0
        assert metrics[name]["harmonic_mean"]["mean"] == pytest.approx(harmonic)
        decisions = metrics[name]["decisions"]
        assert set(decisions) == {"scores", "stacked", "gate"}
        assert all(0 <= decisions[rule]["area"]["mean"] <= 1 for rule in ("stacked", "gate"))
    assert block["harmonic_mean"] == block["decisions"]["gate"]["harmonic_mean"]
    # BPSK fits none of the four, and a twentieth of what is seen is given away
    assert block["unseen"]["mean"] > 0.95
    assert metrics["tested"]["decisions"]["gate"]["area"]["mean"] > 0.8
    assert metrics["gan"]["generated_rightly"]["mean"] > 0.7  # chance is a quarter
    assert set(block["distances"]) == {"BPSK"}
    assert all(block["distances"]["BPSK"][key]["mean"] > 0 for key in ("own", "nearest_seen"))
    assert metrics["words"]["described_rightly"]["mean"] > 0.25


def test_nothing_that_is_learnt_depends_on_a_window_of_an_unseen_class(run, tmp_path):
    # other windows, another number of them, and another SNR: all weights stay the same to the bit
    other = ran(tmp_path, unseen={"per": 8, "snr": [0], "seed": 77})
    assert learnt(other[1]) == learnt(run[1])
    names = {Path(name).parts[1] for name in learnt(run[1])}
    trained = {"cnn", "words", "numbers", "derived", "gan", "worded", *LAST}
    assert trained <= names
    epochs = [result.metrics["tested"]["epochs"]["mean"] for result in (run[0], other[0])]
    assert epochs[0] == epochs[1]
    heard = [set(result.metrics["tested"]["accuracy_by_snr"]) for result in (run[0], other[0])]
    assert heard == [{"6", "10"}, {"0", "6", "10"}]


def test_real_and_generated_features_are_shown(run):
    found = np.load(run[1] / "generated.npz", allow_pickle=False)
    assert found["names"].tolist()[-2:] == ["BPSK", "BPSK, generated"]
    for name in ("map, BPSK", "map, BPSK, generated"):
        assert found[name].shape == (5, 129)
    for snr_db in (6, 10):
        numbers = found[f"numbers, {snr_db} dB"]
        assert found[f"places, {snr_db} dB"].shape == (len(numbers), 2)
        assert np.bincount(numbers).tolist() == [5] * 6
    page = (run[1] / "report.html").read_text(encoding="utf-8")
    assert "Features, real and generated" in page
    assert "BPSK, generated" in page


def test_vectors_of_seen_classes_are_standard_and_unseen_ones_take_no_part(run):
    found = np.load(run[1] / "stages" / "derived" / "seed-0" / "vectors.npz")
    assert found["classes"].tolist() == ["QPSK", "OOK", "4ASK", "16QAM", "BPSK"]
    seen = found["vectors"][: int(found["seen"])]
    assert seen.mean(axis=0) == pytest.approx(np.zeros(11), abs=1e-6)
    spread = seen.std(axis=0)
    assert ((np.abs(spread - 1) < 1e-5) | (spread == 0)).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"words": {"unseen": ["QPSK"]}}, "has windows of QPSK"),
        ({"numbers": {"unseen": ["8PSK"]}}, "paper describes .* not 8PSK; say descriptions: deriv"),
        ({"unseen": {"classes": ["64QAM"]}}, "described as unseen are BPSK"),
        ({"gan": {"vectors": "cnn"}}, "expected 'describe-classes'"),
        ({"tested": {"generator": "cnn"}}, "expected 'generate-features'"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, changed, said):
    with pytest.raises(ExperimentError, match=said):
        ran(tmp_path, **changed)


def test_an_extractor_that_has_seen_an_unseen_class_is_refused_unless_it_is_said(tmp_path):
    stages = json.loads(json.dumps(RECIPE["stages"]))
    stages["all"] = {**stages["data"], "classes": ["BPSK", "QPSK", "2ASK"], "seed": 3}
    stages["cnn"] |= {"data": "all", "epochs": 1}
    wanted = ("data", "all", "cnn", "derived", "gan")
    path = tmp_path / "tiny.yaml"

    def run_with(**said):
        kept = {name: stages[name] for name in wanted}
        kept["gan"] = {**kept["gan"], "epochs": 1, **said}
        path.write_text(json.dumps({**RECIPE, "stages": kept}), encoding="utf-8")
        return run_recipe(load_recipe(path, "smoke"), "smoke", tmp_path / "run", command="test")

    with pytest.raises(ExperimentError, match="has learnt from BPSK of stage all, which should be"):
        run_with()
    with pytest.raises(ExperimentError, match="head_weight: stage cnn doesn't classify the seen"):
        run_with(taught_unseen=True, head_weight=0.01)
    assert run_with(taught_unseen=True).metrics["gan"]


def test_an_extractor_that_met_an_unseen_class_by_the_way_is_refused(tmp_path):
    stages = json.loads(json.dumps(RECIPE["stages"]))
    stages["unseen"] |= {"per": 40}
    stages["begun"] = {"kind": "fresh-network", "model": "characteristic-net", "batch_size": 32}
    # its settings speak of the seen windows alone, what it clusters are the unseen ones
    stages["cnn"] = {"kind": "cluster", "network": "begun", "data": "unseen", "epochs": 1}
    stages["cnn"] |= {**TRAINED, "collapsed_share": 1.0}
    wanted = ("data", "unseen", "begun", "cnn", "derived", "gan")
    path = tmp_path / "tiny.yaml"
    kept = {name: stages[name] for name in wanted}
    path.write_text(json.dumps({**RECIPE, "stages": kept}), encoding="utf-8")
    with pytest.raises(ExperimentError, match="stage cnn has learnt from BPSK of stage unseen"):
        run_recipe(load_recipe(path, "smoke"), "smoke", tmp_path / "run", command="test")


def test_an_extractor_from_another_split_of_the_same_windows_is_refused(tmp_path):
    stages = json.loads(json.dumps(RECIPE["stages"]))
    stages["other"] = {**stages["data"], "split_seed": 1}
    stages["cnn"] |= {"data": "other", "epochs": 1}
    path = tmp_path / "tiny.yaml"
    kept = {name: stages[name] for name in ("data", "other", "cnn", "derived", "gan")}
    path.write_text(json.dumps({**RECIPE, "stages": kept}), encoding="utf-8")
    with pytest.raises(ExperimentError, match="stages other and data split the same windows"):
        run_recipe(load_recipe(path, "smoke"), "smoke", tmp_path / "run", command="test")


def test_what_all_seen_classes_share_but_for_rounding_is_not_blown_up(tmp_path):
    stages = json.loads(json.dumps(RECIPE["stages"]))
    stages["data"] |= {"preset": "rml2018-01a-like", "classes": ["QPSK", "8PSK", "16PSK"]}
    path = tmp_path / "tiny.yaml"
    kept = {name: {**stages[name], "unseen": ["64QAM"]} for name in ("derived",)}
    said = {"data": {**stages["data"], "per": 5, "snr": [10]}, **kept}
    path.write_text(json.dumps({**RECIPE, "stages": said}), encoding="utf-8")
    run_recipe(load_recipe(path, "smoke"), "smoke", tmp_path / "run", command="test")
    found = np.load(tmp_path / "run" / "stages" / "derived" / "seed-0" / "vectors.npz")
    assert np.abs(found["vectors"]).max() < 20


def test_a_single_class_is_nothing_to_tell_apart(tmp_path):
    with pytest.raises(HertzianError, match="nothing to tell apart in 1 class"):
        ran(tmp_path, data={"classes": ["QPSK"]})


def test_settings_that_contradict_each_other_are_refused(tmp_path):
    for said, message in (
        ({"learnt": True}, "derived descriptions have no words"),
        ({"unseen": ["BPSK", "bpsk"]}, "twice"),
    ):
        with pytest.raises(ExperimentError, match=message):
            written(tmp_path, derived=said)
