import json

import numpy as np
import pytest
from tests.experiments.classifiers.recipes import context

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.files import write_dataset
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.synthesis import synthesise
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.classifiers.data import DatasetSettings, make_dataset, split_data
from hertzian.experiments.recipe import FOLDERS
from hertzian.signal import HertzianError
from hertzian.training import DatasetRows

PRESET = {"preset": "rml2016-10a-corrected", "per": 20, "snr": (0.0, 18.0)}


def _made(tmp_path, **settings):
    """Run the stage, and return its outcome and the context of one that follows."""
    stage = DatasetSettings(kind="dataset", **settings)
    folder = tmp_path / "stages" / "data"
    folder.mkdir(parents=True)
    outcome = make_dataset(stage, context(folder, {"data": stage}))
    later = context(tmp_path / "stages" / "next", {"data": stage}, {"data": folder})
    return outcome, later


def test_a_random_split_has_the_shares_asked_for_in_every_cell(tmp_path):
    outcome, later = _made(tmp_path, **PRESET, split="random")
    counts = {"train_windows": 264, "validation_windows": 88, "test_windows": 88}
    assert outcome.metrics == {"data": counts}
    assert [seen.preset for seen in outcome.trained_on] == ["rml2016-10a-corrected"]
    data = split_data(later, "data")
    assert outcome.split_hash == data.split.hash
    cells, of_each = np.unique(
        np.stack([data.labels("test"), data.snr_db("test")]), axis=1, return_counts=True
    )
    assert cells.shape[1] == 22
    assert set(of_each.tolist()) == {4}


def test_parts_share_no_group_no_window_and_keep_their_labels(tmp_path):
    _, later = _made(tmp_path, **{**PRESET, "per": 120})
    data = split_data(later, "data")
    groups = [set(data.dataset.group[rows].tolist()) for rows in data.split.parts.values()]
    assert len(set.union(*groups)) == sum(map(len, groups))
    seen = []
    for part in ("train", "validation", "test"):
        x, labels = data.part(part)[np.arange(len(data.labels(part)))]
        np.testing.assert_array_equal(labels, data.labels(part))
        np.testing.assert_array_equal(x, data.dataset.x.rows(data.split.parts[part]))
        seen += [window.tobytes() for window in x.numpy()]
    assert len(set(seen)) == len(seen)
    assert data.classes[-5:] == ("4PAM", "16QAM", "64QAM", "QPSK", "WBFM")


