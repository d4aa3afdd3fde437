"""HisarMod2019.1: folders of CSV as published, and MAT-files made of them.

A published folder (Train or Test) holds `train_data.csv`, a row of complex texts such as
0.1+0.2i for each example, and beside it `train_labels.csv` and `train_snr.csv`, a number a row
(https://ieee-dataport.org/open-access/hisarmod-new-challenging-modulated-signals-dataset). Labels
are codes: the last digit is the family, the digits before it the place within. Common copies keep
the data as one array `data_save` [n, 2, samples] in a MAT-file, with the same CSV beside it or
with the labels 0 to 25 as `train_labels1.csv` (AMR-Benchmark); MAT-files that Hertzian writes hold
`labels` (codes) and `snr` too.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import (
    LONGEST_WINDOW,
    Advance,
    ArrayWindows,
    Dataset,
    DatasetError,
    DatasetWarning,
    Float32,
    Int64,
    WindowSource,
    as_float32,
    check_rows,
    check_slice,
    finite,
    ignore,
)
from hertzian.datasets.hdf5 import H5Windows, plain_array, reading
from hertzian.datasets.matfile import read_mat5
from hertzian.datasets.published import HISARMOD
from hertzian.datasets.spelling import places
from hertzian.recordings import atomic_path

NAME = "hisarmod"
MAGIC = b"MATLAB 7.3 MAT-file"

_CLASSES = HISARMOD.modulations
# classes of each family, in the order of the codes' last digit: PSK, QAM, FSK, PAM, analog
_FAMILIES = (6, 7, 4, 3, 6)
_CODES = tuple(10 * place + digit for digit, size in enumerate(_FAMILIES) for place in range(size))
_ARRAY = "data_save"
_LABELS, _SNR = "labels", "snr"
_PARTS = ("train", "test")
_LARGEST_COLUMN_BYTES = 8 << 20
_LONGEST_LINE = 8 << 20
_CHUNK_WINDOWS = 64
_ROWS = 4096  # windows written at a time


@dataclass(frozen=True)
class CsvWindows:
    """Examples in the lines of a CSV file, read when asked for.

    Attributes:
        path: the file.
        ends: where each line ends, the first of them at 0, int64 [n + 1].
        samples: of an example.
    """

    path: Path
    ends: Int64
    samples: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes [n, 2, samples]."""
        return len(self.ends) - 1, 2, self.samples

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.ends) - 1

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples].

        Raises:
            DatasetError: the file has gone, or a line is not of as many complex numbers.
        """
        start, stop = check_slice(rows, len(self))
        return self.rows(np.arange(start, stop, dtype=np.int64))

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Return the windows of these numbers, as `WindowSource` says.

        Raises:
            DatasetError: as for a slice, or there is no window of a number.
        """
        wanted = check_rows(indices, len(self))
        held = np.empty((len(wanted), 2, self.samples), dtype=np.float32)
        with reading(self.path, "cannot read windows"), self.path.open("rb") as file:
            for place, row in enumerate(wanted):
                file.seek(self.ends[row])
                values = _complex_values(file.read(self.ends[row + 1] - self.ends[row]), row)
                if len(values) != self.samples:
                    raise DatasetError(f"row {row} has {len(values)} values, not {self.samples}")
                held[place] = as_float32(np.stack([values.real, values.imag]))
            return finite(held, wanted)


def _complex_values(line: bytes, row: int) -> npt.NDArray[np.complex128]:
    try:
        words = line.decode("ascii").strip().replace("i", "j").split(",")
        return np.array([complex(word) for word in words])
    except ValueError:
        raise DatasetError(f"row {row} is not of complex numbers such as 0.1+0.2i") from None


# --- reading --------------------------------------------------------------------------------------


def read_folder(folder: Path) -> Dataset:
    """Read a folder of HisarMod2019.1, Train or Test; the windows stay in the file.

    Raises:
        DatasetError: the files are not there, or disagree.
    """
    parts = [part for part in _PARTS if (folder / f"{part}_data.csv").is_file()]
    if len(parts) != 1:
        inside = [name for name in ("Train", "Test") if (folder / name).is_dir()]
        hint = f"; open {' or '.join(str(folder / name) for name in inside)}" if inside else ""
        raise DatasetError(f"expected one of train_data.csv and test_data.csv in it{hint}")
    data = folder / f"{parts[0]}_data.csv"
    modulation, snr_db = _beside(data)
    with reading(data):
        ends = _line_ends(data, len(modulation))
        with data.open("rb") as file:
            samples = file.read(int(ends[1])).count(b",") + 1
        if samples > LONGEST_WINDOW:
            raise DatasetError(f"has {samples} values in its first row")
    return _dataset(CsvWindows(data, ends, samples), modulation, snr_db)


