import json
import resource
import time
import warnings

import h5py
import numpy as np
import pytest
from tests.datasets.samples import dataset

from hertzian.datasets.dataset import DatasetError, DatasetWarning
from hertzian.datasets.hdf5 import H5Windows, reading
from hertzian.datasets.published import RML2018_01A
from hertzian.datasets.radioml2018 import read_2018, write_2018

pytestmark = pytest.mark.base

CLASSES = RML2018_01A.modulations


@pytest.fixture
def gold(tmp_path):
    """Writes a file of the form of the published one, with parts of it replaced."""

    def gold(count=30, **parts):
        random = np.random.default_rng(0)
        held = {
            "X": random.normal(size=(count, 1024, 2)).astype(np.float32),
            "Y": np.eye(24, dtype=np.int64)[np.arange(count) % 24],
            "Z": np.arange(count, dtype=np.int64)[:, np.newaxis] % 26 * 2 - 20,
        }
        path = tmp_path / "GOLD_XYZ_OSC.0001_1024.hdf5"
        with h5py.File(path, "w") as file:
            for name, values in (held | parts).items():
                if values is not None:
                    file[name] = values
        return path

    return gold


def read(path):
    with reading(path):
        return read_2018(path)


def test_the_published_form_is_read_in_the_right_order(gold):
    path = gold()
    found = read(path)
    with h5py.File(path) as file:
        x, z = file["X"][:], file["Z"][:, 0]
    assert isinstance(found.x, H5Windows)
    np.testing.assert_array_equal(found.x[:], x.transpose(0, 2, 1))
    indices = np.array([29, 3, 4, 3])
    np.testing.assert_array_equal(found.x.rows(indices), x[indices].transpose(0, 2, 1))
    assert found.x[2:5].flags.c_contiguous
    np.testing.assert_array_equal(found.modulation, np.arange(30) % 24)
    assert (found.modulations[0], found.modulations[12]) == ("OOK", "16QAM")
    np.testing.assert_array_equal(found.snr_db, z)
    np.testing.assert_array_equal(found.group, np.arange(30))
    assert (found.preset, found.seed, found.version) == ("RML2018.01A", 0, "")


@pytest.mark.parametrize("name", ["classes.txt", "classes-fixed.json"])
def test_a_wrong_list_of_classes_is_warned_of_and_not_used(gold, name):
    path = gold()
    wrong = sorted(CLASSES)
    path.with_name(name).write_text(f"classes = {wrong}" if "txt" in name else json.dumps(wrong))
    with pytest.warns(DatasetWarning, match=rf"{name} lists the classes in the wrong .* OOK, 4ASK"):
        assert read(path).modulations == CLASSES


@pytest.mark.parametrize("text", [json.dumps(CLASSES), "nothing of it", "['OOK', '4ASK']"])
def test_other_lists_are_silent(gold, text):
    path = gold()
    path.with_name("classes-fixed.json").write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(path)


HOT = np.eye(24, dtype=np.int64)[np.arange(30) % 24]
TWO, NONE, HALF = HOT.copy(), HOT.copy(), HOT.astype(float)
TWO[7, 9] = 1
NONE[8] = 0
HALF[9, 9], HALF[9, 10] = 0.5, 0.5


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"Y": TWO}, "not one-hot in row 7"),
        ({"Y": NONE}, "not one-hot in row 8"),
        ({"Y": HALF}, "not one-hot in row 9"),
        ({"Y": -HOT}, "not one-hot in row 0"),
        ({"Y": HOT[:29]}, r"Y is int64 \[29, 24\], expected \[30, 24\]"),
        ({"Y": HOT[:, :23]}, r"Y is int64 \[30, 23\]"),
        ({"Y": np.zeros(30, int)}, r"Y is int64 \[30\]"),
        ({"X": np.zeros((30, 2, 1024), np.float32)}, r"X is float32 \[30, 2, 1024\]"),
        ({"X": np.zeros((30, 1024), np.complex64)}, r"X is complex64 \[30, 1024\]"),
        ({"X": np.zeros((30, 0, 2), np.float32)}, "samples"),
        ({"Z": np.zeros((30, 2), int)}, r"Z is int64 \[30, 2\]"),
        ({"Z": np.zeros((30, 1), bool)}, "Z is bool"),
        ({"Z": h5py.ExternalLink("/etc/passwd", "Z")}, "Z is a link"),
        ({"X": h5py.SoftLink("/Y")}, "X is a link"),
        ({"Z": None}, "Z"),
    ],
)
def test_what_is_wrong_is_named(gold, parts, message):
    with pytest.raises(DatasetError, match=message):
        read(gold(**parts))


