import dataclasses

import numpy as np
import pytest
import torch

from hertzian.datasets import presets, synthesis
from hertzian.datasets.cells import Cell
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.files import read_dataset
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.published import Kind
from hertzian.datasets.synthesis import synthesise


class Counted:
    """Windows that tell their cell: I is the SNR, Q the number within the cell."""

    shared_groups = False

    def __init__(self, **rates):
        self.rates = rates

    def cell(self, seed, kind, snr_db, count):
        x = np.empty((count, 2, 4), np.float16)
        x[:, 0] = snr_db
        x[:, 1] = np.arange(count)[:, None]
        known = np.nan if kind is None else self.rates.get(kind.modulation, np.nan)
        rate = np.full(count, known, np.float32)
        return Cell(x, np.arange(count) // 2, 2 * rate, rate)


class Failing(Counted):
    def cell(self, seed, kind, snr_db, count):
        if kind.modulation == "QPSK":
            raise DatasetError("nothing was found")
        return super().cell(seed, kind, snr_db, count)


class Shared(Counted):
    """Groups that are the same realisation in every cell; every third window is between two."""

    shared_groups = True

    def cell(self, seed, kind, snr_db, count):
        made = super().cell(seed, kind, snr_db, count)
        return dataclasses.replace(made, group=np.where(np.arange(count) % 3 == 2, -1, made.group))


def small(maker, **changes):
    plain = {"kinds": (Kind("BPSK"), Kind("QPSK")), "snr_db": (0.0, 10.0), "samples": 4}
    plain |= {"maker": maker, "parallel": "threads"}
    return dataclasses.replace(presets.PRESETS["field"], **plain | changes)


@pytest.fixture
def counted(monkeypatch):
    """The preset `field` with two classes and cells that cost nothing."""
    monkeypatch.setitem(presets.PRESETS, "field", small(Counted()))


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
def test_cells_are_ordered_by_class_then_snr(counted, tmp_path, suffix):
    out = tmp_path / f"d{suffix}"
    done = []
    synthesise("field", out, per=5, seed=7, advance=done.append)
    dataset = read_dataset(out)
    assert sum(done) == len(dataset) == 20
    assert (dataset.preset, dataset.seed, dataset.modulations) == ("field", 7, ("BPSK", "QPSK"))
    assert "99% occupied bandwidth" in dataset.snr_definition
    np.testing.assert_array_equal(dataset.modulation, np.repeat([0, 0, 1, 1], 5))
    np.testing.assert_array_equal(dataset.snr_db, np.repeat([0, 10, 0, 10], 5))
    x = dataset.x[:]
    np.testing.assert_array_equal(x[:, 0, 0], dataset.snr_db)
    np.testing.assert_array_equal(x[:, 1, 0], np.tile(np.arange(5), 4))
    # three realisations in each cell, none shared with another
    np.testing.assert_array_equal(np.unique(dataset.group), np.arange(12))
    assert len(set(zip(dataset.group, dataset.modulation, dataset.snr_db, strict=True))) == 12
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_shared_groups_keep_their_numbers_in_every_cell(monkeypatch, tmp_path):
    monkeypatch.setitem(presets.PRESETS, "field", small(Shared()))
    synthesise("field", tmp_path / "d.h5", per=5, seed=0)
    group = read_dataset(tmp_path / "d.h5").group
    np.testing.assert_array_equal(group, np.tile([0, 0, -1, 1, 2], 4))


def test_what_was_sent_is_told_in_hertz_where_it_is_known(monkeypatch, tmp_path):
    monkeypatch.setitem(presets.PRESETS, "field", small(Counted(QPSK=0.25), sample_rate_hz=1e6))
    synthesise("field", tmp_path / "d.h5", per=2, seed=0)
    dataset = read_dataset(tmp_path / "d.h5")
    np.testing.assert_array_equal(dataset.symbol_rate_hz, [np.nan] * 4 + [250e3] * 4)
    np.testing.assert_array_equal(dataset.bandwidth_hz, [np.nan] * 4 + [500e3] * 4)


def test_where_nothing_is_known_of_any_window_there_is_no_column(monkeypatch, tmp_path):
    monkeypatch.setitem(presets.PRESETS, "field", small(Counted()))
    synthesise("field", tmp_path / "d.npz", per=2, seed=0)
    dataset = read_dataset(tmp_path / "d.npz")
    assert dataset.symbol_rate_hz is None
    assert dataset.bandwidth_hz is None


def test_kinds_may_differ_in_number_and_have_protocols(monkeypatch, tmp_path):
    kinds = (Kind("PCW", "Mapping"), Kind("PCW", "Range"), Kind("BPSK"))
    monkeypatch.setitem(
        presets.PRESETS, "field", small(Counted(), kinds=kinds, per={"PCW": 2, "BPSK": 3})
    )
    synthesise("field", tmp_path / "d.h5", seed=0)
    dataset = read_dataset(tmp_path / "d.h5")
    assert dataset.modulations == ("PCW", "BPSK")
    assert dataset.protocols == ("Mapping", "Range")
    np.testing.assert_array_equal(dataset.modulation, [0] * 8 + [1] * 6)
    # cells follow each other by modulation, SNR, then kind
    np.testing.assert_array_equal(dataset.protocol, [0, 0, 1, 1] * 2 + [-1] * 6)


@pytest.mark.parametrize("rows", [3, 5, 7, 20])
def test_windows_are_read_across_cells_in_order(rows):
    cells = (Counted().cell(0, None, number, 5) for number in range(4))
    facts = synthesis._Facts.of(20)
    made = synthesis._MadeWindows(cells, (20, 2, 4), facts, False, 1.0, lambda n: None)
    x = np.concatenate([made[first : first + rows] for first in range(0, 20, rows)])
    np.testing.assert_array_equal(x[:, 0, 0], np.repeat(np.arange(4), 5))
    np.testing.assert_array_equal(x[:, 1, 0], np.tile(np.arange(5), 4))
    with pytest.raises(DatasetError, match="in order only"):
        made[0:1]


def test_the_bytes_depend_on_neither_workers_nor_threads(tmp_path):
    arguments = {"per": 1, "seed": 3, "snr_db": (18,)}
    threads = torch.get_num_threads()
    for name, workers in (("a", 1), ("b", 1), ("c", 2)):
        torch.set_num_threads(2 if name == "b" else 1)
        synthesise("field", tmp_path / f"{name}.h5", workers=workers, **arguments)
    torch.set_num_threads(threads)
    a, b, c = ((tmp_path / f"{name}.h5").read_bytes() for name in "abc")
    assert a == b
    assert a == c


@pytest.mark.filterwarnings("ignore::hertzian.datasets.dataset.DatasetWarning")
@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *(
            (name, suffix)
            for name in ("rml2016-04c", "radcom-awgn", "sigzsl-7")
            for suffix in (".h5", ".npz", ".pkl")
        ),
        ("rml2018-01a-like", ".hdf5"),
    ],
)
def test_presets_go_into_every_format_in_any_order_of_snrs(tmp_path, name, suffix):
    out = tmp_path / f"d{suffix}"
    synthesise(name, out, per=3, seed=1, snr_db=(10, 0))
    dataset = open_dataset(out)
    preset = presets.PRESETS[name]
    assert len(dataset) == 6 * len(preset.kinds)
    assert set(dataset.snr_db) == {0, 10}
    kind = preset.kinds[-1]
    made = preset.maker.cell(1, kind, 10.0, 3).x
    held = dataset.x[0 : len(dataset)]
    # the class may be spelled otherwise, so its windows are looked for
    assert all((held == window).all(axis=(1, 2)).any() for window in made)


