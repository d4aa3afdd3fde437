"""RadioML's pickles: dictionaries {(class, SNR): float32 [examples, 2, samples]}.

The published ones are pickles of Python 2, protocol 0 (every byte of the windows escaped as text)
or 2; those that Python 3 writes with NumPy 1 or 2 are read too. What is written is of protocol 2
with Python 2's strings, which every version of Python and NumPy reads (`encoding="latin1"`).
"""

import bisect
import itertools
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import (
    LONGEST_WINDOW,
    Advance,
    ArrayWindows,
    Dataset,
    DatasetError,
    Float32,
    Int64,
    WindowSource,
    as_float32,
    check_rows,
    check_slice,
    finite,
    gather,
    ignore,
)
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.published import (
    HISARMOD,
    RADCOM_AWGN,
    RML2016_04C,
    RML2016_10A,
    RML2016_10B,
    RML2018_01A,
    SIGZSL,
    STREAM_BLOCK,
    Published,
)
from hertzian.datasets.unpickling import Pairs, PickledArray, Span, unpickle
from hertzian.recordings import atomic_path
from hertzian.signal import HertzianError, canonical

NAME = "radioml-pickle"

_LONGEST_NAME = 100
_FURTHEST_DB = 1000
_PIECE_BYTES = 8 << 20  # written at a time
_MOST_CELL_BYTES = (1 << 31) - 1  # the length of a string of Python 2 is an int32
_PUBLISHED = (RML2016_10A, RML2018_01A, HISARMOD, RADCOM_AWGN, SIGZSL)
_KNOWN = frozenset(name for published in _PUBLISHED for name in published.modulations)


@dataclass(frozen=True)
class _Cell:
    """The examples of one class at one SNR."""

    modulation: str
    snr_db: float
    windows: PickledArray

    @property
    def count(self) -> int:
        assert self.windows.shape is not None
        return self.windows.shape[0]


@dataclass(frozen=True)
class PickledWindows:
    """The windows of a pickle, cell after cell, read when asked for.

    Attributes:
        path: the file.
        shape: of the windows, [n, 2, samples].
        starts: where in the file the values of each cell begin.
        firsts: number of each cell's first window.
        kind: NumPy's name of the number format, such as <f4.
    """

    path: Path
    shape: tuple[int, ...]
    starts: tuple[int, ...]
    firsts: tuple[int, ...]
    kind: str

    def __len__(self) -> int:
        """Return the number of windows."""
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples].

        Raises:
            DatasetError: the file has gone or is damaged, or a window holds what is not finite.
        """
        start, stop = check_slice(rows, len(self))
        with reading(self.path, "cannot read windows"), self.path.open("rb") as file:
            return finite(self._read(file, start, stop), start)

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Return the windows of these numbers, as `WindowSource` says.

        Raises:
            DatasetError: as for a slice, or there is no window of a number.
        """
        with reading(self.path, "cannot read windows"), self.path.open("rb") as file:
            wanted = check_rows(indices, len(self))
            windows = gather(wanted, self.shape, lambda first, stop: self._read(file, first, stop))
            return finite(windows, wanted)

    def _read(self, file: BufferedReader, start: int, stop: int) -> Float32:
        held = np.empty((stop - start, *self.shape[1:]), dtype=self.kind)
        window_bytes = math.prod(self.shape[1:]) * held.itemsize
        row = start
        while row < stop:
            cell = bisect.bisect_right(self.firsts, row) - 1
            end = self.firsts[cell + 1] if cell + 1 < len(self.firsts) else self.shape[0]
            part = held[row - start : min(end, stop) - start]
            file.seek(self.starts[cell] + (row - self.firsts[cell]) * window_bytes)
            if file.readinto(part.data.cast("B")) != part.nbytes:
                raise DatasetError("ends in the middle of its windows")
            row += len(part)
        return as_float32(held)


# --- reading --------------------------------------------------------------------------------------


def read_pickle(path: Path) -> Dataset:
    """Read a pickle of windows per (class, SNR), ordered by class, then SNR.

    Windows stay in the file where it holds them as they are (protocol 2 of Python 2, protocols 3
    to 5 of Python 3); where it escapes them they are decoded into memory.

    Raises:
        DatasetError: it holds something else.
    """
    cells = _cells(unpickle(path), path.stat().st_size)
    counts: dict[str, list[int]] = {}
    for cell in cells:
        counts.setdefault(cell.modulation, []).append(cell.count)
    assert cells[0].windows.shape is not None
    published = _identify(counts, cells[0].windows.shape[2])
    names = published.modulations if published else tuple(counts)
    names = tuple(name for name in names if name in counts)
    cells.sort(key=lambda cell: (names.index(cell.modulation), cell.snr_db))
    sizes = [cell.count for cell in cells]
    return Dataset(
        x=_windows(path, cells),
        modulation=np.repeat([names.index(cell.modulation) for cell in cells], sizes),
        snr_db=np.repeat(np.asarray([cell.snr_db for cell in cells], dtype=np.float32), sizes),
        group=_groups(published, sizes),
        modulations=names,
        preset=published.name if published else NAME,
        seed=0,
        sample_rate_hz=published.sample_rate_hz if published else 1.0,
        snr_definition=published.snr_definition if published else "a label, as the file gives it",
        version="",
    )


