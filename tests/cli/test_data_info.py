import dataclasses

import h5py
import numpy as np
import pytest
import typer
from tests.datasets.radio import dataset, like_04c, like_10a, linear, noise

from hertzian.cli import app
from hertzian.cli.data_audit import audit
from hertzian.cli.data_info import info
from hertzian.datasets.files import write_dataset

pytestmark = pytest.mark.base

NAMES = ("BPSK", "QPSK")


@pytest.fixture
def data(hertzian, monkeypatch):
    """Runs `hertzian data ARGUMENTS...`."""
    verbs = typer.Typer(no_args_is_help=True)
    verbs.command()(info)
    verbs.command()(audit)
    monkeypatch.setitem(app.VERBS, "data", verbs)
    return lambda *arguments: hertzian("data", *arguments)


def test_what_a_dataset_holds_is_told(data, tmp_path):
    path = tmp_path / "d.h5"
    write_dataset(path, dataclasses.replace(like_10a(), preset="ten", snr_definition="a label"))
    document = data("info", path, "--json").document
    assert (document["preset"], document["snr_definition"]) == ("ten", "a label")
    assert (document["windows"], document["samples"], document["sampled"]) == (720, 128, 720)
    assert [one["name"] for one in document["classes"]] == ["BPSK", "QPSK"]
    assert document["energy"]["median"] == pytest.approx(0.0082, abs=0.0003)
    assert any("RMS 0.0082" in problem["what"] for problem in document["problems"])
    out = data("info", path).out
    for text in ("ten, seed 0", "720 of 128 samples, at 200 kHz", "a label", "equal sum of magn"):
        assert text in out
    assert "! RMS 0.0082: networks without a normaliser learn badly (normalise each window" in out


def test_classes_are_shown_with_labels_and_estimates(data, tmp_path):
    path = tmp_path / "d.npz"
    write_dataset(path, like_04c(levels=(-4.0, 10.0, 18.0)))
    rows = [line.split() for line in data("info", path).out.splitlines()]
    shown = next(row for row in rows if row[:1] == ["QPSK"])
    assert shown[1:6] == ["900", "3,", "−4", "to", "18"]
    assert float(shown[6]) == pytest.approx(18, abs=1)


@pytest.mark.parametrize(("per", "enough"), [(15, False), (16, True)])
def test_an_snr_that_was_not_checked_is_not_called_right(data, tmp_path, per, enough):
    path = tmp_path / "d.npz"
    random = np.random.default_rng(0)
    x = np.concatenate(
        [linear(name, per, 128, random) + 0.1 * noise((per, 128), random) for name in NAMES]
    )
    write_dataset(path, dataset(x, np.repeat([0, 1], per), 20, range(2 * per), NAMES))
    out = data("info", path).out
    why = "too few windows: at least 16 per class and SNR are needed"
    assert ("nothing found that is wrong" in out) is enough
    assert (f"the SNR was not checked: {why}" in out) is not enough
    assert data("info", path, "--json").document["snr_unchecked"] == (None if enough else why)


def test_names_from_a_file_cannot_command_the_terminal(data, tmp_path):
    path = tmp_path / "d.npz"
    x = noise((40, 64), np.random.default_rng(0))
    names = ("[red]AM[/red]", "\x1b[31mFM", "[/]")
    made = dataset(x, np.arange(40) % 3, 0, range(40), names, snr_definition="[bold]\x07")
    write_dataset(path, made)
    done = data("info", path)
    assert done.status == 0
    assert "[red]AM[/red]" in done.out
    assert "\\x1b[31mFM" in done.out
    assert "[bold]\\x07" in done.out
    assert "\x1b[31m" not in done.out
    assert "\x07" not in done.out


def test_windows_without_numbers_are_told(data, tmp_path):
    path = tmp_path / "d.h5"
    x = np.ones((30, 64), complex)
    write_dataset(path, dataset(x, np.arange(30) % 2, np.nan, range(30), ("a", "b")))
    with h5py.File(path, "r+") as file:
        file["x"][1:, 0, 5] = np.nan
    document = data("info", path, "--json").document
    assert document["energy"]["not_finite"] == 29
    assert {one["label_db"] for one in document["estimates"]} == {None}
    done = data("info", path)
    assert done.status == 0
    assert "29 of 30 windows hold values that are not finite" in done.out


def test_an_empty_dataset_is_told(data, tmp_path):
    path = tmp_path / "d.npz"
    write_dataset(path, dataset(np.empty((0, 64), complex), [], [], []))
    done = data("info", path)
    assert done.status == 0
    assert "! holds no windows" in done.out
    assert data("info", path, "--json").document["cells"] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("gone.h5",), 1, "error: gone.h5: no such file"),
        (("notes.npz",), 1, "not a readable dataset"),
        (("notes.npz", "--seed", "-1"), 2, "a seed is 0 or more"),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_use_and_bad_files(data, tmp_path, monkeypatch, arguments, status, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.npz").write_text("nothing")
    done = data("info", *arguments)
    assert done.status == status
    assert says in done.err
    assert "Traceback" not in done.err


def test_help_has_examples(data):
    assert "hertzian data info windows.h5 --json" in " ".join(data("info", "--help").out.split())


def test_bandwidths_and_symbol_rates_are_told_where_they_are_known(data, tmp_path):
    path = tmp_path / "d.h5"
    known = np.full(720, np.nan, np.float32)
    known[[3, 7, 11]] = 12.5e3, 50e3, 25e3
    write_dataset(path, dataclasses.replace(like_10a(), bandwidth_hz=known))
    document = data("info", path, "--json").document
    assert document["bandwidth_hz"] == {"lowest": 12.5e3, "highest": 50e3}
    assert document["symbol_rate_hz"] is None
    out = data("info", path).out
    assert "occupied bandwidth" in out
    assert "12.5 kHz to 50 kHz" in out
    assert "symbol rate" not in out