def read_mat(path: Path) -> Dataset:
    """Read a MAT-file of HisarMod2019.1, of level 7.3 (the windows stay in the file) or 5.

    Raises:
        DatasetError: it holds no such array, its labels are missing, or they disagree.
    """
    with path.open("rb") as file:
        held = file.read(len(MAGIC)) == MAGIC
    return _read_mat73(path) if held else _read_mat5(path)


def _read_mat73(path: Path) -> Dataset:
    with h5py.File(path, "r") as file:
        shapes = {name: file[name].shape for name in file if _is_windows(file, name)}
        name = _only(shapes)
        held = plain_array(file, name, path.stat().st_size)
        columns = {
            column: _column(plain_array(file, column, path.stat().st_size), column)
            for column in (_LABELS, _SNR)
            if column in file
        }
        shape = held.shape
    modulation, snr_db = _columns(path, columns)
    axes = _axes(shape[::-1], len(modulation))[::-1]  # HDF5 names MATLAB's axes from the last
    sizes = tuple(shape[axes.index(axis)] for axis in "ncs")
    return _dataset(H5Windows(path, sizes, name, axes), modulation, snr_db)


def _read_mat5(path: Path) -> Dataset:
    arrays = read_mat5(path)
    name = _only({name: array.shape for name, array in arrays.items() if array.ndim == 3})
    modulation, snr_db = _columns(path, arrays)
    axes = _axes(arrays[name].shape, len(modulation))
    x = as_float32(arrays[name].transpose([axes.index(axis) for axis in "ncs"]))
    finite(x, 0)
    return _dataset(ArrayWindows(x), modulation, snr_db)


def _is_windows(file: Any, name: str) -> bool:
    linked = isinstance(file.get(name, getlink=True), h5py.HardLink)
    held = file[name] if linked else None
    return isinstance(held, h5py.Dataset) and held.ndim == 3 and held.dtype.kind == "f"


def _only(shapes: Mapping[str, tuple[int, ...]]) -> str:
    if _ARRAY in shapes:
        return _ARRAY
    if len(shapes) != 1:
        found = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items()) or "none"
        raise DatasetError(f"expected one array of real numbers with 3 axes, found {found[:200]}")
    return next(iter(shapes))


def _axes(shape: tuple[int, ...], count: int) -> str:
    """Return which axis is which, in MATLAB's order: as published, [n, 2, samples], if possible."""
    fitting = [
        axes
        for axes in ("ncs", "nsc", "csn", "scn")
        if shape[axes.index("n")] == count and shape[axes.index("c")] == 2
    ]
    usual = [axes for axes in fitting if shape[axes.index("s")] == HISARMOD.samples]
    if not fitting:
        raise DatasetError(f"its array is {list(shape)}, expected [{count}, 2, samples]")
    return (usual or fitting)[0]


def _columns(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Int64, Float32]:
    """Return modulations and SNRs from the file itself, or else from the CSV beside it."""
    if _LABELS not in arrays or _SNR not in arrays:
        return _beside(path)
    labels, snr = (_column(arrays[name], name) for name in (_LABELS, _SNR))
    return _checked(labels, snr, _CODES)


def _column(held: Any, name: str) -> npt.NDArray[np.float64]:
    """Return a column of numbers, from memory or a file, once its kind is known."""
    if held.dtype.kind not in "iuf" or held.ndim > 2:
        raise DatasetError(f"{name} is no column of numbers")
    return np.asarray(held[()], dtype=np.float64).ravel()


def _beside(data: Path) -> tuple[Int64, Float32]:
    part = next((part for part in _PARTS if data.stem.casefold().startswith(part)), data.stem)
    names = (f"{part}_labels.csv", f"{part}_labels1.csv")
    labels = next((data.with_name(name) for name in names if data.with_name(name).is_file()), None)
    snr = data.with_name(f"{part}_snr.csv")
    if labels is None or not snr.is_file():
        raise DatasetError(f"expected {names[0]} and {snr.name} beside it")
    with reading(labels):
        values = _numbers(labels)
    with reading(snr):
        levels = _numbers(snr)
    with reading(labels):
        if not len(values):
            raise DatasetError("holds no label")
        return _checked(values, levels, _numbering(labels, values))


