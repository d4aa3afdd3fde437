"""Opening a dataset of any known format, found out by what the file holds."""

import re
from collections.abc import Callable
from pathlib import Path

import h5py

from hertzian.datasets import files, hisarmod, radcom, radioml, radioml2018
from hertzian.datasets.dataset import Dataset, DatasetError
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.matfile import MAGIC as MAT5_MAGIC

READERS: dict[str, Callable[[Path], Dataset]] = {
    files.H5_NAME: files.read_h5,
    files.NPZ_NAME: files.read_npz,
    radioml.NAME: radioml.read_pickle,
    radioml2018.NAME: radioml2018.read_2018,
    radcom.NAME: radcom.read_radcom,
    hisarmod.NAME: hisarmod.read_mat,
}
"""Name of a format -> how a file of it is read."""

_HEAD_BYTES = 4096
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_PACKED = {b"BZh": "bzip2", b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"Rar!": "RAR"}
# protocols 2 to 5 begin with their number, 0 and 1 with a dictionary
_PICKLE = re.compile(rb"\x80[\x02-\x05]|\(dp?\d*\n|\(d\(|\}q|\}\(|\}U|\}\.")
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".dat")
_LISTED = 1000  # objects of an HDF5 file that are looked at


def open_dataset(path: str | Path) -> Dataset:
    """Open a dataset in any format of `READERS`, or a folder of HisarMod2019.1's CSV.

    The format is found out by content. Windows stay in the file where it holds them as they are.

    Warns:
        DatasetWarning: something about the file had to be decided; the message says what.

    Raises:
        DatasetError: the file is missing, of no known format, damaged, or its parts disagree.
    """
    file = Path(path)
    if file.is_dir():
        with reading(file):
            return hisarmod.read_folder(file)
    if not file.is_file():
        raise DatasetError(f"{file}: no such file")
    with reading(file):
        return READERS[_format(file)](file)


def format_of(path: str | Path) -> str:
    """Return the name of a dataset's format, a key of `READERS`.

    Raises:
        DatasetError: it is none of them, or cannot be read.
    """
    file = Path(path)
    if file.is_dir():
        return hisarmod.NAME
    if not file.is_file():
        raise DatasetError(f"{file}: no such file")
    with reading(file):
        return _format(file)


def _format(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise DatasetError("is empty")
    packed = [name for magic, name in _PACKED.items() if head.startswith(magic)]
    if packed or head[257:262] == b"ustar":
        kind = packed[0] if packed else "tar"
        raise DatasetError(f"is a {kind} archive; unpack it and open the file inside")
    if head.startswith((hisarmod.MAGIC, MAT5_MAGIC)):
        return hisarmod.NAME
    if head.startswith(b"PK\x03\x04"):
        return files.NPZ_NAME
    if any(head.startswith(_HDF5_MAGIC, place) for place in (0, 512, 1024, 2048)):
        return _hdf5_format(path)
    if _PICKLE.match(head) or path.suffix.lower() in _PICKLE_SUFFIXES:
        return radioml.NAME
    raise DatasetError(f"not a readable dataset; known formats are {', '.join(READERS)}")


def _hdf5_format(path: Path) -> str:
    with h5py.File(path, "r") as file:
        names = [name for name, _ in zip(file, range(_LISTED), strict=False)]
        if all(key in file for key in radioml2018.KEYS):
            return radioml2018.NAME
        if any(name in file for name in files.KEYS):
            return files.H5_NAME
        if names and radcom.is_key(names[0]):
            return radcom.NAME
        if any(name.startswith("(") for name in names):
            return radcom.NAME
    found = ", ".join(ascii(name[:40])[1:-1] for name in names[:5]) or "nothing"
    raise DatasetError(f"is HDF5 of no known dataset; it holds {found}")
