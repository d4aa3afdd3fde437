import pickle

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from tests.datasets.samples import dataset

from hertzian.datasets.dataset import DatasetError, DatasetWarning
from hertzian.datasets.hdf5 import H5Windows, reading
from hertzian.datasets.hisarmod import CsvWindows, read_folder, read_mat, write_mat
from hertzian.datasets.published import HISARMOD

pytestmark = pytest.mark.base

# as the published labels stand for the classes
CODES = {
    **{"BPSK": 0, "QPSK": 10, "8PSK": 20, "16PSK": 30, "32PSK": 40, "64PSK": 50, "4QAM": 1},
    **{"8QAM": 11, "16QAM": 21, "32QAM": 31, "64QAM": 41, "128QAM": 51, "256QAM": 61, "2FSK": 2},
    **{"4FSK": 12, "8FSK": 22, "16FSK": 32, "4PAM": 3, "8PAM": 13, "16PAM": 23, "AM-DSB": 4},
    **{"AM-DSB-SC": 14, "AM-USB": 24, "AM-LSB": 34, "FM": 44, "PM": 54},
}
X = np.random.default_rng(0).normal(size=(26, 2, 64)).astype(np.float32)
X[0, 0, :3], X[0, 1, :3] = (1e-5, 0, -2), (-3e-7, 1, 0)


def texts(values):
    """Complex numbers as MATLAB writes them."""
    return ",".join(f"{i:.9g}{q:+.9g}i" for i, q in zip(*values, strict=True))


@pytest.fixture
def folder(tmp_path):
    """Writes a folder like the published ones, with some of its files replaced."""

    def folder(part="train", **changes):
        files = {
            "data.csv": "\n".join(map(texts, X)) + "\n",
            "labels.csv": "\n".join(map(str, CODES.values())) + "\n",
            "snr.csv": "\n".join(str(2 * (n % 20) - 20) for n in range(26)) + "\n",
        } | {name.replace("_", "."): text for name, text in changes.items()}
        for name, text in files.items():
            if text is not None:
                (tmp_path / f"{part}_{name}").write_text(text)
        return tmp_path

    return folder


def read(path):
    with reading(path):
        return read_folder(path) if path.is_dir() else read_mat(path)


def as_published(found):
    assert found.modulations == HISARMOD.modulations == tuple(CODES)
    np.testing.assert_array_equal(found.modulation, np.arange(26))
    np.testing.assert_array_equal(found.snr_db, 2 * (np.arange(26) % 20) - 20)
    np.testing.assert_array_equal(found.group, np.arange(26))
    np.testing.assert_allclose(found.x[:], X, rtol=1e-6)
    assert (found.preset, found.seed) == ("HisarMod2019.1", 0)


@pytest.mark.parametrize("part", ["train", "test"])
def test_folders_of_csv_are_read_line_by_line(folder, part):
    found = read(folder(part))
    as_published(found)
    assert isinstance(found.x, CsvWindows)
    windows = pickle.loads(pickle.dumps(found.x))
    indices = np.array([25, 3, 3, 0])
    np.testing.assert_allclose(windows.rows(indices), X[indices], rtol=1e-6)
    assert windows[4:4].shape == (0, 2, 64)


def test_line_ends_of_other_systems_and_a_missing_last_one(folder):
    content = "\r\n".join(map(texts, X))
    as_published(read(folder(data_csv=content)))