def _numbers(path: Path) -> npt.NDArray[np.float64]:
    if path.stat().st_size > _LARGEST_COLUMN_BYTES:
        raise DatasetError(f"is larger than {_LARGEST_COLUMN_BYTES} bytes, too large for a column")
    words = path.read_text(encoding="ascii").replace(",", " ").split()
    return np.array([float(word) for word in words], dtype=np.float64)


def _numbering(path: Path, labels: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """Return what stands for each class: the published codes, or its place in the list."""
    found, indices = set(labels.tolist()), tuple(range(len(_CLASSES)))
    if not found <= set(indices):
        return _CODES
    codes = found <= set(_CODES)
    if codes:
        codes = not path.stem.endswith("labels1")
        meant = "the published codes" if codes else "places in the list of classes"
        warnings.warn(
            f"{path}: its labels could be codes or places; by its name they are {meant}",
            DatasetWarning,
            stacklevel=6,
        )
    return _CODES if codes else indices


def _checked(
    labels: npt.NDArray[np.float64], snr: npt.NDArray[np.float64], numbering: tuple[int, ...]
) -> tuple[Int64, Float32]:
    if len(snr) != len(labels):
        raise DatasetError(f"there are {len(labels)} labels and {len(snr)} SNRs")
    place = np.array([numbering.index(n) for n in sorted(numbering)])
    known = np.sort(numbering)
    found = np.searchsorted(known, labels).clip(max=len(known) - 1)
    if not (known[found] == labels).all():
        row = int(np.argmin(known[found] == labels))
        raise DatasetError(f"row {row} has the label {labels[row]:g}, which is of no class")
    if not np.isfinite(snr).all():
        raise DatasetError(f"row {int(np.argmin(np.isfinite(snr)))} has an SNR that is not finite")
    return place[found].astype(np.int64), as_float32(snr)


def _line_ends(path: Path, count: int) -> Int64:
    """Return where each of `count` lines ends, after a 0."""
    ends = [np.zeros(1, dtype=np.int64)]
    found, offset, last = 0, 0, 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            breaks = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + (offset + 1)
            ends.append(breaks.astype(np.int64))
            found, offset = found + len(breaks), offset + len(block)
            last = int(breaks[-1]) if len(breaks) else last
            if found > count or offset - last > _LONGEST_LINE:
                break
    if offset > last and found < count:  # the last line may end without a break
        ends.append(np.array([offset], dtype=np.int64))
        found += 1
    if found != count or offset - last > _LONGEST_LINE:
        raise DatasetError(f"expected {count} lines as there are labels, found {found}")
    return np.concatenate(ends)


def _dataset(x: WindowSource, modulation: Int64, snr_db: Float32) -> Dataset:
    return Dataset(
        x=x,
        modulation=modulation,
        snr_db=snr_db,
        group=np.arange(len(modulation), dtype=np.int64),
        modulations=_CLASSES,
        preset=HISARMOD.name,
        seed=0,
        sample_rate_hz=HISARMOD.sample_rate_hz,
        snr_definition=HISARMOD.snr_definition,
        version="",
    )


# --- writing --------------------------------------------------------------------------------------


def write_mat(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write windows as a MAT-file of level 7.3, slice by slice, whole or not at all.

    It holds `data_save` single [n, 2, samples], `labels` (the published codes) and `snr` [n, 1].

    Raises:
        DatasetError: a class is none of HisarMod's, or there is no window.
        HertzianError: the file cannot be written.
    """
    code = np.array(_CODES)[places(path, NAME, dataset.modulations, dataset.modulation, _CLASSES)]
    count, _, samples = dataset.x.shape
    if not count:
        raise DatasetError(f"{path}: there is nothing to write")
    with atomic_path(path) as partial:
        with h5py.File(partial, "w", userblock_size=512) as file:
            chunk = (samples, 2, min(count, _CHUNK_WINDOWS))
            windows = file.create_dataset(_ARRAY, (samples, 2, count), "<f4", chunks=chunk)
            windows.attrs["MATLAB_class"] = np.bytes_("single")
            for rows, x in dataset.batches(_ROWS):
                windows[:, :, rows] = x.transpose(2, 1, 0)
                advance(len(x))
            columns = {_LABELS: code[dataset.modulation], _SNR: dataset.snr_db}
            for name, column in columns.items():
                file[name] = np.asarray(column, dtype="<f8")[np.newaxis]
                file[name].attrs["MATLAB_class"] = np.bytes_("double")
        with partial.open("r+b") as raw:
            # text, no subsystem data, version 2.0, byte order
            raw.write((MAGIC + b", HDF5 schema 1.00 .").ljust(116) + bytes(8) + b"\x00\x02IM")
