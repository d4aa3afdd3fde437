import dataclasses
import io
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hertzian.datasets import files
from hertzian.datasets.dataset import Dataset, DatasetError
from hertzian.datasets.files import read_dataset, write_dataset
from hertzian.datasets.hdf5 import H5Windows
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base

SUFFIXES = (".h5", ".npz")


def example(count=50, samples=16, **changes):
    random = np.random.default_rng(2)
    parts = {
        "x": random.normal(size=(count, 2, samples)).astype(np.float32),
        "modulation": random.integers(0, 3, count),
        "snr_db": random.choice([-20, 0, np.nan], count).astype(np.float32),
        "group": random.integers(0, 10, count),
        "modulations": ("QAM16", "µ-law", "noise"),
        **{"preset": "field", "seed": 2**62, "sample_rate_hz": 1e6},
        **{"snr_definition": "total signal power over noise power", "version": "0.1"},
        **{"protocol": random.integers(-1, 2, count), "protocols": ("LoRa", "DVB-T")},
        "bandwidth_hz": random.choice([125e3, 8e6, np.nan], count).astype(np.float32),
        "symbol_rate_hz": random.choice([977.0, np.nan], count).astype(np.float32),
    }
    return Dataset(**(parts | changes))


def same(found, expected):
    for field in dataclasses.fields(Dataset):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if field.name == "x":
            a, b = a[:], b[:]
        if isinstance(b, np.ndarray):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        else:
            assert a == b
            assert type(a) is type(b)
    return True


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"protocol": None, "protocols": ()},
        {"bandwidth_hz": None, "symbol_rate_hz": None},
        {"count": 0, "bandwidth_hz": None, "symbol_rate_hz": None},
    ],
)
def test_a_dataset_comes_back_as_it_was_written(tmp_path, suffix, changes):
    path = tmp_path / f"data{suffix}"
    dataset = example(**changes)
    write_dataset(path, dataset)
    assert same(read_dataset(path), dataset)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_arrays_are_where_other_programs_look(tmp_path):
    dataset = example()
    write_dataset(tmp_path / "d.h5", dataset)
    with h5py.File(tmp_path / "d.h5") as file:
        assert file["x"].dtype == np.float32
        assert [name.decode() for name in file["modulations"]] == list(dataset.modulations)
        assert set(file.attrs) == {
            *("preset", "seed", "sample_rate_hz", "snr_definition", "version"),
        }
        assert file.attrs["seed"] == 2**62
    write_dataset(tmp_path / "d.npz", dataset)
    with np.load(tmp_path / "d.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["x"], dataset.x)
        assert archive["preset"].item() == "field"
        assert archive["modulations"].tolist() == list(dataset.modulations)


def test_texts_of_variable_length_are_read_and_their_heap_is_checked(tmp_path):
    path = tmp_path / "d.h5"
    dataset = example()
    write_dataset(path, dataset)
    assert b"GCOL" not in path.read_bytes()
    with h5py.File(path, "a") as file:
        del file["modulations"]
        file["modulations"] = list(dataset.modulations)
        file.attrs["preset"] = dataset.preset
    assert same(read_dataset(path), dataset)
    content = path.read_bytes()
    first = content.index(b"GCOL") + 16
    # free space of length 0, at which the HDF5 library would stay
    path.write_bytes(content[:first] + bytes(16) + content[first + 16 :])
    with pytest.raises(DatasetError, match=r"d\.h5: has a damaged heap of texts"):
        read_dataset(path)


def test_windows_of_h5_are_read_in_slices_and_travel(tmp_path):
    dataset = example(count=10_000, samples=4)
    write_dataset(tmp_path / "d.h5", dataset)
    found = read_dataset(tmp_path / "d.h5")
    assert isinstance(found.x, H5Windows)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(found.x))[7:9], dataset.x[7:9])
    parts = [x for _, x in found.batches(3000)]
    assert [len(x) for x in parts] == [3000, 3000, 3000, 1000]
    np.testing.assert_array_equal(np.concatenate(parts), dataset.x)
    (tmp_path / "d.h5").unlink()
    with pytest.raises(DatasetError, match="cannot read windows"):
        found.x[:1]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    class Broken:
        shape = (50, 2, 16)

        def __getitem__(self, rows):
            raise HertzianError("the generator failed")

    path = tmp_path / "d.h5"
    write_dataset(path, example())
    before = path.read_bytes()
    with pytest.raises(HertzianError, match="the generator failed"):
        write_dataset(path, example(x=Broken()))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((50, 3, 8), np.float32)}, r"x is \[50, 3, 8\]"),
        ({"group": np.zeros(49, int)}, r"group is \[49\]"),
        ({"modulation": np.full(50, 3)}, "modulation holds 3 to 3, expected 0 to 2"),
        ({"modulation": np.full(50, -1)}, "modulation holds -1"),
        ({"protocol": np.full(50, 2)}, "protocol holds 2"),
        ({"modulations": ("A", "B", "A")}, "twice"),
        ({"sample_rate_hz": 0.0}, "sample_rate_hz"),
        ({"sample_rate_hz": float("inf")}, "sample_rate_hz"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change, message):
    with pytest.raises(DatasetError, match=message):
        example(**change)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_one_line_or_the_data(tmp_path, suffix, data):
    whole = tmp_path / f"whole{suffix}"
    if not whole.exists():
        write_dataset(whole, example(count=3, samples=2))
    content = bytearray(whole.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    broken = tmp_path / f"broken{suffix}"
    broken.write_bytes(content)
    complaint = f"{broken}:"
    try:
        read_dataset(broken).x[:]
    except DatasetError as error:
        complaint = str(error)
    assert complaint.startswith(f"{broken}:")
    assert "\n" not in complaint


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_missing_is_named(tmp_path, suffix):
    path = tmp_path / f"d{suffix}"
    with pytest.raises(DatasetError, match="no such file"):
        read_dataset(path)
    path.write_bytes(b"something else")
    with pytest.raises(DatasetError, match="not a readable dataset"):
        read_dataset(path)
    if suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["x"] = np.zeros((1, 2, 4))
    else:
        np.savez(path, x=np.zeros((1, 2, 4)))
    with pytest.raises(DatasetError, match=r"lacks modulation, snr_db, group, modulations, preset"):
        read_dataset(path)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"\.h5 or \.npz"):
        read_dataset(tmp_path / "d.pkl")
    with pytest.raises(DatasetError, match=r"\.h5 or \.npz"):
        write_dataset(tmp_path / "d.pkl", example())


