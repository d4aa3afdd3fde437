import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.experiments.networks import network_result

from hertzian.evaluation import json_safe
from hertzian.experiments import ExperimentError, over_seeds, recipe, write_result
from hertzian.experiments.reproduce import (
    HEADS,
    find_results,
    lines,
    remarks,
    reproduce,
    write_reproduction,
)

pytestmark = pytest.mark.base

ROOT = Path(__file__).parents[2]

TOY = """\
name: toy
title: Networks of a toy
paper: "Nobody, 1900"
stages:
  old: {kind: needs-torch}
  new: {kind: needs-torch}
published:
  new:
    accuracy: 0.6375
    accuracy_snr_ge_0: {smoke: 0.1, small: 0.1, full: 0.9305}
    accuracy_by_snr: {0: 0.91, -4: 0.2}
    parameters: 6760460
    source: table 4
  old: {}
"""


@pytest.fixture(autouse=True)
def recipes(tmp_path, monkeypatch):
    """A folder of recipes with published figures, all but toys of one paper; own has none."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "toy.yaml").write_text(TOY)
    for name in ("other-study", "toy-study"):
        (folder / f"{name}.yaml").write_text(TOY.replace("name: toy", f"name: {name}"))
    toys = TOY.replace("name: toy", "name: toys").replace("Nobody", "Somebody")
    (folder / "toys.yaml").write_text(toys)
    (folder / "own.yaml").write_text(TOY[: TOY.index("published")].replace("toy\n", "own\n", 1))
    monkeypatch.setattr(recipe, "FOLDERS", (folder,))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def keep(tmp_path):
    """Keeps a result in the folder results/NAME."""

    def keep(folder="toy", **options):
        path = tmp_path / "results" / folder / "result.json"
        path.parent.mkdir(parents=True)
        result = network_result(**options)
        write_result(result, path)
        return result

    return keep


def rows(tmp_path, paper="toy"):
    (tmp_path / "results").mkdir(exist_ok=True)
    found, refused = find_results([tmp_path / "results"])
    assert refused == []
    return [row for row in reproduce(paper, found) if row.recipe == "toy"]


def test_what_has_not_run_says_how_to(tmp_path):
    old, new = rows(tmp_path)
    assert (old.stage, new.stage) == ("old", "new")  # in the order of the run
    assert new.command == "hertzian run toy --scale full"
    assert new.reason == "not run at full scale yet"
    assert [figure.ours for figure in new.figures()] == [None] * 5
    assert [figure.key for figure in old.figures()] == ["accuracy"]
    assert remarks([old, new]) == ["not run at full scale yet: hertzian run toy --scale full"]


def test_what_was_measured_stands_beside_what_was_published(tmp_path, keep):
    result = keep(seeds=(0, 1, 2), snrs=(-10, 0, 10))
    _, new = rows(tmp_path)
    figures = {figure.key: figure for figure in new.figures()}
    assert {key: figure.published for key, figure in figures.items()} == {
        "parameters": 6_760_460,
        "accuracy": 0.6375,
        "accuracy_snr_ge_0": 0.9305,
        "accuracy_by_snr.0": 0.91,
        "accuracy_by_snr.-4": 0.2,
    }
    block = result.metrics["new"]
    assert figures["accuracy"].ours == block["accuracy"]
    assert figures["accuracy_by_snr.0"].ours == block["accuracy_by_snr"]["0"]
    assert figures["accuracy_by_snr.-4"].ours is None  # none of our SNRs
    assert (new.reason, new.wall_time_s) == (None, 3600)
    found = [dict(zip((head.title for head in HEADS), line, strict=True)) for line in lines(new)]
    mean = 100 * block["accuracy"]["mean"]
    half = 100 * block["accuracy"]["interval"][1] - mean
    assert found[0] == {
        **{"row": "new", "figure": "parameters", "difference": "−1", "source": "table 4"},
        **{"published": "6\u202f760\u202f460", "ours": "6\u202f760\u202f459"},
        **{"scale": "full", "seeds": "3", "wall time": "1 h 00 min"},
    }
    assert found[1] | {"difference": None} == {
        **{"row": "", "figure": "accuracy", "published": "63.75", "difference": None},
        "ours": f"{mean:.2f} ± {half:.2f}",
        **dict.fromkeys(("scale", "seeds", "wall time", "source"), ""),
    }
    assert found[1]["difference"] == f"{mean - 63.75:+.2f}".replace("-", "−")
    assert found[4]["figure"] == "at −4 dB"
    assert (found[4]["ours"], found[4]["difference"]) == ("not measured", "not measured")


def test_an_empty_cell_says_why(tmp_path, recipes, keep):
    toy = recipes / "toy.yaml"
    toy.write_text(toy.read_text().replace("stages:", "full_run: a week\nstages:", 1))
    old, new = rows(tmp_path)
    assert new.reason == "not run at full scale yet (a week)"
    cells = [line[2:5] for row in (old, new) for line in lines(row)]
    not_run = "not run"
    assert cells[:2] == [
        ("not printed", not_run, not_run),
        ("6\u202f760\u202f460", not_run, not_run),
    ]
    assert next(iter(lines(new)))[5:] == (not_run, not_run, not_run, "table 4")
    keep()
    for row in rows(tmp_path):
        for figure in row.figures():
            assert (figure.published is None) == ("not printed" in figure.missing)
            assert (figure.ours is None) == ("not measured" in figure.missing)
        document = row.to_dict()["figures"]
        assert all(
            len(told["missing"]) == list(told.values()).count(None) for told in document.values()
        )


def test_no_cell_of_the_project_is_empty(monkeypatch):
    monkeypatch.undo()  # the project's own recipes and results
    found, refused = find_results([ROOT / "results"])
    assert refused == []
    rows = reproduce(None, found)
    assert len(rows) > 60
    for row in rows:
        first, *others = lines(row)
        assert all(first), (row.recipe, row.stage)
        # what holds for the whole row is said once
        assert all(all(line[1:5]) for line in others)
        waits = [line for line in remarks([row]) if "not run at full scale yet (" in line]
        assert bool(waits) == (row.shown is None or row.shown.result.scale != "full"), row.recipe


def test_the_table_of_the_readme_is_what_was_measured(monkeypatch):
    monkeypatch.undo()
    found, _ = find_results([ROOT / "results"])
    measured = {}
    for row in reproduce(None, found):
        cells = list(lines(row))
        scale, seeds = cells[0][5], cells[0][6]
        for line in cells:
            measured[row.recipe, row.stage, line[1]] = (*line[2:4], scale, seeds)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    written = re.findall(r"^\|[^|]*\| `([a-z0-9-]+)`: `([a-z0-9-]+)` \|(.*)\|$", text, re.MULTILINE)
    assert len({name for name, _, _ in written}) >= 9
    for name, stage, rest in written:
        figure, *cells = (cell.strip() for cell in rest.split("|"))
        assert tuple(cells) == measured[name, stage, figure], (name, stage)


def test_the_full_run_is_shown_and_the_others_are_named(tmp_path, keep):
    later = datetime(2027, 1, 1, tzinfo=UTC)
    keep("full", date=datetime(2020, 1, 1, tzinfo=UTC))
    keep("small", scale="small", seeds=(0, 1, 2, 3), date=later)
    keep("study", name="toy-study", date=later)
    _, new = rows(tmp_path)
    assert new.shown.path.as_posix() == "results/full/result.json"
    assert new.reason is None
    assert remarks([new]) == [
        "shown is results/full/result.json, scale full: hertzian run toy --scale full",
        "not shown is results/small/result.json, scale small",
    ]


def test_of_one_scale_more_seeds_and_then_the_later_is_shown(tmp_path, keep):
    keep("a", seeds=(0, 1), date=datetime(2026, 1, 1, tzinfo=UTC))
    keep("b", seeds=(0, 1), date=datetime(2026, 1, 3, tzinfo=UTC))
    keep("c", seeds=(0,), date=datetime(2026, 1, 9, tzinfo=UTC))
    _, new = rows(tmp_path)
    assert [found.path.parent.name for found in (new.shown, *new.others)] == ["b", "a", "c"]


@pytest.mark.parametrize("change", ["stages.new.epochs=3", "'stages.data.file=/my captures/a.h5'"])
def test_a_run_with_changed_settings_is_not_taken_for_the_recipes_own(tmp_path, keep, change):
    keep("changed", command=f"hertzian run toy --scale full --set seeds=[0] --set {change}")
    (_, new) = rows(tmp_path)
    assert new.reason == "run with changed settings only"
    keep("own", scale="small", command="hertzian run toy --scale small --set seeds=[0]")
    (_, new) = rows(tmp_path)
    assert new.shown.path.as_posix() == "results/own/result.json"
    assert new.reason == "not run at full scale yet"
    assert remarks([new])[1] == "not shown is results/changed/result.json, scale full"


def test_a_smaller_scale_is_named_as_such(tmp_path, keep):
    keep(scale="small")
    _, new = rows(tmp_path)
    assert next(lines(new))[5] == "small"
    assert new.command == "hertzian run toy --scale small"
    assert remarks([new]) == [
        "shown is results/toy/result.json, scale small: hertzian run toy --scale small",
        "not run at full scale yet: hertzian run toy --scale full",
    ]


def test_a_stage_that_came_later_is_missing_alone(tmp_path, keep):
    keep(skills=[("old", 0.7)])
    old, new = rows(tmp_path)
    assert old.reason is None
    assert (new.shown, new.reason) == (None, "not in the full run yet")
    assert remarks([old, new]) == [
        "old: shown is results/toy/result.json, scale full: hertzian run toy --scale full",
        "new: not in the full run yet: hertzian run toy --scale full",
    ]


def test_clusters_have_figures_of_their_own(tmp_path, keep, recipes):
    toy = TOY.replace("  old: {}", "  old: {nmi: 0.8, acc: 0.75}")
    (recipes / "toy.yaml").write_text(toy)
    result = keep()
    metrics = over_seeds([{"old": {"acc": 0.5, "nmi": 0.625}}])
    clustered = result.model_copy(update={"metrics": metrics})
    write_result(clustered, tmp_path / "results" / "toy" / "result.json")
    old, _ = rows(tmp_path)
    assert [figure.name for figure in old.figures()] == ["NMI", "ACC"]
    told = [line[:5] for line in lines(old)]
    assert told == [
        ("old", "NMI", "80.00", "62.50", "−17.50"),
        ("", "ACC", "75.00", "50.00", "−25.00"),
    ]
    assert old.reason is None


def test_a_paper_is_all_recipes_that_follow_it():
    found = reproduce("toy", [])
    assert list(dict.fromkeys(row.recipe for row in found)) == ["other-study", "toy", "toy-study"]
    everything = list(dict.fromkeys(row.recipe for row in reproduce(None, [])))
    assert everything == ["other-study", "toy", "toy-study", "toys"]
    with pytest.raises(ExperimentError, match="own: no recipe with published figures has this"):
        reproduce("own", [])


def test_results_are_found_once_and_what_is_none_is_named(tmp_path, keep):
    keep()
    results = tmp_path / "results"
    (results / "broken").mkdir()
    (results / "broken" / "result.json").write_text("{")
    (results / "empty").mkdir()
    found, refused = find_results([results, results / "toy"])
    assert [one.path.as_posix() for one in found] == ["results/toy/result.json"]
    (line,) = refused
    assert "broken/result.json: not the result of a run" in line
    with pytest.raises(ExperimentError, match="absent: no such folder of results"):
        find_results([tmp_path / "absent"])


def test_rows_are_json(tmp_path, keep):
    keep(scale="small")
    document = json_safe(rows(tmp_path)[1].to_dict())
    json.dumps(document, allow_nan=False)
    assert document["figures"]["accuracy"]["published"] == 0.6375
    assert set(document["figures"]["accuracy"]["ours"]) == {"mean", "interval", "values"}
    assert document["scale"] == "small"
    assert document["seeds"] == [0, 1]
    assert document["result"] == "results/toy/result.json"
    assert document["reason"] == "not run at full scale yet"


def test_the_page_has_a_section_for_each_recipe(tmp_path, keep):
    keep()
    found, _ = find_results([tmp_path / "results"])
    write_reproduction(reproduce(None, found), tmp_path / "page.html")
    source = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert [f'<section id="{name}">' in source for name in ("toy", "toy-study", "toys", "own")] == [
        *(True, True, True, False)
    ]
    assert "shown is results/toy/result.json, scale full" in source
    assert source.count("hertzian run toys --scale full") == 1
