import pytest
from tests.experiments.networks import network_result

from hertzian.experiments import recipe, write_result

pytestmark = pytest.mark.base

RECIPE = """\
name: toy
title: Networks of a toy
paper: "[Nobody], 1900"
stages: {new: {kind: needs-torch}, old: {kind: needs-torch}}
published: {new: {accuracy: 0.6375, source: table 4}}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The working folder, with a recipe that has published figures and a run of it."""
    monkeypatch.setattr(recipe, "FOLDERS", (tmp_path,))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(RECIPE)
    (tmp_path / "runs" / "toy-small").mkdir(parents=True)
    result = network_result(scale="small")
    write_result(result, tmp_path / "runs" / "toy-small" / "result.json")
    return tmp_path


def test_the_table_names_scale_and_command(hertzian):
    done = hertzian("reproduce")
    assert done.status == 0
    assert "toy: [Nobody], 1900" in done.out
    row = next(line for line in done.out.splitlines() if "63.75" in line)
    assert row.split()[:3] == ["new", "accuracy", "63.75"]
    assert "small" in row
    assert "±" in row
    assert "not run at full scale yet: hertzian run toy --scale full" in done.out
    assert "shown is runs/toy-small/result.json, scale small" in done.out


def test_json_and_page(hertzian, here):
    done = hertzian("reproduce", "toy", "--json", "--html", "page.html")
    (row,) = done.document
    assert row["figures"]["accuracy"]["published"] == 0.6375
    assert row["command"] == "hertzian run toy --scale small"
    assert done.err == "wrote page.html\n"
    assert "<h2>toy</h2>" in (here / "page.html").read_text()


def test_other_folders_of_results_replace_the_usual_ones(hertzian, here):
    (here / "elsewhere").mkdir()
    (row,) = hertzian("reproduce", "--results", "elsewhere", "--json").document
    assert (row["scale"], row["result"]) == (None, None)
    (row,) = hertzian(
        *("reproduce", "--results", "elsewhere", "--results", "runs", "--json")
    ).document
    assert row["result"] == "runs/toy-small/result.json"


def test_a_broken_result_is_warned_of(hertzian, here):
    (here / "runs" / "broken").mkdir()
    (here / "runs" / "broken" / "result.json").write_text("[]")
    done = hertzian("reproduce", "--json")
    assert done.status == 0
    assert done.err.startswith("warning: ")
    assert "not the result of a run" in done.err
    assert done.document[0]["scale"] == "small"


def test_without_recipes_it_says_so(hertzian, here):
    (here / "toy.yaml").unlink()
    done = hertzian("reproduce")
    assert (done.status, done.out, done.err) == (0, "", "no recipe has published figures\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("afnet",), "error: afnet: no recipe with published figures has this name: toy"),
        (("--results", "absent"), "error: absent: no such folder of results"),
    ],
)
def test_wrong_arguments_are_named(hertzian, here, arguments, message):
    done = hertzian("reproduce", *arguments, "--html", "page.html")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"{message}\n"
    assert not (here / "page.html").exists()
