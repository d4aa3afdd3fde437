import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from hertzian.datasets import matfile
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.matfile import MAGIC, read_mat5

pytestmark = pytest.mark.base

HEADER = MAGIC.ljust(124) + b"\x00\x01IM"


def read(path, content=None):
    if content is not None:
        path.write_bytes(content)
    with reading(path):
        return read_mat5(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_numeric_arrays_come_back(tmp_path, packed, dtype):
    path = tmp_path / "d.mat"
    given = {"a": np.arange(24).reshape(2, 3, 4).astype(dtype), "long_name": np.ones((1, 1))}
    others = {"text": "abc", "z": np.ones(3, complex), "cell": np.array([1, "a"], object)}
    savemat(path, given | others | {"struct": {"x": 1}}, do_compression=packed)
    found = read(path)
    assert set(found) == set(given)
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)


def element(kind, body):
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(flags=7, shape=(1, 2), name=b"a", kind=7, values=bytes(8)):
    return element(
        14,
        element(6, struct.pack("<II", flags, 0))
        + element(5, struct.pack(f"<{len(shape)}i", *shape))
        + element(1, name)
        + element(kind, values),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER[:-2] + b"??", "no byte order"),
        (HEADER + struct.pack("<II", 14, 1 << 30), "claims 1073741824 bytes where 0 follow"),
        (HEADER + matrix()[:-9], "claims"),
        (HEADER + matrix(shape=(1, 1 << 30)), "not what follows"),
        (HEADER + matrix(shape=(-1, -2)), "no known kind"),
        (HEADER + matrix(shape=()), "no known kind"),
        (HEADER + matrix(kind=18), "no known kind"),
        (HEADER + b"\x0e\x00", "not a readable dataset"),
        (HEADER + element(15, b"no zlib"), "not a readable dataset"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        read(tmp_path / "d.mat", content)


def test_the_test_writes_what_is_right(tmp_path):
    found = read(tmp_path / "d.mat", HEADER + matrix(values=np.float32([1, 2]).tobytes()))
    np.testing.assert_array_equal(found["a"], [[1, 2]])


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    packed = zlib.compress(matrix(shape=(1, 2500), values=bytes(10_000)))
    content = HEADER + struct.pack("<II", 15, len(packed)) + packed
    assert read(tmp_path / "d.mat", content)["a"].shape == (1, 2500)
    monkeypatch.setattr(matfile, "_LARGEST_BYTES", 9000)
    with pytest.raises(DatasetError, match="unpacks to more"):
        read(tmp_path / "d.mat", content)


def test_nested_cells_are_passed_over(tmp_path):
    nested = b""
    for _ in range(2000):
        nested = matrix(flags=1, shape=(1, 1), kind=14, values=nested)
    assert read(tmp_path / "d.mat", HEADER + nested) == {}
