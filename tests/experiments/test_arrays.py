import io

import numpy as np
import pytest

from hertzian.experiments import ExperimentError
from hertzian.experiments.arrays import read_arrays

pytestmark = pytest.mark.base


def test_arrays_come_back_by_name(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(3), b=np.eye(2))
    found = read_arrays(path, "numbers")
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], [0, 1, 2])
    assert list(read_arrays(path, "numbers", ["b"])) == ["b"]


def packed(save=np.savez_compressed, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def lone():
    file = io.BytesIO()
    np.save(file, np.arange(3))
    return file.getvalue()


def flipped(content, places=slice(40, 60)):
    damaged = bytearray(content)
    damaged[places] = bytes(255 - value for value in damaged[places])
    return bytes(damaged)


CONTENTS = {
    "missing": None,
    "empty": b"",
    "text": b"probabilities\n",
    "cut": packed(a=np.arange(1000))[:-40],
    "flipped": flipped(packed(a=np.arange(1000))),
    "flipped, not compressed": flipped(packed(np.savez, a=np.arange(1000)), slice(300, 310)),
    "a lone array": lone(),
    "objects": packed(np.savez, a=np.array([print], dtype=object)),
    "another name": packed(b=np.arange(3)),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_what_is_no_archive_gives_one_line(tmp_path, content):
    path = tmp_path / "a.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExperimentError, match=r"a\.npz: expected numbers \(") as caught:
        read_arrays(path, "numbers", ["a"])
    assert "\n" not in str(caught.value)