WRONG = {
    "no data": ({"data_csv": None}, "expected one of train_data.csv"),
    "no labels": ({"labels_csv": None}, "expected train_labels.csv and train_snr.csv beside it"),
    "no snr": ({"snr_csv": None}, "expected train_labels.csv and train_snr.csv beside it"),
    "unknown label": ({"labels_csv": "7\n" + "0\n" * 24 + "61"}, "row 0 has the label 7"),
    "half a label": ({"labels_csv": "0.5\n" * 26}, r"row 0 has the label 0\.5"),
    "text": ({"labels_csv": "BPSK\n" * 26}, "labels.csv: not a readable dataset"),
    "fewer labels": ({"labels_csv": "61\n" * 25}, "25 labels and 26 SNRs"),
    "no label": ({"labels_csv": "", "snr_csv": ""}, "labels.csv: holds no label"),
    "snr": ({"snr_csv": "0\n" * 25 + "nan"}, "row 25 has an SNR that is not finite"),
    "fewer lines": ({"data_csv": "1+1i\n" * 25}, "expected 26 lines as there are labels, found 25"),
    "more lines": ({"data_csv": "1+1i\n" * 27}, "expected 26 lines as there are labels, found 27"),
    "empty": ({"data_csv": ""}, "found 0"),
    "short line": ({"data_csv": "1+1i,2\n" * 25 + "1+1i\n"}, "row 25 has 1 values, not 2"),
    "header": ({"data_csv": "a,b\n" + "1,2\n" * 25}, "row 0 is not of complex numbers"),
    "formula": ({"data_csv": "=1+1\n" * 26}, "row 0 is not of complex numbers"),
    "other letters": ({"data_csv": "1\u0660\n" * 26}, "row 0 is not of complex numbers"),
    "nan": ({"data_csv": "1+1i\n" * 25 + "NaN+NaNi\n"}, "row 25 holds a value that is not finite"),
    "inf": ({"data_csv": "1+1i\n" * 25 + "1e99\n"}, "row 25 holds a value that is not finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_csv_is_named(folder, case):
    changes, message = WRONG[case]
    with pytest.raises(DatasetError, match=message) as caught:
        read(folder(**changes)).x[:]
    assert "\n" not in str(caught.value)


def test_a_folder_with_both_parts_says_which_to_open(tmp_path):
    for name in ("Train", "Test"):
        (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match=r"open .*Train or .*Test"):
        read(tmp_path)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("level", ["7.3", "5"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_in_mat_files_are_read_with_the_csv_beside(folder, level, turned, dtype):
    root = folder(data_csv=None)
    path = root / "train.mat"
    x = X.transpose(0, 2, 1) if turned else X
    if level == "5":
        savemat(path, {"data_save": x.astype(dtype)}, do_compression=turned)
    else:
        with h5py.File(path, "w", userblock_size=512) as file:
            file["data_save"] = x.astype(dtype).T  # MATLAB's first axis is HDF5's last
        with path.open("r+b") as raw:
            raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    found = read(path)
    as_published(found)
    np.testing.assert_allclose(found.x.rows(np.array([9, 2])), X[[9, 2]], rtol=1e-6)
    if level == "7.3":
        assert isinstance(found.x, H5Windows)


def test_labels_may_be_places_in_the_list(folder):
    root = folder(labels_csv=None, labels1_csv="\n".join(map(str, range(26))))
    as_published(read(root))


@pytest.mark.parametrize(("name", "label"), [("labels_csv", "8PSK"), ("labels1_csv", "AM-DSB")])
def test_labels_that_could_be_either_are_warned_of(folder, name, label):
    files = {"labels_csv": None, name: "20\n" * 26}
    with pytest.warns(DatasetWarning, match="could be codes or places"):
        found = read(folder(**files))
    assert {found.modulations[m] for m in found.modulation} == {label}


def test_what_is_written_is_a_mat_file(tmp_path):
    given = dataset(("FM", "BPSK", "16QAM"), (-4, 2.5), samples=32, per=40)
    path = tmp_path / "d.mat"
    done = []
    write_mat(path, given, done.append)
    assert sum(done) == len(given)
    head = path.read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file")
    assert head[124:] == b"\x00\x02IM"
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data_save"][:].T, given.x[:])
        assert file["data_save"].attrs["MATLAB_class"] == b"single"
        assert file["labels"][0, ::80].tolist() == [44, 0, 21]
    with pytest.raises(NotImplementedError, match="HDF reader"):  # SciPy takes it for one of 7.3
        loadmat(path)
    found = read(path)
    np.testing.assert_array_equal(found.x[:], given.x[:])
    np.testing.assert_array_equal(found.x[3:7], given.x[3:7])
    np.testing.assert_array_equal(found.snr_db, given.snr_db)
    assert [found.modulations[m] for m in found.modulation[::80]] == ["FM", "BPSK", "16QAM"]


def test_classes_that_it_has_not_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="no place for the class OQPSK"):
        write_mat(tmp_path / "d.mat", dataset(("OQPSK",), (0,)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (lambda f: f.__delitem__("data_save"), "expected one array of real numbers with 3 axes"),
        (lambda f: f.__delitem__("snr"), "expected d_labels.csv and d_snr.csv beside it"),
        (
            lambda f: (f.__delitem__("data_save"), f.create_dataset("a", (8, 2, 9), "f4")),
            r"its array is \[9, 2, 8\], expected \[4, 2, samples\]",
        ),
        (
            lambda f: (f.create_dataset("a", (8, 2, 4), "f4"), f.move("data_save", "b")),
            r"found a \[8, 2, 4\], b \[128, 2, 4\]",
        ),
        (
            lambda f: (f.__delitem__("snr"), f.create_dataset("snr", (1, 4), "c16")),
            "snr is no column",
        ),
        (
            lambda f: (f.__delitem__("labels"), f.create_dataset("labels", (1, 4), data=[[7] * 4])),
            "row 0 has the label 7",
        ),
        (
            lambda f: (
                f.__delitem__("data_save"),
                f.__setitem__("data_save", h5py.ExternalLink("/etc/passwd", "x")),
            ),
            "found none",
        ),
    ],
)
def test_what_is_wrong_with_a_mat_file_is_named(tmp_path, put, message):
    path = tmp_path / "d.mat"
    write_mat(path, dataset(("BPSK",), (0, 2)))
    with h5py.File(path, "a") as file:
        put(file)
    with pytest.raises(DatasetError, match=message):
        read(path).x[:]
