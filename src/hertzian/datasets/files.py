"""Dataset files, `.h5` and `.npz`, read without trust in their sizes and without unpickling.

Both hold the arrays `x`, `modulation`, `snr_db`, `group` and perhaps `protocol`, the name lists
`modulations` and `protocols`, and `preset`, `seed`, `sample_rate_hz`, `snr_definition`, `version`:
as root attributes in HDF5, as arrays without dimensions in `.npz`.
"""

import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import Dataset, DatasetError, Float32
from hertzian.recordings import atomic_path

_COLUMNS = ("modulation", "snr_db", "group", "protocol")
_NAMES = ("modulations", "protocols")
_OPTIONAL = ("protocol", "protocols")
_ATTRIBUTES: dict[str, type[str] | type[int] | type[float]] = {
    "preset": str,
    "seed": int,
    "sample_rate_hz": float,
    "snr_definition": str,
    "version": str,
}
_KINDS = {"x": "f", "modulation": "iu", "snr_db": "f", "group": "iu", "protocol": "iu"}
_MOST_NAMES = 10_000
_LONGEST_TEXT = 10_000
# deflate reaches 1032 : 1 at best; what claims more has no data behind it
_BEST_COMPRESSION = 1100
_LARGEST_NPZ_BYTES = 8 << 30
_LARGEST_CHUNK_BYTES = 256 << 20
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_ROWS = 4096  # windows written at a time

# what h5py, zipfile and NumPy raise on bytes that are not theirs
_DAMAGE = (
    *(OSError, ValueError, KeyError, TypeError, RuntimeError, NotImplementedError),
    *(ArithmeticError, EOFError, zipfile.BadZipFile, zlib.error),
)

Parts = dict[str, Any]


@dataclass(frozen=True)
class H5Windows:
    """The windows of an HDF5 file, read when asked for.

    The file is opened for each slice, so that the object can go to other processes.
    """

    path: Path
    shape: tuple[int, ...]

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples].

        Raises:
            DatasetError: the file has gone, or is damaged.
        """
        try:
            with h5py.File(self.path, "r") as file:
                return np.asarray(file["x"][rows], dtype=np.float32)
        except (OSError, KeyError) as error:
            raise DatasetError(f"{self.path}: cannot read windows ({_one_line(error)})") from None


def write_dataset(path: str | Path, dataset: Dataset) -> None:
    """Write a dataset as `.h5` or `.npz`, whole or not at all; `x` slice by slice in `.h5`.

    Raises:
        DatasetError: another suffix.
        HertzianError: the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".h5", ".npz"):
        raise DatasetError(f"{path}: a dataset file ends in .h5 or .npz")
    columns = {name: getattr(dataset, name) for name in _COLUMNS}
    columns = {name: column for name, column in columns.items() if column is not None}
    names = {name: list(getattr(dataset, name)) for name in _NAMES if getattr(dataset, name)}
    attributes = {name: kind(getattr(dataset, name)) for name, kind in _ATTRIBUTES.items()}
    with atomic_path(path) as partial:
        if suffix == ".npz":
            # NumPy's stub takes the keyword arrays for its own options
            arrays: Mapping[str, Any] = {"x": dataset.x[:], **columns, **names, **attributes}
            np.savez(partial, allow_pickle=False, **arrays)
            return
        with h5py.File(partial, "w") as file:
            windows = file.create_dataset("x", shape=dataset.x.shape, dtype="<f4")
            for rows, x in dataset.batches(_ROWS):
                windows[rows] = x
            for name, column in columns.items():
                file[name] = column
            for name, words in names.items():
                file.create_dataset(name, data=words, dtype=h5py.string_dtype())
            file.attrs.update(attributes)


def read_dataset(path: str | Path) -> Dataset:
    """Read a dataset file; the windows of `.h5` stay in the file until they are asked for.

    Raises:
        DatasetError: the file is missing, of another kind, damaged, or its parts disagree.
    """
    file = Path(path)
    readers = {".h5": _read_h5, ".hdf5": _read_h5, ".npz": _read_npz}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise DatasetError(f"{file}: expected a dataset file, .h5 or .npz")
    if not file.is_file():
        raise DatasetError(f"{file}: no such file")
    try:
        return _assemble(reader(file))
    except DatasetError as error:
        raise DatasetError(f"{file}: {error}") from None
    except _DAMAGE as error:
        raise DatasetError(f"{file}: not a readable dataset ({_one_line(error)})") from None


