import pytest

from hertzian.datasets.presets import find_preset
from hertzian.deployment import load_predictor
from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.page import write_page
from hertzian.experiments.possible import across
from hertzian.experiments.possible.across import shared_classes

RECIPE = """\
name: tiny
title: What generalises, for tests
paper: null
seeds: [0]
stages:
  across:
    kind: across-presets
    models: [pet-cgdnn, field]
    presets: [rml2016-10a, rml2016-10a@1, possible-6-1024, radcom-gain]
    per: 2
"""


def run(folder, text=RECIPE):
    (folder / "tiny.yaml").write_text(text)
    recipe = load_recipe(folder / "tiny.yaml", "smoke")
    return run_recipe(recipe, "smoke", folder / "run", command="test")


def test_models_are_tested_on_the_classes_that_they_share(tmp_path):
    result = run(tmp_path)
    found = result.metrics["across"]["across"]
    assert list(found["pet-cgdnn"]) == ["rml2016-10a", "rml2016-10a@1", "radcom-gain"]
    assert list(found["field"]) == ["possible-6-1024"]
    own = found["pet-cgdnn"]["rml2016-10a"]
    assert own["examples"]["mean"] == 2 * 11 * 20
    assert len(own["classes"]) == 11
    assert own["accuracy_snr_ge_0"]["mean"] > 0.6
    assert found["field"]["possible-6-1024"]["classes"][:2] == ["BPSK", "QPSK"]
    folder = tmp_path / "run" / "stages" / "across"
    assert not list(folder.rglob("windows.h5"))
    write_page(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "What generalises: across" in page
    assert "rml2016-10a@1" in page


def test_finished_presets_are_kept(tmp_path, monkeypatch):
    asked, really = [], across.evaluate_windows

    def break_off_once(predictor, dataset, *, data, **options):
        asked.append(data)
        if asked == ["rml2016-10a", "rml2016-10a@1"]:
            raise KeyboardInterrupt
        return really(predictor, dataset, data=data, **options)

    monkeypatch.setattr(across, "evaluate_windows", break_off_once)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    run(tmp_path)
    assert asked[2:] == ["rml2016-10a@1", "possible-6-1024", "radcom-gain"]


def test_what_shares_nothing_is_said():
    metadata = load_predictor("pet-cgdnn").metadata
    assert shared_classes(metadata, find_preset("sigzsl-7")) == []  # of 1024 samples
    assert set(shared_classes(metadata, find_preset("possible-6-128"))) > {"BPSK", "QPSK"}


def test_a_model_without_any_preset_is_an_error(tmp_path):
    text = RECIPE.replace("rml2016-10a, rml2016-10a@1, possible-6-1024, radcom-gain", "sigzsl-7")
    with pytest.raises(ExperimentError, match="pet-cgdnn: no preset has windows"):
        run(tmp_path, text)


def test_presets_are_known_beforehand(tmp_path):
    with pytest.raises(ExperimentError, match="no preset is called"):
        run(tmp_path, RECIPE.replace("radcom-gain", "radcom-loss"))
