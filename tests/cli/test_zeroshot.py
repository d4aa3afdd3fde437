import csv
import inspect
import textwrap

import pytest

from hertzian.cli.zeroshot import zeroshot

# what the help shows
NEW = inspect.getdoc(zeroshot).split("doesn't matter:")[1].split("Examples")[0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Windows of the seven, others with two strangers among them, and a description of one."""
    pytest.importorskip("torch")
    from hertzian.datasets.files import write_dataset
    from hertzian.datasets.fitting import of_classes
    from hertzian.datasets.opening import open_dataset
    from hertzian.datasets.synthesis import synthesise

    folder = tmp_path_factory.mktemp("zeroshot")
    synthesise("sigzsl-7", folder / "seven.h5", per=25, seed=0, snr_db=(10.0, 14.0))
    synthesise("linear", folder / "all.h5", per=6, seed=3, snr_db=(10.0, 14.0))
    heard = of_classes(open_dataset(folder / "all.h5"), ("QPSK", "16QAM", "12APSK", "8QAM"))
    write_dataset(folder / "heard.h5", heard)
    (folder / "new.yaml").write_text(textwrap.dedent(NEW), encoding="utf-8")
    return folder


def test_what_was_only_described_is_recognised(hertzian, files, tmp_path):
    data, new = files / "seven.h5", files / "new.yaml"
    heard, out = files / "heard.h5", tmp_path / "a.csv"
    arguments = ("zeroshot", data, "--describe", new, "--on", heard, "--csv", out, "--json")
    told = hertzian(*arguments).document
    row = told["expected"]["12-APSK"]
    assert row["described"]
    assert row["recall"] > 0.9
    assert (row["attributes"]["order"], row["attributes"]["amplitude_levels"]) == (12, 2)
    assert not told["expected"]["QPSK"]["described"]
    by_label = told["on"]["by_label"]
    assert told["on"]["windows"] == 48
    assert by_label["12APSK"].get("12-APSK", 0) >= 10
    assert by_label["QPSK"].get("QPSK", 0) >= 10
    # nobody has described it
    assert by_label["8QAM"].get("unknown", 0) >= 10
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["window"] for row in rows] == [str(number) for number in range(48)]
    counts = told["on"]["recognised"]
    assert sum(row["modulation"] == "12-APSK" for row in rows) == counts["12-APSK"]
    assert all(row["modulation"] != row["otherwise"] for row in rows)
    assert all(float(row["margin_nats"]) >= 0 for row in rows)
    assert {row["labelled"] for row in rows} == set(by_label)
    assert told["warnings"] == []
    assert hertzian(*arguments).document == told


def test_it_is_told_as_text_too(hertzian, files):
    text = hertzian("zeroshot", files / "seven.h5", "--describe", files / "new.yaml").out
    assert "12-APSK" in text
    assert "description" in text


def test_wrong_use_is_told(hertzian, files, tmp_path):
    data, new, twice = files / "seven.h5", files / "new.yaml", tmp_path / "twice.yaml"
    assert hertzian("zeroshot", data, "--describe", new, "--csv", tmp_path / "a.csv").status == 2
    twice.write_text("2ASK: {levels: [0, 1]}", encoding="utf-8")
    done = hertzian("zeroshot", data, "--describe", twice)
    assert done.status == 1
    assert "OOK: described, and among the windows of DATA" in done.err
    done = hertzian("zeroshot", data, "--describe", tmp_path / "none.yaml")
    assert (done.status, done.err.count("\n")) == (1, 1)


def test_windows_of_another_length_are_refused(hertzian, files, tmp_path):
    from hertzian.datasets.synthesis import synthesise

    other = tmp_path / "short.h5"
    synthesise("rml2016-10a", other, per=2, seed=0, snr_db=(10.0,))
    data, new = files / "seven.h5", files / "new.yaml"
    done = hertzian("zeroshot", data, "--describe", new, "--on", other)
    assert done.status == 1
    assert "expected windows of 1024 samples, as in DATA, found 128" in done.err


def test_what_looks_like_markup_is_shown_as_it_is(hertzian, files, tmp_path):
    odd = tmp_path / "odd.yaml"
    odd.write_text('"[/bold]odd": {grid: [3, 3]}', encoding="utf-8")
    done = hertzian("zeroshot", files / "seven.h5", "--describe", odd, "--on", files / "heard.h5")
    assert done.status == 0
    assert "[/bold]odd" in done.out


def test_a_class_of_the_data_without_windows_moves_no_name(hertzian, files, tmp_path):
    from dataclasses import replace

    from hertzian.datasets.files import write_dataset
    from hertzian.datasets.opening import open_dataset

    data = open_dataset(files / "seven.h5")
    names, out = ("8PSK", *data.modulations), tmp_path / "more.h5"
    write_dataset(out, replace(data, modulations=names, modulation=data.modulation + 1))
    told = hertzian("zeroshot", out, "--describe", files / "new.yaml", "--json").document
    assert told["expected"]["8PSK"] == {
        **{"windows": 0, "recall": None, "taken_for": None, "described": False}
    }
    assert told["expected"]["BPSK"]["recall"] > 0.9


def test_windows_that_hold_no_symbols_are_refused(hertzian, files):
    data, new = files / "seven.h5", files / "new.yaml"
    done = hertzian("zeroshot", data, "--describe", new, "--samples-per-symbol", 300)
    assert done.status == 1
    assert "1024 samples are 4 symbols at 300 samples each" in done.err


def test_doubts_are_told(hertzian, files, tmp_path):
    from hertzian.datasets.synthesis import synthesise

    twin, loud = tmp_path / "twin.yaml", tmp_path / "loud.h5"
    twin.write_text("mine: {grid: [2, 2]}", encoding="utf-8")
    synthesise("sigzsl-7", loud, per=4, seed=9, snr_db=(14.0, 40.0))
    done = hertzian("zeroshot", files / "seven.h5", "--describe", twin, "--on", loud, "--json")
    found = done.document["warnings"]
    assert any("mine has the symbols of QPSK" in line for line in found)
    assert any(line.startswith("28 windows have SNRs") for line in found)
    assert "warning: mine has the symbols of QPSK" in done.err.replace("\n", " ")
    done = hertzian(
        *("zeroshot", files / "seven.h5", "--describe", files / "new.yaml"),
        *("--samples-per-symbol", 40, "--json"),
    )
    assert any("of DATA's own modulations" in line for line in done.document["warnings"])