def test_values_that_are_not_finite_are_refused_with_their_row(gold):
    x = np.zeros((30, 1024, 2), np.float32)
    x[11, 500, 1] = np.inf
    found = read(gold(X=x))
    assert len(found.x[:11]) == 11
    with pytest.raises(DatasetError, match=r"hdf5: row 11 holds"):
        found.x[5:20]
    with pytest.raises(DatasetError, match=r"hdf5: row 11 holds"):
        found.x.rows(np.array([2, 11]))


def test_a_file_that_claims_more_than_it_has_is_refused(gold, tmp_path):
    path = tmp_path / "bomb.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (1 << 30, 1024, 2), "f4", chunks=(1, 1024, 2))
        file.create_dataset("Y", (1 << 30, 24), "i8", chunks=(1, 24))
        file.create_dataset("Z", (1 << 30, 1), "i8", chunks=(1, 1))
    with pytest.raises(DatasetError, match="X claims"):
        read(path)


def sparse(path, count):
    """A file of the published form whose windows take no space on the disk."""
    late = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    late.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    late.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((count, 1024, 2))
        h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, late)
        hot = file.create_dataset("Y", (count, 24), "i8")
        for first in range(0, count, 1 << 16):
            rows = np.arange(first, min(first + (1 << 16), count))
            hot[first : rows[-1] + 1] = np.eye(24, dtype=int)[rows % 24]
        file["Z"] = np.zeros((count, 1), int)
        file["X"][count - 1] = 1


def test_a_file_of_2_gb_opens_and_shuffles_in_seconds_and_little_memory(tmp_path):
    count = 1 << 18
    path = tmp_path / "sparse.hdf5"
    sparse(path, count)
    assert path.stat().st_size > 2 << 30
    assert path.stat().st_blocks * 512 < 200e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    found = read(path)
    indices = np.random.default_rng(0).permutation(count)[:1024]
    indices[0] = count - 1
    batch = found.x.rows(indices)
    assert time.perf_counter() - begin < 20
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 300e6
    assert batch.shape == (1024, 2, 1024)
    assert (batch[0] == 1).all()
    assert not batch[1:].any()


# --- writing --------------------------------------------------------------------------------------


def test_what_is_written_is_as_published(tmp_path):
    given = dataset(("WBFM", "AM-SSB-WC", "BPSK"), (-20, 0), samples=64)
    path = tmp_path / "d.hdf5"
    done = []
    write_2018(path, given, done.append)
    assert sum(done) == len(given)
    with h5py.File(path) as file:
        assert {name: (held.dtype, held.shape) for name, held in file.items()} == {
            "X": (np.float32, (12, 64, 2)),
            "Y": (np.int64, (12, 24)),
            "Z": (np.int64, (12, 1)),
        }
        np.testing.assert_array_equal(file["Y"][:].sum(axis=1), 1)
    found = read(path)
    np.testing.assert_array_equal(found.x[:], given.x[:])
    np.testing.assert_array_equal(found.snr_db, given.snr_db)
    assert [found.modulations[m] for m in found.modulation[::4]] == ["FM", "AM-SSB-WC", "BPSK"]


def test_snrs_between_whole_decibels_are_kept(tmp_path):
    given = dataset(("BPSK",), (0.5, 3), samples=8)
    write_2018(tmp_path / "d.hdf5", given)
    np.testing.assert_array_equal(read(tmp_path / "d.hdf5").snr_db, given.snr_db)


@pytest.mark.parametrize(
    ("names", "message"),
    [(("BPSK", "PPM"), "no place for the class PPM; it knows OOK"), (("FM", "WBFM"), "same class")],
)
def test_classes_beyond_the_24_are_refused(tmp_path, names, message):
    with pytest.raises(DatasetError, match=message):
        write_2018(tmp_path / "d.hdf5", dataset(names, (0,)))
    assert list(tmp_path.iterdir()) == []