@pytest.fixture
def h5(tmp_path):
    """A good file, and a function that replaces one of its parts."""
    path = tmp_path / "d.h5"
    write_dataset(path, example())

    def replace(name, put):
        with h5py.File(path, "a") as file:
            del file[name]
            put(file)
        return path

    return replace


HOSTILE_H5 = {
    "external link": (
        "x",
        lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "x")),
        "link",
    ),
    "soft link": ("x", lambda f: f.__setitem__("x", h5py.SoftLink("/group")), "link"),
    "external file": (
        "group",
        lambda f: f.create_dataset("group", (50,), "i8", external=[("/etc/passwd", 0, 400)]),
        "another file",
    ),
    "virtual": (
        "group",
        lambda f: f.create_virtual_dataset("group", h5py.VirtualLayout((50,), "i8")),
        "another file",
    ),
    "bomb": (
        "x",
        lambda f: f.create_dataset("x", (1 << 40, 2, 16), "f4", chunks=(1, 2, 16)),
        "claims",
    ),
    "label bomb": (
        "group",
        lambda f: f.create_dataset("group", (1 << 33,), "i8", chunks=(1024,)),
        "claims",
    ),
    "chunk bomb": (
        "x",
        lambda f: f.create_dataset(
            "x", (50, 2, 16), "f4", maxshape=(None, 2, 16), chunks=(1 << 22, 2, 16)
        ),
        "chunks",
    ),
    "foreign filter": (
        "x",
        lambda f: f.create_dataset("x", (50, 2, 16), "f4", chunks=(50, 2, 16), scaleoffset=2),
        "HDF5 filter 6",
    ),
    "group": ("x", lambda f: f.create_group("x"), "x is a group"),
    "complex": ("x", lambda f: f.create_dataset("x", (50, 2, 16), "c8"), "real numbers"),
    "compound": ("group", lambda f: f.create_dataset("group", (50,), [("a", "i8")]), "integers"),
    "float labels": (
        "modulation",
        lambda f: f.create_dataset("modulation", (50,), "f4"),
        "integers",
    ),
    "numbers for names": (
        "modulations",
        lambda f: f.create_dataset("modulations", (3,), "i8"),
        "texts",
    ),
    "flat x": ("x", lambda f: f.create_dataset("x", (50, 32), "f4"), "shape"),
}