def _cells(held: Any, file_bytes: int) -> list[_Cell]:
    if not isinstance(held, Pairs):
        raise DatasetError("is a pickle of something else; expected {(class, SNR): windows}")
    cells = [_cell(key, value) for key, value in held]
    if not any(cell.count for cell in cells):
        raise DatasetError("holds no examples")
    keys = [(cell.modulation, cell.snr_db) for cell in cells]
    if len(set(keys)) < len(keys):
        raise DatasetError("holds the same class and SNR twice")
    values = [cell.windows.values for cell in cells]
    if sum(v.stop - v.start if isinstance(v, Span) else len(v) for v in values) > file_bytes:
        raise DatasetError("uses the same windows for many classes or SNRs")
    shapes = {cell.windows.shape[2] for cell in cells if cell.windows.shape is not None}
    if len(shapes) > 1:
        raise DatasetError(f"mixes windows of {min(shapes)} and {max(shapes)} samples")
    return cells


def _cell(key: Any, windows: Any) -> _Cell:
    match key:
        case (str() | bytes() as text, int() | float() as snr) if not isinstance(snr, bool):
            name = text.decode("latin-1") if isinstance(text, bytes) else text
        case _:
            raise DatasetError("has a key that is not (class, SNR)")
    if len(name) > _LONGEST_NAME or not _is_known(name):
        raise DatasetError(f"names the unknown class {name[:_LONGEST_NAME]!a}")
    if not abs(snr) <= _FURTHEST_DB:
        raise DatasetError(f"has an SNR of {snr} dB for {name}")
    cell = f"({name}, {snr:g})"
    if not isinstance(windows, PickledArray) or windows.shape is None:
        raise DatasetError(f"{cell} is no array")
    if len(windows.shape) != 3 or windows.shape[1] != 2:
        raise DatasetError(f"{cell} is {list(windows.shape)}, expected [examples, 2, samples]")
    # windows without samples take no bytes, so that any number of them would fit the file
    if not 1 <= windows.shape[2] <= LONGEST_WINDOW:
        raise DatasetError(
            f"{cell} is {list(windows.shape)}, expected windows of 1 to {LONGEST_WINDOW} samples"
        )
    return _Cell(name, float(snr), windows)


def _is_known(name: str) -> bool:
    try:
        return name in _KNOWN or bool(canonical(name))
    except HertzianError:
        return False


def _identify(counts: dict[str, list[int]], samples: int) -> Published | None:
    """Tell which published set this is, or a part of; None for another.

    10a has as many examples in each cell, 04C has not; 10b has all classes of these but AM-SSB.
    """
    if samples != RML2016_10A.samples or not set(counts) <= set(RML2016_10A.modulations):
        return None
    if len({count for cell in counts.values() for count in cell}) > 1:
        return RML2016_04C
    return RML2016_10B if set(counts) == set(RML2016_10B.modulations) else RML2016_10A


def _groups(published: Published | None, sizes: list[int]) -> Int64:
    """Return the group of each example, as `Dataset.group` says.

    RML2016.10a and 10b: the generator starts every pass at the same state of its channel, so all
    are of one. 04C: windows overlap by half along a stream per cell, which is cut into blocks at
    the same times in every cell.
    """
    if published is RML2016_04C:
        return np.concatenate([_blocks(size) for size in sizes])
    if published is not None:
        return np.zeros(sum(sizes), dtype=np.int64)
    return np.arange(sum(sizes), dtype=np.int64)


def _blocks(count: int) -> Int64:
    block = np.arange(count, dtype=np.int64) // STREAM_BLOCK
    # the next window begins in the middle of this one, and is of the next block
    block[:-1][np.diff(block) > 0] = -1
    return block


def _windows(path: Path, cells: list[_Cell]) -> WindowSource:
    sizes = [cell.count for cell in cells]
    first = cells[0].windows
    assert first.shape is not None
    shape = (sum(sizes), *first.shape[1:])
    starts = [_raw_start(cell.windows) for cell in cells]
    kinds = {cell.windows.dtype for cell in cells}
    if len(kinds) == 1 and None not in starts:
        firsts = (0, *itertools.accumulate(sizes[:-1]))
        kept = tuple(start for start in starts if start is not None)
        kind = np.dtype(first.dtype).str
        return PickledWindows(path, shape, kept, firsts, kind)
    x = np.empty(shape, dtype=np.float32)
    row = 0
    with path.open("rb") as file:
        for cell in cells:
            with np.errstate(over="ignore"):
                x[row : row + cell.count] = cell.windows.read(file)
            row += cell.count
    return ArrayWindows(finite(x, 0))


