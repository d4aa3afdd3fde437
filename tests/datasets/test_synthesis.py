import dataclasses

import numpy as np
import pytest
import torch

from hertzian.datasets import presets, synthesis
from hertzian.datasets.cells import Cell
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.files import read_dataset
from hertzian.datasets.synthesis import synthesise


def counted_cell(seed, label, snr_db, count):
    """Windows that tell their cell: I is the SNR, Q the number within the cell."""
    x = np.empty((count, 2, 4), np.float16)
    x[:, 0] = snr_db
    x[:, 1] = np.arange(count)[:, None]
    return Cell(x, np.arange(count) // 2)


@pytest.fixture
def counted(monkeypatch):
    """The preset `field` with two classes and cells that cost nothing."""
    preset = dataclasses.replace(
        presets.PRESETS["field"],
        **{"classes": ("BPSK", "QPSK"), "snr_db": (0.0, 10.0), "samples": 4, "cell": counted_cell},
    )
    monkeypatch.setitem(presets.PRESETS, "field", preset)


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


@pytest.mark.parametrize("rows", [slice(0, 3), slice(4, 11), slice(5, 10), slice(19, 20)])
def test_windows_are_read_across_cells(tmp_path, rows):
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.npy")
        np.save(files[-1], np.full((5, 2, 4), number, np.float16))
    held = synthesis._CellFiles(tuple(files), 5, 4)
    assert held.shape == (20, 2, 4)
    np.testing.assert_array_equal(held[rows][:, 1, 2], np.repeat(np.arange(4), 5)[rows])


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "none"}, "no preset is called 'none'"),
        ({"out": "d.txt"}, "ends in .h5 or .npz"),
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


def test_a_cell_that_fails_leaves_nothing(counted, tmp_path, monkeypatch):
    def failing_cell(seed, label, snr_db, count):
        if label == "QPSK":
            raise DatasetError("nothing was found")
        return counted_cell(seed, label, snr_db, count)

    preset = dataclasses.replace(presets.PRESETS["field"], cell=failing_cell)
    monkeypatch.setitem(presets.PRESETS, "field", preset)
    with pytest.raises(DatasetError, match="nothing was found"):
        synthesise("field", tmp_path / "d.h5", per=1, seed=0)
    assert list(tmp_path.iterdir()) == []