@pytest.mark.parametrize("case", HOSTILE_H5)
def test_hostile_h5_is_refused(h5, case):
    name, put, message = HOSTILE_H5[case]
    with pytest.raises(DatasetError, match=message):
        read_dataset(h5(name, put))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("seed", bad) for bad in ("7", 7.5, np.nan, np.inf, [1, 2], h5py.Empty("i8"))],
        *[("preset", 5), ("sample_rate_hz", "fast"), ("sample_rate_hz", np.nan)],
    ],
)
def test_wrong_attributes_are_refused(tmp_path, name, value):
    path = tmp_path / "d.h5"
    write_dataset(path, example())
    with h5py.File(path, "a") as file:
        file.attrs[name] = value
    with pytest.raises(DatasetError, match=r"d\.h5"):
        read_dataset(path)


def npz(path, **changes):
    """Write a good archive in which some members are other bytes."""
    write_dataset(path, example())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members | {f"{k}.npy": v for k, v in changes.items()}).items():
            archive.writestr(name, content)
    return path


def npy(shape, dtype="<f4", body=b"", version=(1, 0)):
    out = io.BytesIO()
    header = {"shape": shape, "fortran_order": False, "descr": dtype}
    write = np.lib.format.write_array_header_1_0
    (write if version == (1, 0) else np.lib.format.write_array_header_2_0)(out, header)
    return out.getvalue() + body


def pickled():
    out = io.BytesIO()
    np.save(out, np.array([print], dtype=object), allow_pickle=True)
    return out.getvalue()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modulations": pickled()}, "pickled objects"),
        ({"x": npy((1 << 40, 2, 16))}, "not what follows"),
        ({"x": npy((-50, 2, 16), body=bytes(6400))}, "not what follows"),
        ({"x": npy((50, 2, 16), "<c8", bytes(12800))}, "real numbers"),
        ({"x": npy((50, 32), body=bytes(6400))}, "shape"),
        ({"modulations": npy((10_001,), "<U1", bytes(40_004))}, "expected up to 10000 names"),
        ({"modulations": npy((1 << 40,), "<U0")}, "not what follows"),
        ({"preset": npy((), "<U20000", bytes(80_000))}, "texts of more than"),
        ({"snr_db": npy((50,), "<i4", bytes(200))}, "real numbers"),
    ],
)
def test_hostile_npz_is_refused(tmp_path, changes, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(npz(tmp_path / "d.npz", **changes))


def test_npz_beyond_the_limit_is_refused_unread(tmp_path, monkeypatch):
    path = npz(tmp_path / "d.npz")
    monkeypatch.setattr(files, "_LARGEST_NPZ_BYTES", 1000)
    with pytest.raises(DatasetError, match=r"large datasets go into \.h5"):
        read_dataset(path)


def test_npz_arrays_of_both_orders_and_versions_are_read(tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 2, 16)).astype(np.float32)
    out = io.BytesIO()
    np.save(out, np.asfortranarray(x))
    path = npz(
        tmp_path / "d.npz",
        x=out.getvalue(),
        group=npy((50,), "<i2", np.arange(50, dtype="<i2").tobytes(), version=(2, 0)),
    )
    found = read_dataset(path)
    np.testing.assert_array_equal(found.x[:], x)
    np.testing.assert_array_equal(found.group, np.arange(50))


def test_the_readers_need_no_torch():
    code = "import sys, hertzian.datasets.files; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
