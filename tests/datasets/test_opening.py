import bz2
import gzip
import io
import pickle
import tarfile
import tracemalloc
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from tests.datasets.samples import dataset, python2_pickle

from hertzian.datasets.converting import SUFFIXES, WRITERS
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.opening import READERS, format_of, open_dataset

pytestmark = pytest.mark.base

FORMATS = tuple(READERS)
SOURCES = (*FORMATS, "protocol 0", "protocol 5", "level 5", "csv")


def small():
    """A dataset that every format can hold, each example a group of its own."""
    labels = {"protocol": np.array([0, 0, 1, 1]), "protocols": ("SATCOM", "Short-Range")}
    return dataset(("BPSK", "AM-DSB"), (-2,), samples=8, **labels)


def write(folder, source):
    """Write a small dataset in a format, or in one of the other ways in which it is found."""
    path = folder / "whole.dat"
    held = small()
    cells = {("BPSK", -2): held.x[:2], ("AM-DSB", -2): held.x[2:]}
    if source in WRITERS:
        if source in ("radioml-2018", "hisarmod"):
            held = dataset(("BPSK", "AM-DSB-SC"), (-2,), samples=8)
        WRITERS[source](path, held, lambda windows: None)
    elif source == "protocol 0":
        path.write_bytes(python2_pickle(cells))
    elif source == "protocol 5":
        path.write_bytes(pickle.dumps(cells, 5))
    else:
        (folder / "train_labels.csv").write_text("0\n0\n61\n61\n")
        (folder / "train_snr.csv").write_text("-2\n" * 4)
        if source == "csv":
            path = folder / "train_data.csv"
            path.write_text("1+2i,3-4i\n" * 4)
        else:
            path = folder / "train.mat"
            savemat(path, {"data_save": held.x[:]}, appendmat=False)
    return path


def opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return open_dataset(path.parent if path.name == "train_data.csv" else path)


@pytest.mark.parametrize("source", SOURCES)
def test_formats_are_found_by_content(tmp_path, source):
    path = write(tmp_path, source)
    found = opened(path)
    assert len(found) == 4
    assert found.x[:].shape == found.x.shape
    np.testing.assert_array_equal(found.x.rows(np.array([3, 1])), found.x[:][[3, 1]])
    expected = source if source in FORMATS else None
    assert expected is None or format_of(path) == expected
    assert format_of(tmp_path) == "hisarmod"


def test_every_suffix_and_reader_has_a_writer():
    assert set(SUFFIXES.values()) < set(WRITERS) == set(READERS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data())
def test_damaged_files_give_one_line_or_data(tmp_path, source, data):
    whole = tmp_path / "kept"
    if not whole.exists():
        whole.write_bytes(write(tmp_path, source).read_bytes())
    content = bytearray(whole.read_bytes())
    path = tmp_path / {"csv": "train_data.csv", "level 5": "train.mat"}.get(source, "whole.dat")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["change", "cut", "insert", "remove"])):
            case "change":
                content[place] = data.draw(st.integers(0, 255))
            case "cut":
                del content[max(place, 1) :]
            case "insert":
                content[place:place] = data.draw(st.binary(max_size=8))
            case _:
                del content[place : place + data.draw(st.integers(1, 8))]
                content = content or bytearray(b"x")
    path.write_bytes(content)
    tracemalloc.start()
    try:
        found = opened(path)
        assert len(found.x[:]) == len(found)
        found.x.rows(np.arange(len(found))[::-1])
    except DatasetError as error:
        assert str(path.parent) in str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 64 << 20


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(
        [b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x80\x02", b"(dp1\n", b"MATLAB 5.0 MAT-file"]
    ),
    rest=st.binary(max_size=300),
    suffix=st.sampled_from([".pkl", ".dat", ".h5", ".npz", ""]),
)
def test_any_bytes_give_one_line_or_data(tmp_path, start, rest, suffix):
    path = tmp_path / f"d{suffix}"
    path.write_bytes(start + rest)
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["hertzian-h5", "radioml-2018", "radcom", "hisarmod"])
def test_hdf5_cut_off_at_many_lengths(tmp_path, source):
    path = write(tmp_path, source)
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 60).astype(int):
        path.write_bytes(content[:length])
        try:
            opened(path).x[:]
        except DatasetError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017


def archive():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("RML2016.10a_dict.pkl"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (bz2.compress(archive()), "is a bzip2 archive; unpack it"),
        (gzip.compress(b"x", mtime=0), "is a gzip archive; unpack it"),
        (archive(), "is a tar archive; unpack it"),
        (b"something else", "known formats are hertzian-h5, hertzian-npz, radioml-pickle"),
        (b"MATLAB 7.3 MAT-file", "not a readable dataset"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "d.h5"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        open_dataset(path)
    with pytest.raises(DatasetError, match="no such file"):
        open_dataset(tmp_path / "none.h5")
    with pytest.raises(DatasetError, match="no such file"):
        format_of(tmp_path / "none.h5")


def test_hdf5_of_another_kind_says_what_it_holds(tmp_path):
    path = tmp_path / "d.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(DatasetError, match="HDF5 of no known dataset; it holds images"):
        open_dataset(path)
    with h5py.File(path, "w"):
        pass
    with pytest.raises(DatasetError, match="it holds nothing"):
        open_dataset(path)


def test_pickles_that_run_code_are_named_whatever_they_begin_with(tmp_path):
    path = tmp_path / "d.pkl"
    path.write_bytes(b"cposix\nsystem\n(S'touch broken'\ntR.")
    with pytest.raises(DatasetError, match=r"d\.pkl: names posix\.system, which is no array"):
        open_dataset(path)
    assert not Path("broken").exists()


def test_both_spellings_of_a_path(tmp_path):
    path = write(tmp_path, "hertzian-npz")
    assert len(open_dataset(str(path))) == 4


@pytest.mark.parametrize("source", SOURCES)
def test_windows_of_every_format_are_asked_for_in_one_way(tmp_path, source):
    x = opened(write(tmp_path, source)).x
    assert len(x) == 4
    np.testing.assert_array_equal(x.rows([3, 1]), x[:][[3, 1]])
    assert x.rows([]).shape == x[3:1].shape == (0, *x.shape[1:])
    with pytest.raises(TypeError, match=r"taken by slices such as x\[5:6\], not by int; or x.rows"):
        x[2]
    with pytest.raises(DatasetError, match="slices of step 1, not 2"):
        x[::2]
    with pytest.raises(DatasetError, match=r"bool \[4\], expected integers"):
        x.rows(np.array([True, False, True, True]))
    with pytest.raises(DatasetError, match="rows -1 to 4 were asked for, but there are 4"):
        x.rows([4, -1])


def test_a_text_and_half_a_file_are_called_what_they_are(tmp_path):
    text = tmp_path / "text.pkl"
    text.write_text("hello\n")
    with pytest.raises(DatasetError, match=r"text\.pkl: is not a pickle, or damaged"):
        open_dataset(text)
    path = write(tmp_path, "hertzian-h5")
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(DatasetError, match=r"whole\.dat: is cut short or damaged; get it again"):
        open_dataset(path)


def test_more_memory_than_there_is_is_one_line(tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(DatasetError) as caught, reading(path):
        np.empty(1 << 60, np.int8)
    assert str(caught.value).startswith(f"{path}: asks for more memory than there is")
    assert "\n" not in str(caught.value)
