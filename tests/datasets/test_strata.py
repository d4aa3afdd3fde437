import numpy as np
import pytest
from tests.datasets.radio import dataset, noise

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.files import read_dataset, write_dataset
from hertzian.datasets.strata import Cells, find_cells, read_rows, sample_rows

pytestmark = pytest.mark.base


def cells_of(index):
    index = np.asarray(index, np.int64)
    count = int(index.max(initial=-1)) + 1
    return Cells(index, np.arange(count), np.zeros(count), tuple(map(str, range(count))))


def numbered(count, samples=3):
    """Windows whose first sample is their row."""
    x = np.zeros((count, samples), np.complex64)
    x[:, 0] = np.arange(count) * (1 + 2j)
    return x


def test_cells_are_classes_at_levels():
    made = dataset(numbered(6), [0, 0, 2, 2, 2, 0], [3, 1, 1, 1, 3, 3], range(6))
    cells = find_cells(made)
    assert cells.names == ("BPSK", "8PSK")  # one class is empty
    told = {(cells.names[c], s) for c, s in zip(cells.class_of, cells.snr_db, strict=True)}
    assert told == {("BPSK", 1.0), ("BPSK", 3.0), ("8PSK", 1.0), ("8PSK", 3.0)}
    place = next(i for i in range(4) if cells.class_of[i] == 0 and cells.snr_db[i] == 3)
    np.testing.assert_array_equal(cells.rows(place), [0, 5])
    np.testing.assert_array_equal(np.sort(cells.counts), [1, 1, 2, 2])


def test_a_dataset_without_windows_has_no_cells():
    cells = find_cells(dataset(numbered(0), [], [], []))
    assert len(cells) == 0
    assert sample_rows(cells, 10, 3, 0).size == 0


def test_samples_are_runs_of_neighbours_from_every_cell():
    cells = cells_of(np.repeat(np.arange(10), 100))
    rows = sample_rows(cells, 200, 4, seed=1)
    np.testing.assert_array_equal(np.bincount(cells.index[rows]), np.full(10, 20))
    assert np.sum(np.diff(rows) != 1) <= 9
    np.testing.assert_array_equal(rows, sample_rows(cells, 200, 4, seed=1))
    assert np.any(rows != sample_rows(cells, 200, 4, seed=2))


def test_small_cells_give_all_they_have():
    cells = cells_of(np.repeat([0, 1, 2], [5, 500, 1000]))
    assert np.bincount(cells.index[sample_rows(cells, 205, 4, 0)]).tolist() == [5, 100, 100]


def test_where_runs_would_be_too_short_some_cells_are_left_out():
    cells = cells_of(np.repeat(np.arange(100), 50))
    rows = sample_rows(cells, 400, 40, seed=0)
    counts = np.bincount(cells.index[rows], minlength=100)
    assert sorted(counts[counts > 0].tolist()) == [40] * 10
    assert len(sample_rows(cells, 30, 40, seed=0)) == 30


@pytest.mark.parametrize("windows", [1, 7, 99, 100])
def test_samples_are_never_larger_than_asked_for(windows):
    cells = cells_of(np.arange(100) % 9)
    rows = sample_rows(cells, windows, 2, seed=3)
    assert len(np.unique(rows)) == len(rows) <= windows


class Numbers:
    """Windows of which some cannot be read."""

    def __init__(self, x, broken=()):
        self.x = np.stack([x.real, x.imag], axis=1)
        self.broken = set(broken)
        self.shape = self.x.shape

    def rows(self, indices):
        if self.broken & set(indices.tolist()):
            raise DatasetError("row is broken")
        return self.x[indices]


def test_rows_are_read_and_broken_ones_are_not_numbers():
    x = numbered(500)
    rows = np.array([0, 1, 2, 5, 99, 100, 300, 499])
    told = []
    np.testing.assert_array_equal(read_rows(Numbers(x), rows, told.append), x[rows])
    assert sum(told) == pytest.approx(1)
    found = read_rows(Numbers(x, broken=[5, 300]), rows)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), np.isin(rows, [5, 300]))
    np.testing.assert_array_equal(found[[0, 4, 7]], x[[0, 99, 499]])


def test_a_source_of_which_nothing_can_be_read_is_refused():
    for count in (1, 8, 3000):
        with pytest.raises(DatasetError, match="broken"):
            read_rows(Numbers(numbered(count), broken=range(count)), np.arange(count))


def test_rows_of_a_file_are_read(tmp_path):
    x = numbered(5000)
    write_dataset(tmp_path / "d.h5", dataset(x, np.zeros(5000), 0, range(5000)))
    found = read_rows(read_dataset(tmp_path / "d.h5").x, np.array([3, 4000]))
    np.testing.assert_array_equal(found, x[[3, 4000]])


def test_arrays_are_read_in_any_number():
    made = dataset(noise((3, 5), np.random.default_rng(0)), [0, 1, 2], 0, range(3))
    assert read_rows(made.x, np.empty(0, np.int64)).shape == (0, 5)
    x = np.asarray(made.x[0:3])
    np.testing.assert_array_equal(read_rows(made.x, np.arange(3)).imag, x[:, 1])
