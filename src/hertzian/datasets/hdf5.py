"""HDF5 without trust: arrays that lie in the file itself, in sizes that it can hold."""

import math
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import (
    DatasetError,
    Float32,
    as_float32,
    check_rows,
    check_slice,
    finite,
    gather,
)

BEST_COMPRESSION = 1100
"""Deflate reaches 1032 : 1 at best; what claims more has no data behind it."""

_LARGEST_CHUNK_BYTES = 256 << 20
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}

# what h5py, zipfile, zlib and NumPy raise on bytes that are not theirs
_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, RuntimeError, NotImplementedError),
    *(ArithmeticError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error, struct.error),
)


class _NamedError(DatasetError):
    """A message that names its file already."""


@contextmanager
def reading(path: Path, what: str = "not a readable dataset") -> Iterator[None]:
    """Turn whatever goes wrong with a file's bytes into one line that names the file.

    Raises:
        DatasetError: something did.
    """
    try:
        yield
    except _NamedError:
        raise
    except DatasetError as error:
        raise _NamedError(f"{path}: {error}") from None
    except MemoryError:
        advice = "open it where there is more memory, or read fewer windows at a time"
        raise _NamedError(f"{path}: asks for more memory than there is; {advice}") from None
    except _DAMAGE as error:
        line = " ".join(str(error).split())[:200] or type(error).__name__
        if "truncated file" in line:  # what follows are the HDF5 library's own names
            raise _NamedError(f"{path}: is cut short or damaged; get it again") from None
        raise _NamedError(f"{path}: {what} ({line})") from None


def plain_array(file: Any, name: str, file_bytes: int) -> Any:
    """Return a dataset that lies wholly in this file, in a size that the file can hold.

    Raises:
        DatasetError: it is a link, lies elsewhere, or claims more than is there.
    """
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise DatasetError(f"{name} is a link to another place, which is refused")
    held = file[name]
    if not isinstance(held, h5py.Dataset):
        raise DatasetError(f"{name} is a group, expected an array")
    if held.external or held.is_virtual:
        raise DatasetError(f"{name} keeps its values in another file, which is refused")
    if (
        held.shape is None
        or math.prod(held.shape) * held.dtype.itemsize > BEST_COMPRESSION * file_bytes
    ):
        raise DatasetError(f"{name} claims {held.shape}, more than a file of its size can hold")
    properties = held.id.get_create_plist()
    filters = [properties.get_filter(place)[0] for place in range(properties.get_nfilters())]
    foreign = [code for code in filters if code not in _FILTERS]
    if foreign:
        known = ", ".join(_FILTERS.values())
        raise DatasetError(f"{name} is packed by HDF5 filter {foreign[0]}; known are {known}")
    if held.chunks and math.prod(held.chunks) * held.dtype.itemsize > _LARGEST_CHUNK_BYTES:
        raise DatasetError(f"{name} has chunks of {list(held.chunks)}, too large to unpack")
    return held


def check_heaps(path: Path) -> None:
    """Refuse a file in which a heap of texts of variable length would stall the HDF5 library.

    A collection ("HDF5 File Format Specification", III.E) is a chain of objects, each of which says
    where the next one begins; the library follows free space of length 0 for ever.

    Raises:
        DatasetError: it does.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        start = -1
        while (start := held.find(b"GCOL\x01\0\0\0", start + 1)) >= 0:
            if len(held) - start < 16:
                return
            end = min(len(held), start + struct.unpack_from("<Q", held, start + 8)[0])
            place = start + 16
            while place + 16 <= end:
                index, _, _, size = struct.unpack_from("<HHIQ", held, place)
                length = size if index == 0 else 16 + size + -size % 8
                if not length:
                    raise DatasetError("has a damaged heap of texts")
                place += length


@dataclass(frozen=True)
class H5Windows:
    """The windows of one array of an HDF5 file, read when asked for.

    The file is opened for each reading, so that the object can go to other processes.

    Attributes:
        path: the file.
        shape: of the windows, [n, 2, samples].
        name: of the array.
        axes: its axes in order: n for windows, c for the channels I and Q, s for samples.
    """

    path: Path
    shape: tuple[int, ...]
    name: str = "x"
    axes: str = "ncs"

    def __len__(self) -> int:
        """Return the number of windows."""
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples].

        Raises:
            DatasetError: the file has gone or is damaged, or a window holds what is not finite.
        """
        start, stop = check_slice(rows, len(self))
        with reading(self.path, "cannot read windows"), h5py.File(self.path, "r") as file:
            return finite(self._read(file, start, stop), start)

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Return the windows of these numbers, as `WindowSource` says.

        Raises:
            DatasetError: as for a slice, or there is no window of a number.
        """
        with reading(self.path, "cannot read windows"), h5py.File(self.path, "r") as file:
            wanted = check_rows(indices, len(self))
            windows = gather(wanted, self.shape, lambda first, stop: self._read(file, first, stop))
            return finite(windows, wanted)

    def _read(self, file: Any, start: int, stop: int) -> Float32:
        place = self.axes.index("n")
        whole = slice(None)
        selection = tuple(slice(start, stop) if axis == place else whole for axis in range(3))
        held = as_float32(file[self.name][selection])
        order = [self.axes.index(axis) for axis in "ncs"]
        return np.ascontiguousarray(held.transpose(order))