def test_cells_of_several_chunks_are_the_same_for_any_workers(tmp_path):
    for workers in (1, 4):
        synthesise(
            "rml2016-10a-corrected",
            tmp_path / f"{workers}.h5",
            per=1300,
            seed=0,
            snr_db=(10,),
            workers=workers,
        )
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "4.h5").read_bytes()


PUBLISHED = [name for name in presets.PRESETS if name != "field"]


@pytest.mark.filterwarnings("ignore::hertzian.datasets.dataset.DatasetWarning")
@pytest.mark.parametrize("suffix", [".h5", ".pkl"])
@pytest.mark.parametrize("name", ["rml2016-10a", "rml2016-04c", "rml2016-10a-corrected"])
def test_a_file_is_the_same_for_one_and_four_workers_and_again(tmp_path, name, suffix):
    files = []
    for number, workers in enumerate((1, 4, 4)):
        files.append(tmp_path / f"{number}{suffix}")
        synthesise(name, files[-1], per=30, seed=3, snr_db=(-4, 18), workers=workers)
    first, *others = (file.read_bytes() for file in files)
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", PUBLISHED)
def test_two_seeds_share_no_example_and_neither_does_the_endless_stream(name):
    maker = presets.PRESETS[name].maker
    kind, level = presets.PRESETS[name].kinds[0], presets.PRESETS[name].snr_db[-1]
    cells = [maker.cell(seed, kind, level, 40).x for seed in (0, 1, 2**32)]
    cells += [maker.draw(0, kind, level, index, 40).x for index in (0, 1)]
    windows = {window.tobytes() for cell in cells for window in cell}
    assert len(windows) == 200
    np.testing.assert_array_equal(maker.cell(1, kind, level, 40).x, cells[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "none"}, "no preset is called 'none'"),
        ({"out": "d.txt"}, "ends in .h5"),
        ({"out": "none/d.h5"}, "does not exist"),
        ({"per": 0}, "not possible"),
        ({"seed": -1}, "not possible"),
        ({"workers": 0}, "not possible"),
        ({"snr_db": ()}, "empty"),
        ({"snr_db": (1, 1.0)}, "twice"),
        ({"snr_db": (float("nan"),)}, "within 100 dB"),
        ({"snr_db": (1e6,)}, "within 100 dB"),
    ],
)
def test_impossible_arguments_are_named(tmp_path, changes, message):
    arguments = {"preset": "field", "out": "d.h5", "per": 1, "seed": 0} | changes
    out = tmp_path / arguments.pop("out")
    with pytest.raises(DatasetError, match=message):
        synthesise(arguments.pop("preset"), out, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "field", small(Failing()))
    with pytest.raises(DatasetError, match="nothing was found"):
        synthesise("field", tmp_path / "d.h5", per=1, seed=0)
    assert list(tmp_path.iterdir()) == []
