"""Numeric arrays of MATLAB's level-5 MAT-files ("MAT-File Format", The MathWorks).

Only what datasets need is read: real numeric arrays at the top level, compressed or not. Cells,
structures and objects are passed over, and sizes are checked against the bytes that follow.
"""

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.hdf5 import BEST_COMPRESSION

MAGIC = b"MATLAB 5.0 MAT-file"

_HEADER = 128
_LARGEST_BYTES = 2 << 30  # of a variable of this level
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC_CLASSES = range(6, 16)
_COMPLEX = 0x800
_STORED = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8"},
    13: "u8",
}


def read_mat5(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the real numeric arrays of a file by name, in MATLAB's shape.

    Raises:
        DatasetError: the file is larger than the level allows, cut off, or claims more than it has.
        zlib.error, ValueError: it is damaged.
    """
    size = path.stat().st_size
    if size > _LARGEST_BYTES:
        raise DatasetError("is larger than MAT-files of level 5 can be")
    data = memoryview(path.read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(data[126:128]))
    if order is None:
        raise DatasetError("has no byte order in its header")
    arrays: dict[str, npt.NDArray[Any]] = {}
    room = min(_LARGEST_BYTES, BEST_COMPRESSION * size)
    place = _HEADER
    while place < len(data):
        kind, body, place = _element(data, place, order)
        if kind == _COMPRESSED:
            body = memoryview(zlib.decompressobj().decompress(body, room))
            room -= len(body)
            if not room:
                raise DatasetError("unpacks to more than a file of its size can hold")
            kind, body, _ = _element(body, 0, order)
        if kind == _MATRIX:
            _add_matrix(arrays, body, order)
    return arrays


def _element(data: memoryview, place: int, order: str) -> tuple[int, memoryview, int]:
    """Return (type, content, place of the next one)."""
    kind, count = struct.unpack_from(order + "II", data, place)
    if kind >> 16:  # up to four bytes lie in the tag itself
        return kind & 0xFFFF, data[place + 4 : place + 4 + min(kind >> 16, 4)], place + 8
    start = place + 8
    if count > len(data) - start:
        raise DatasetError(f"claims {count} bytes where {len(data) - start} follow")
    padding = 0 if kind == _COMPRESSED else -count % 8
    return kind, data[start : start + count], start + count + padding


def _add_matrix(arrays: dict[str, npt.NDArray[Any]], body: memoryview, order: str) -> None:
    _, flags, place = _element(body, 0, order)
    word = struct.unpack_from(order + "I", flags)[0]
    if word & 0xFF not in _NUMERIC_CLASSES or word & _COMPLEX:
        return
    _, sizes, place = _element(body, place, order)
    shape = tuple(int(size) for size in np.frombuffer(sizes, order + "i4"))
    _, name, place = _element(body, place, order)
    kind, values, _ = _element(body, place, order)
    if kind not in _STORED or min(shape, default=-1) < 0 or len(shape) > 8:
        raise DatasetError("holds an array of no known kind")
    dtype = np.dtype(order + _STORED[kind])
    if math.prod(shape) * dtype.itemsize != len(values):
        raise DatasetError(f"holds an array of {list(shape)}, which is not what follows")
    flat = np.frombuffer(values, dtype)
    arrays[bytes(name).decode("latin-1")] = flat.reshape(shape, order="F")
