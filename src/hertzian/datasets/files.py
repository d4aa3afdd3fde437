"""Dataset files, `.h5` and `.npz`, read without trust in their sizes and without unpickling.

Both hold the arrays `x`, `modulation`, `snr_db`, `group` and perhaps `protocol`, `bandwidth_hz` and
`symbol_rate_hz`, the name lists `modulations` and `protocols`, and `preset`, `seed`,
`sample_rate_hz`, `snr_definition`, `version`: as root attributes in HDF5, as arrays without
dimensions in `.npz`.
"""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import (
    COLUMNS,
    MEASURED,
    Advance,
    ArrayWindows,
    Dataset,
    DatasetError,
    Float32,
    as_float32,
    finite,
    ignore,
)
from hertzian.datasets.hdf5 import BEST_COMPRESSION, H5Windows, check_heaps, plain_array, reading
from hertzian.recordings import atomic_path
from hertzian.signal import BANDWIDTH_HZ, SYMBOL_RATE_HZ

H5_NAME, NPZ_NAME = "hertzian-h5", "hertzian-npz"

_NAMES = ("modulations", "protocols")
_OPTIONAL = ("protocol", "protocols", *MEASURED)
_ATTRIBUTES: dict[str, type[str] | type[int] | type[float]] = {
    "preset": str,
    "seed": int,
    "sample_rate_hz": float,
    "snr_definition": str,
    "version": str,
}
_KINDS = {
    **{"x": "f", "modulation": "iu", "snr_db": "f", "group": "iu", "protocol": "iu"},
    **dict.fromkeys(MEASURED, "f"),
}
KEYS = ("x", *COLUMNS, *_NAMES)
"""Names of the arrays."""

_MOST_NAMES = 10_000
_LONGEST_TEXT = 10_000
_LARGEST_NPZ_BYTES = 8 << 30
_ROWS = 4096  # windows written at a time

Parts = dict[str, Any]