def _raw_start(windows: PickledArray) -> int | None:
    values = windows.values
    raw = isinstance(values, Span) and values.coding == "raw" and not windows.fortran
    return values.start if raw and isinstance(values, Span) else None


# --- writing --------------------------------------------------------------------------------------

_FLOATS = (
    # dtype("f4", False, True), little-endian, kept as number 0
    b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbq\x00"
)
_EMPTY_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"


def write_pickle(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write windows as RadioML does, cell by cell, whole or not at all.

    Rows ordered by class and SNR are copied slice by slice; others are gathered for each cell.
    Classes are spelled as in RML2016.10a where it has all of them. Groups, protocols, the preset
    and the seed have no place in the format.

    Raises:
        DatasetError: an SNR is no whole number, or the format has no place for a class or a cell.
        HertzianError: the file cannot be written.
    """
    names = _spelled(path, dataset)
    whole = np.isfinite(dataset.snr_db) & (dataset.snr_db == np.round(dataset.snr_db))
    if not whole.all():
        row = int(np.argmin(whole))
        raise DatasetError(
            f"{path}: {NAME} holds whole SNRs in dB, but row {row} has {dataset.snr_db[row]}"
        )
    samples = dataset.x.shape[2]
    cells = list(_runs(dataset))
    largest = max((len(rows) for _, _, rows in cells), default=0)
    if largest * 8 * samples > _MOST_CELL_BYTES:
        raise DatasetError(f"{path}: {largest} examples of one class and SNR are too many for it")
    with atomic_path(path) as partial, partial.open("wb") as file:
        file.write(b"\x80\x02" + _FLOATS + b"0}")
        for modulation, snr_db, rows in cells:
            file.write(_head(names[modulation], snr_db, len(rows), samples))
            for piece in _pieces(dataset.x, rows):
                file.write(np.ascontiguousarray(piece, dtype="<f4").data)
                advance(len(piece))
            file.write(b"tbs")
        file.write(b".")


def _spelled(path: str | Path, dataset: Dataset) -> dict[int, str]:
    """Return the names of the labels in use, as RML2016.10a spells them where it has them all.

    Raises:
        DatasetError: a name is unknown, or two become one.
    """
    names = {label: dataset.modulations[label] for label in np.unique(dataset.modulation).tolist()}
    unknown = [name for name in names.values() if not _is_known(name)]
    if unknown:
        raise DatasetError(f"{path}: {NAME} has no place for the unknown class {unknown[0]!r}")
    theirs = {canonical(name): name for name in RML2016_10A.modulations}
    plain = {label: name if name in _KNOWN else canonical(name) for label, name in names.items()}
    spelled = {label: theirs.get(name, name) for label, name in plain.items()}
    if not set(spelled.values()) <= set(RML2016_10A.modulations):
        return names
    if len(set(spelled.values())) < len(names):
        told = ", ".join(names.values())
        raise DatasetError(f"{path}: {NAME} would spell two of {told} alike")
    return spelled


def regains_groups(dataset: Dataset) -> bool:
    """Tell whether a dataset that is written and read again has the groups that it has now."""
    cells = list(_runs(dataset))
    names = _spelled("", dataset)
    counts: dict[str, list[int]] = {}
    for modulation, _, rows in cells:
        counts.setdefault(names[modulation], []).append(len(rows))
    published = _identify(counts, dataset.x.shape[2])
    sizes = [len(rows) for _, _, rows in cells]
    order = np.concatenate([rows for _, _, rows in cells])
    return bool((dataset.group[order] == _groups(published, sizes)).all())


def _runs(dataset: Dataset) -> Iterator[tuple[int, int, Int64]]:
    """Yield (class, SNR, ascending rows) for every cell, by class and then SNR."""
    levels, level = np.unique(dataset.snr_db, return_inverse=True)
    cell = dataset.modulation * max(1, len(levels)) + level
    order = np.argsort(cell, kind="stable")
    ends = np.flatnonzero(np.diff(cell[order])) + 1
    for rows in np.split(order, ends) if len(order) else ():
        yield int(dataset.modulation[rows[0]]), int(dataset.snr_db[rows[0]]), rows


def _pieces(x: WindowSource, rows: Int64) -> Iterator[Float32]:
    size = max(1, _PIECE_BYTES // (8 * x.shape[2]))
    together = int(rows[-1] - rows[0]) + 1 == len(rows)
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        yield x[int(part[0]) : int(part[-1]) + 1] if together else x.rows(part)


def _head(name: str, snr_db: int, count: int, samples: int) -> bytes:
    """Return a cell's opcodes up to its values: the key, an empty array, and most of its state."""
    text = name.encode("latin-1")
    key = b"U" + bytes([len(text)]) + text + b"J" + struct.pack("<i", snr_db) + b"\x86"
    shape = b"".join(b"J" + struct.pack("<i", size) for size in (count, 2, samples)) + b"\x87"
    values = b"T" + struct.pack("<i", 8 * count * samples)
    return key + _EMPTY_ARRAY + b"(K\x01" + shape + b"h\x00\x89" + values