def _assemble(parts: Parts) -> Dataset:
    missing = [name for name in ("x", *_COLUMNS, *_NAMES, *_ATTRIBUTES) if name not in parts]
    missing = [name for name in missing if name not in _OPTIONAL]
    if missing:
        raise DatasetError(f"lacks {', '.join(missing)}, which a dataset file holds")
    protocol = parts.get("protocol")
    return Dataset(
        x=parts["x"],
        modulation=np.asarray(parts["modulation"], dtype=np.int64),
        group=np.asarray(parts["group"], dtype=np.int64),
        snr_db=np.asarray(parts["snr_db"], dtype=np.float32),
        protocol=None if protocol is None else np.asarray(protocol, dtype=np.int64),
        modulations=_texts(parts["modulations"]),
        protocols=_texts(parts.get("protocols", ())),
        **{name: _attribute(name, parts[name]) for name in _ATTRIBUTES},
    )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in values)


def _attribute(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.shape not in ((), (1,)):
            raise DatasetError(f"attribute {name} is an array of {list(value.shape)}")
        value = value.reshape(-1)[0]
    kind = _ATTRIBUTES[name]
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    fits = isinstance(value, str) if kind is str else isinstance(value, int | float | np.number)
    if not fits or (kind is int and value != int(value)):
        raise DatasetError(f"attribute {name} is {str(value)[:100]!r}, expected {kind.__name__}")
    return kind(value)


def _check_column(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.kind not in _KINDS[name]:
        wanted = "real numbers" if _KINDS[name] == "f" else "integers"
        raise DatasetError(f"{name} holds {dtype}, expected {wanted}")
    if len(shape) != (3 if name == "x" else 1):
        raise DatasetError(f"{name} has shape {list(shape)}")


def _check_names(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 1 or shape[0] > _MOST_NAMES:
        raise DatasetError(f"{name} has shape {list(shape)}, expected up to {_MOST_NAMES} names")


# --- HDF5 ---------------------------------------------------------------------------------------


def _read_h5(path: Path) -> Parts:
    with h5py.File(path, "r") as file:
        parts: Parts = {}
        for name in ("x", *_COLUMNS, *_NAMES):
            if name not in file:
                continue
            held = _plain(file, name, path.stat().st_size)
            if name in _NAMES:
                _check_names(name, held.shape)
                if h5py.check_string_dtype(held.dtype) is None:
                    raise DatasetError(f"{name} holds {held.dtype}, expected texts")
                parts[name] = held[()]
                continue
            _check_column(name, held.shape, held.dtype)
            parts[name] = H5Windows(path, held.shape) if name == "x" else held[()]
        for name in _ATTRIBUTES:
            if name in file.attrs:
                parts[name] = file.attrs[name]
        return parts


def _plain(file: Any, name: str, file_bytes: int) -> Any:
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
        or math.prod(held.shape) * held.dtype.itemsize > _BEST_COMPRESSION * file_bytes
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


# --- npz ----------------------------------------------------------------------------------------


def _read_npz(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
        if size > min(_LARGEST_NPZ_BYTES, _BEST_COMPRESSION * path.stat().st_size):
            raise DatasetError(f"claims {size / 1e9:.1f} GB of arrays; large datasets go into .h5")
        members = {info.filename: info for info in archive.infolist()}
        parts: Parts = {}
        for name in ("x", *_COLUMNS, *_NAMES, *_ATTRIBUTES):
            info = members.get(f"{name}.npy")
            if info is not None:
                with archive.open(info) as member:
                    parts[name] = _read_npy(name, member, info.file_size)
        if "x" in parts:
            parts["x"] = np.asarray(parts["x"], dtype=np.float32)
        return parts


def _read_npy(name: str, member: IO[bytes], size: int) -> npt.NDArray[Any]:
    """Read one array once its header agrees with the bytes that follow."""
    version = np.lib.format.read_magic(member)
    if version not in ((1, 0), (2, 0)):
        raise DatasetError(f"{name} is in version {version} of the npy format")
    first = version == (1, 0)
    header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = header(member)
    if dtype.hasobject:
        raise DatasetError(f"{name} holds pickled objects, which is refused")
    count = math.prod(shape)
    if not dtype.itemsize or count * dtype.itemsize != size - member.tell():
        raise DatasetError(f"{name} claims {list(shape)}, which is not what follows")
    if name in _KINDS:
        _check_column(name, shape, dtype)
    elif dtype.itemsize > 4 * _LONGEST_TEXT:
        raise DatasetError(f"{name} holds texts of more than {_LONGEST_TEXT} characters")
    elif name in _NAMES:
        _check_names(name, shape)
        if dtype.kind not in "US":
            raise DatasetError(f"{name} holds {dtype}, expected texts")
    flat = np.frombuffer(bytearray(member.read()), dtype=dtype)
    return flat.reshape(shape, order="F" if fortran_order else "C")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