def test_what_is_too_large_for_memory_stays_in_its_file(tmp_path, monkeypatch):
    _, later = _made(tmp_path, **PRESET, split="random")
    data = split_data(later, "data")
    rows = np.array([3, 4, 17])
    kept = data.part("train")[rows]
    monkeypatch.setattr("hertzian.training.batches.KEPT_BYTES", 1000)
    read = data.part("train")
    assert isinstance(read, DatasetRows)
    for one, other in zip(kept, read[rows], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "windows.h5"
    synthesise("rml2016-10a-corrected", path, per=30, seed=3, snr_db=[0, 18])
    return path


def test_a_file_gives_all_it_has_or_as_many_of_each_cell_as_asked(tmp_path, file):
    outcome, later = _made(tmp_path, file=str(file), split="random")
    assert sum(outcome.metrics["data"].values()) == 660
    assert split_data(later, "data").dataset.seed == 3
    few, later = _made(tmp_path / "few", file=str(file), per=10, split="random")
    counts = {"train_windows": 132, "validation_windows": 44, "test_windows": 44}
    assert few.metrics == {"data": counts}
    whole = {window.tobytes() for window in open_dataset(file).x[0:660]}
    assert all(w.tobytes() in whole for w in split_data(later, "data").dataset.x[0:220])


def test_a_file_that_changed_is_noticed(tmp_path, file):
    stage = DatasetSettings(kind="dataset", file=str(file))
    before = stage.named_files()
    _, later = _made(tmp_path, file=str(file), split="random")
    other = open_dataset(file)
    labels = other.modulation.copy()
    labels[:5] = 9
    object.__setattr__(other, "modulation", labels)
    write_dataset(tmp_path / "other.h5", other)
    (tmp_path / "other.h5").replace(file)
    assert stage.named_files() != before
    with pytest.raises(DatasetError, match="split"):
        split_data(later, "data")


@pytest.mark.parametrize("source", ["preset", "file"])
def test_windows_that_were_deleted_are_made_again(tmp_path, file, source):
    settings = PRESET if source == "preset" else {"file": str(file), "per": 10}
    _, later = _made(tmp_path, **settings, split="random")
    before = split_data(later, "data").part("test")[np.arange(40)][0]
    (tmp_path / "stages" / "data" / "data.h5").unlink()
    after = split_data(later, "data").part("test")[np.arange(40)][0]
    np.testing.assert_array_equal(after, before)


def test_windows_made_again_otherwise_are_refused(tmp_path, file):
    _, later = _made(tmp_path, file=str(file), per=10, split="random")
    (tmp_path / "stages" / "data" / "data.h5").unlink()
    synthesise("rml2016-10a-corrected", file, per=30, seed=3, snr_db=[0, 16])
    with pytest.raises(DatasetError, match="split"):
        split_data(later, "data")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected a preset or a file, and not both"),
        ({"preset": "field", "file": "a.h5"}, "expected a preset or a file, and not both"),
        ({"preset": "rml2016-10a", "classes": ("BPSK", "nonsense")}, "unknown modulation 'nons"),
        ({"preset": "rml2016-10a", "classes": ()}, "at least 1 item"),
        ({"preset": "field", "fractions": {"train": 0.5, "rest": 0.5}}, "fractions: expected"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises((ValueError, HertzianError), match=message):
        DatasetSettings(kind="dataset", **settings)


def test_windows_are_of_the_classes_and_the_length_asked_for(tmp_path):
    asked = {"classes": ("BPSK", "QAM16", "WBFM"), "samples": 1000}
    outcome, later = _made(tmp_path, **PRESET, **asked, split="random")
    data = split_data(later, "data")
    assert data.classes == ("BPSK", "16QAM", "WBFM")
    assert data.samples == 1000
    assert sum(outcome.metrics["data"].values()) == 3 * 2 * 20
    x, labels = data.part("test")[np.arange(24)]
    assert x.shape == (24, 2, 1000)
    np.testing.assert_array_equal(x[:, :, :128], x[:, :, 128:256])
    assert np.bincount(labels).tolist() == [8, 8, 8]


def test_what_is_not_said_is_no_part_of_the_description(tmp_path):
    _, later = _made(tmp_path, **PRESET, split="random")
    assert "null" not in split_data(later, "data").description


def test_classes_are_drawn_by_the_seed(tmp_path):
    found = set()
    for seed in range(4):
        settings = {**PRESET, "per": 2, "seed": seed, "most_classes": 3, "fractions": {"test": 1}}
        _, later = _made(tmp_path / str(seed), **settings, split="random")
        found.add(split_data(later, "data").classes)
    assert len(found) > 1
    assert {len(classes) for classes in found} == {3}


def test_another_stage_is_no_data(tmp_path):
    _, later = _made(tmp_path, **PRESET, split="random")
    with pytest.raises(ExperimentError, match="no stage 'date' comes before; these do: data"):
        split_data(later, "date")


def test_a_recipe_may_have_several_datasets(tmp_path):
    stages = {
        name: {"kind": "dataset", "preset": f"rml2016-10a@{seed}", "per": 5, "split": "random"}
        for name, seed in (("one", 1), ("two", 2))
    }
    path = tmp_path / "two.yaml"
    path.write_text(json.dumps({"name": "two", "title": "Two channels", "stages": stages}))
    result = run_recipe(load_recipe(path, "smoke"), "smoke", tmp_path / "run", command="test")
    assert set(result.metrics) == {"one", "two"}
    assert {seen.preset for seen in result.trained_on} == {"rml2016-10a@1", "rml2016-10a@2"}


@pytest.mark.parametrize("scale", ["smoke", "small", "full"])
def test_the_documented_recipe_is_one(tmp_path, scale):
    page = (FOLDERS[0].parent / "docs" / "networks.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    assert list(load_recipe(path, scale).stages) == ["data", "large", "alone", "taught", "model"]