def write_dataset(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write a dataset as `.h5` or `.npz`, whole or not at all; `x` slice by slice in `.h5`.

    Args:
        path: the file.
        dataset: what to write.
        advance: told how many windows are done.

    Raises:
        DatasetError: another suffix.
        HertzianError: the file cannot be written.
    """
    writers = {".h5": write_h5, ".npz": write_npz}
    writer = writers.get(Path(path).suffix.lower())
    if writer is None:
        raise DatasetError(f"{path}: a dataset file ends in .h5 or .npz")
    writer(path, dataset, advance)


def write_h5(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write a dataset as HDF5, whole or not at all, slice by slice.

    Raises:
        HertzianError: the file cannot be written.
    """
    with atomic_path(path) as partial, h5py.File(partial, "w") as file:
        windows = file.create_dataset("x", shape=dataset.x.shape, dtype="<f4")
        for rows, x in dataset.batches(_ROWS):
            windows[rows] = x
            advance(len(x))
        for name, column in _columns(dataset).items():
            file[name] = column
        for name, words in _names(dataset).items():
            texts = [word.encode() for word in words]
            file.create_dataset(name, data=texts, dtype=_fixed(texts))
        for name, value in _attributes(dataset).items():
            text = value.encode() if isinstance(value, str) else None
            kind = None if text is None else _fixed([text])
            file.attrs.create(name, value if text is None else text, dtype=kind)


def _fixed(texts: list[bytes]) -> Any:
    """Return a type of fixed length for texts: those of variable length lie in a heap apart."""
    return h5py.string_dtype("utf-8", max(1, *map(len, texts)))


def write_npz(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write a dataset as `.npz`, whole or not at all; it is in memory as a whole.

    Raises:
        HertzianError: the file cannot be written.
    """
    # NumPy's stub takes the keyword arrays for its own options
    arrays: Mapping[str, Any] = {
        "x": dataset.x[:],
        **_columns(dataset),
        **_names(dataset),
        **_attributes(dataset),
    }
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    advance(len(dataset))


def _columns(dataset: Dataset) -> Parts:
    columns = {name: getattr(dataset, name) for name in COLUMNS}
    return {name: column for name, column in columns.items() if _tells(name, column)}


def _tells(name: str, column: npt.NDArray[Any] | None) -> bool:
    """Tell whether a column is there and says anything of any window."""
    return column is not None and (name not in MEASURED or bool(np.isfinite(column).any()))


def _names(dataset: Dataset) -> Parts:
    return {name: list(getattr(dataset, name)) for name in _NAMES if getattr(dataset, name)}


def _attributes(dataset: Dataset) -> Parts:
    return {name: kind(getattr(dataset, name)) for name, kind in _ATTRIBUTES.items()}


def read_dataset(path: str | Path) -> Dataset:
    """Read a file of Hertzian's own formats, by its suffix; `open_dataset` reads every format.

    Raises:
        DatasetError: the file is missing, of another kind, damaged, or its parts disagree.
    """
    file = Path(path)
    readers = {".h5": read_h5, ".hdf5": read_h5, ".npz": read_npz}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise DatasetError(f"{file}: expected a dataset file, .h5 or .npz")
    if not file.is_file():
        raise DatasetError(f"{file}: no such file")
    with reading(file):
        return reader(file)


def read_h5(path: Path) -> Dataset:
    """Read Hertzian's HDF5; the windows stay in the file until they are asked for.

    Raises:
        DatasetError: its parts are missing or disagree.
    """
    return _assemble(_h5_parts(path))


def read_npz(path: Path) -> Dataset:
    """Read Hertzian's `.npz`, into memory.

    Raises:
        DatasetError: its parts are missing or disagree.
    """
    return _assemble(_npz_parts(path))


def _assemble(parts: Parts) -> Dataset:
    missing = [name for name in (*KEYS, *_ATTRIBUTES) if name not in parts]
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
        bandwidth_hz=_numbers(parts.get(BANDWIDTH_HZ)),
        symbol_rate_hz=_numbers(parts.get(SYMBOL_RATE_HZ)),
        modulations=_texts(parts["modulations"]),
        protocols=_texts(parts.get("protocols", ())),
        **{name: _attribute(name, parts[name]) for name in _ATTRIBUTES},
    )


def _numbers(values: npt.NDArray[Any] | None) -> Float32 | None:
    return None if values is None else as_float32(values)


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


def _h5_parts(path: Path) -> Parts:
    with h5py.File(path, "r") as file:
        parts: Parts = {}
        if _has_heap(file):
            check_heaps(path)
        for name in KEYS:
            if name not in file:
                continue
            held = plain_array(file, name, path.stat().st_size)
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


def _has_heap(file: Any) -> bool:
    """Tell whether a text of the file is of variable length."""
    kinds = [file.attrs.get_id(name).dtype for name in _ATTRIBUTES if name in file.attrs]
    linked = (name for name in _NAMES if isinstance(file.get(name, getlink=True), h5py.HardLink))
    kinds += [file[name].dtype for name in linked if isinstance(file[name], h5py.Dataset)]
    texts = [h5py.check_string_dtype(kind) for kind in kinds if kind is not None]
    return any(text is not None and text.length is None for text in texts)


# --- npz ----------------------------------------------------------------------------------------


def _npz_parts(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
        if size > min(_LARGEST_NPZ_BYTES, BEST_COMPRESSION * path.stat().st_size):
            raise DatasetError(f"claims {size / 1e9:.1f} GB of arrays; large datasets go into .h5")
        members = {info.filename: info for info in archive.infolist()}
        parts: Parts = {}
        for name in (*KEYS, *_ATTRIBUTES):
            info = members.get(f"{name}.npy")
            if info is not None:
                with archive.open(info) as member:
                    parts[name] = _read_npy(name, member, info.file_size)
        if "x" in parts:
            parts["x"] = ArrayWindows(finite(as_float32(parts["x"]), 0))
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
