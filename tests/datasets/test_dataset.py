import numpy as np
import pytest

from hertzian.datasets.dataset import ArrayWindows, Dataset, DatasetError, finite, gather

pytestmark = pytest.mark.base

X = np.random.default_rng(0).normal(size=(40, 2, 8)).astype(np.float32)


def ranges(reads):
    def read(first, stop):
        reads.append((first, stop))
        return X[first:stop]

    return read


@pytest.mark.parametrize(
    ("indices", "reads"),
    [
        ([], []),
        ([7], [(7, 8)]),
        ([5, 3, 4], [(3, 6)]),
        ([9, 2, 2, 3, 30], [(2, 4), (9, 10), (30, 31)]),
        ([39, 0], [(0, 1), (39, 40)]),
    ],
)
def test_rows_are_gathered_in_their_order_by_few_readings(indices, reads):
    found = []
    rows = gather(np.array(indices, dtype=np.int64), X.shape, ranges(found))
    np.testing.assert_array_equal(rows, X[np.array(indices, dtype=np.int64)])
    assert found == reads


@pytest.mark.parametrize("indices", [[-1], [40], [0, 2**40]])
def test_rows_that_are_not_there_are_refused(indices):
    wanted = np.array(indices)
    with pytest.raises(DatasetError, match="but there are 40"):
        gather(wanted, X.shape, ranges([]))
    with pytest.raises(DatasetError, match="but there are 40"):
        ArrayWindows(X).rows(wanted)


def test_arrays_become_windows():
    columns = {
        **{"modulation": np.zeros(40, int), "group": np.zeros(40, int)},
        **{"snr_db": np.zeros(40, np.float32), "modulations": ("A",), "preset": "p", "seed": 0},
        **{"sample_rate_hz": 1.0, "snr_definition": "", "version": ""},
    }
    dataset = Dataset(x=X.astype(np.float16), **columns)
    assert isinstance(dataset.x, ArrayWindows)
    assert dataset.x[3:5].dtype == dataset.x.rows(np.array([3])).dtype == np.float32
    np.testing.assert_array_equal(np.asarray(dataset.x), X.astype(np.float16))
    assert np.shares_memory(ArrayWindows(X)[:3], X)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_window_that_is_not_finite_is_named(value):
    x = X.astype(np.float64)
    x[17, 1, 3] = value
    windows = ArrayWindows(x)
    assert len(windows[:17]) == 17
    with pytest.raises(DatasetError, match="row 17 holds a value that is not finite"):
        windows[10:]
    with pytest.raises(DatasetError, match="row 17 holds"):
        windows.rows(np.array([30, 17, 2]))


def test_large_finite_values_are_not_taken_for_infinity():
    large = np.full((1, 2, 8), np.finfo(np.float32).max)
    assert finite(large, 0) is large


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (np.arange(40) % 2 == 0, r"bool \[40\], expected integers.*flatnonzero"),
        ([True, False], r"bool \[2\], expected integers"),
        ([0.5], r"float64 \[1\], expected integers"),
        (["a"], "expected integers"),
        ([[1, 2]], r"\[1, 2\], expected integers"),
        ([[1], [2, 3]], "nested lists"),
        (3, "expected integers"),
        ([2**70], "expected integers"),
        (np.array([2**64 - 1], np.uint64), "but there are 40"),
    ],
)
def test_what_is_no_row_number_is_refused(asked, message):
    for read in (ArrayWindows(X).rows, lambda rows: gather(rows, X.shape, ranges([]))):
        with pytest.raises(DatasetError, match=message):
            read(asked)


def labelled(x, **changes):
    columns = {
        **{"modulation": np.zeros(len(x), int), "group": np.zeros(len(x), int)},
        **{"snr_db": np.zeros(len(x), np.float32), "modulations": ("A",), "preset": "p", "seed": 0},
        **{"sample_rate_hz": 1.0, "snr_definition": "", "version": ""},
    }
    return Dataset(x=x, **(columns | changes))


def test_a_name_that_comes_twice_is_shown_in_part_and_on_one_line():
    names = ("A", "\n\x1b" + "\u2028" * 9000, "\n\x1b" + "\u2028" * 9000)
    with pytest.raises(DatasetError, match=r"names a class twice: \\n\\x1b\\u2028") as caught:
        labelled(X, modulations=names)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_batches_are_bounded_by_bytes():
    x = np.broadcast_to(np.float32(0), (20, 2, 1 << 20))  # 8 MiB each
    rows = [rows for rows, _ in labelled(x).batches()]
    assert rows == [slice(0, 8), slice(8, 16), slice(16, 20)]
    assert [len(held) for _, held in labelled(X).batches(16)] == [16, 16, 8]


@pytest.mark.parametrize("name", ["bandwidth_hz", "symbol_rate_hz"])
@pytest.mark.parametrize("value", [0.0, -5.0, np.inf])
def test_what_is_no_bandwidth_is_refused(name, value):
    known = np.full(len(X), np.nan, np.float32)
    known[0] = 1e3
    assert getattr(labelled(X, **{name: known}), name) is known
    known[1] = value
    with pytest.raises(DatasetError, match=rf"{name} holds {value:g}, expected more than 0"):
        labelled(X, **{name: known})
