import numpy as np
import pytest
import typer
from tests.datasets.radio import dataset, like_04c, like_10a, noise

from hertzian.cli import app
from hertzian.cli.data_audit import audit
from hertzian.cli.data_info import info
from hertzian.datasets.files import write_dataset
from hertzian.datasets.splits import split, write_split

pytestmark = pytest.mark.base


@pytest.fixture
def data(hertzian, monkeypatch):
    """Runs `hertzian data ARGUMENTS...`."""
    verbs = typer.Typer(no_args_is_help=True)
    verbs.command()(info)
    verbs.command()(audit)
    monkeypatch.setitem(app.VERBS, "data", verbs)
    return lambda *arguments: hertzian("data", *arguments)


def verdicts(done):
    return {one["kind"]: one["found"] for one in done.document["findings"]}


def test_a_random_split_of_streams_leaks_and_a_split_by_group_does_not(data, tmp_path):
    path = tmp_path / "d.h5"
    write_dataset(path, like_04c(block=20))
    done = data("audit", path, "--random", "--json")
    assert done.status == 0
    assert verdicts(done)["overlapping windows"]
    assert verdicts(done)["groups in both"]
    assert done.err == ""
    assert not any(verdicts(data("audit", path, "--json")).values())


def test_findings_and_advice_are_printed(data, tmp_path):
    path = tmp_path / "[red]d.npz"
    write_dataset(path, like_10a())
    done = data("audit", path)
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].endswith("[red]d.npz")
    channel = next(line for line in lines if line.lstrip().startswith("shared channel"))
    assert "found" in channel
    assert any(line.startswith("! shared channel: ") for line in lines)
    copies = next(line for line in lines if line.lstrip().startswith("exact duplicates"))
    assert "none of 216 held-out windows" in copies


def test_a_split_file_is_audited(data, tmp_path):
    path, mine = tmp_path / "d.h5", tmp_path / "mine.npz"
    made = like_04c(block=20)
    write_dataset(path, made)
    parted = split(made, {"train": 0.5, "test": 0.5}, seed=9)
    write_split(mine, parted)
    document = data("audit", path, "--split", mine, "--json").document
    assert document["split_hash"] == parted.hash
    assert set(document["parts"]) == {"train", "test"}
    assert document["split"] == str(mine)
    write_dataset(path, like_04c(block=20, per=301))
    done = data("audit", path, "--split", mine)
    assert done.status == 1
    assert "mine.npz: the split is of another dataset" in done.err
    assert done.out == ""


def test_cells_that_parts_lack_are_told(data, tmp_path):
    path = tmp_path / "d.npz"
    cells = np.repeat(np.arange(40), 5)
    x = noise((200, 128), np.random.default_rng(0))
    write_dataset(path, dataset(x, cells % 2, cells // 2, cells, ("a", "b")))
    missing = data("audit", path, "--json").document["missing_cells"]
    assert sum(missing.values()) == 80
    done = data("audit", path)
    told = ", ".join(f"{name} {count}" for name, count in missing.items())
    assert f"cells missing  {told} of 40" in done.out
    assert "(a larger --per)" in done.out
    write_dataset(path, dataset(x, cells % 2, 0, range(200), ("a", "b")))
    assert "cells missing" not in data("audit", path).out


def test_seeds_are_splits(data, tmp_path):
    path = tmp_path / "d.npz"
    write_dataset(path, like_10a())
    hashes = [data("audit", path, "--seed", s, "--json").document["split_hash"] for s in (1, 2, 1)]
    assert hashes[0] == hashes[2] != hashes[1]


def test_what_no_split_can_do_is_said_in_one_line(data, tmp_path):
    path = tmp_path / "d.npz"
    write_dataset(path, like_04c())
    done = data("audit", path)
    assert done.status == 1
    assert done.err.startswith(f"error: {path}: all windows are of one group (0)")
    assert done.err.rstrip().endswith("(here with --random)")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("gone.h5",), 1, "no such file"),
        (("notes.txt",), 1, "not a readable dataset"),
        (("d.npz", "--split", "gone.npz"), 1, "gone.npz: no such file"),
        (("d.npz", "--split", "d.npz"), 1, "not a split: lacks about"),
        (("d.npz", "--split", "s.npz", "--random"), 2, "a split is given"),
        (("d.npz", "--seed", "-1"), 2, "a seed is 0 or more"),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_use_and_bad_files(data, tmp_path, monkeypatch, arguments, status, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    write_dataset(tmp_path / "d.npz", like_10a(passes=1, per_pass=20))
    done = data("audit", *arguments)
    assert done.status == status
    assert says in done.err
    assert "Traceback" not in done.err


def test_an_empty_dataset_is_refused(data, tmp_path):
    path = tmp_path / "d.npz"
    made = like_10a(passes=1, per_pass=4)
    empty = {name: getattr(made, name)[:0] for name in ("modulation", "snr_db", "group")}
    write_dataset(path, type(made)(**(vars(made) | empty | {"x": np.empty((0, 2, 8), "f4")})))
    for option in ((), ("--random",)):
        done = data("audit", path, *option)
        assert done.status == 1
        assert done.err.startswith(f"error: {path}")


def test_help_has_examples(data):
    out = data("audit", "--help").out
    assert "hertzian data audit RML2016.10a_dict.pkl --random" in " ".join(out.split())
