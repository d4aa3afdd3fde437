"""Splits into training, validation and test that do not leak, and the files that keep them.

A split is stratified by cell, that is (class, SNR), and grouped by realisation: windows of one
stream, channel draw or recording lie in one part.
"""

import hashlib
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hertzian.datasets.assignment import NOWHERE, Float64, UInt8, assign
from hertzian.datasets.dataset import Dataset, DatasetError
from hertzian.datasets.strata import Cells, Int64, find_cells
from hertzian.recordings import atomic_path

FRACTIONS: Mapping[str, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}
"""Parts and their shares, unless others are asked for."""

GROUPED = "stratified by class and SNR, grouped by realisation"
RANDOM = "stratified by class and SNR, at random without regard to groups"

MIXED = -1
"""The group of a window that shares samples with two groups: it fits into no part."""

_MORE = "make more examples of each class and SNR (a larger --per), which lie in more groups"
_MOST_PARTS = 100
_MOST_WINDOWS = 1 << 31
_LONGEST_ABOUT = 1 << 20
_BEST_COMPRESSION = 1100  # what deflate can reach


@dataclass(frozen=True)
class Split:
    """Which windows lie in which part.

    Attributes:
        parts: name -> int64 rows, ascending; no row is in two.
        left_out: int64 rows that are in no part.
        rule: `GROUPED` or `RANDOM`.
        seed: another one gives another split.
        fractions: the share that was asked for each part.
        fingerprint: of the dataset that was split, see `fingerprint`.
    """

    parts: dict[str, Int64]
    left_out: Int64
    rule: str
    seed: int
    fractions: dict[str, float]
    fingerprint: str

    @property
    def hash(self) -> str:
        """SHA-256, in hex, over the rule, seed, fractions, dataset and the part of each window."""
        digest = hashlib.sha256(self._about())
        digest.update(self.membership().tobytes())
        return digest.hexdigest()

    def membership(self) -> UInt8:
        """Return the part of each window, uint8 [n]; 255 for those that are in none."""
        total = len(self.left_out) + sum(map(len, self.parts.values()))
        part_of = np.full(total, NOWHERE, np.uint8)
        for place, rows in enumerate(self.parts.values()):
            part_of[rows] = place
        return part_of

    def _about(self) -> bytes:
        about = {
            **{"rule": self.rule, "seed": self.seed, "parts": list(self.parts)},
            "fractions": [self.fractions[name] for name in self.parts],
            "fingerprint": self.fingerprint,
        }
        return json.dumps(about, ensure_ascii=False).encode()


def split(dataset: Dataset, fractions: Mapping[str, float] = FRACTIONS, seed: int = 0) -> Split:
    """Split a dataset so that no group lies in two parts, and group -1 in none.

    Groups with equal numbers of windows in the same cells are interchangeable: of m such, in an
    order drawn from the seed, each part takes its share, rounded down. What remains goes, larger
    groups first, to the part that lacks it most: steepest descent on the squared deviations of each
    cell, plus those of each class and of the whole, so that what cells round away adds up to
    nothing. Every part gets every class.

    Args:
        dataset: its windows stay unread.
        fractions: part -> share of the windows of each cell; they sum to 1.
        seed: the same one gives the same split everywhere.

    Raises:
        DatasetError: bad fractions, or too few groups to give every part every class.
    """
    shares = _checked(fractions)
    _check_windows(dataset)
    cells = find_cells(dataset)
    rows = np.flatnonzero(dataset.group != MIXED)
    names, group = np.unique(dataset.group[rows], return_inverse=True)
    _check_groups(dataset, cells, rows, group, len(names), len(shares))
    part_of_group = assign(cells, rows, group, len(names), shares, seed)
    membership = np.full(len(dataset), NOWHERE, np.uint8)
    membership[rows] = part_of_group[group]
    made = _made(dataset, membership, fractions, GROUPED, seed)
    _check_classes(cells, made)
    return made


def random_split(
    dataset: Dataset, fractions: Mapping[str, float] = FRACTIONS, seed: int = 0
) -> Split:
    """Split each cell at random without regard to groups, as published benchmarks do.

    Where windows share a stream or a channel, such a split leaks: accuracies on it are too high.

    Raises:
        DatasetError: bad fractions, or a class with fewer windows than there are parts.
    """
    shares = _checked(fractions)
    _check_windows(dataset)
    cells = find_cells(dataset)
    rows = np.arange(len(dataset), dtype=np.int64)
    membership = assign(cells, rows, rows, len(rows), shares, seed)
    made = _made(dataset, membership, fractions, RANDOM, seed)
    _check_classes(cells, made)
    return made


def missing_cells(dataset: Dataset, made: Split) -> dict[str, int]:
    """Return how many (class, SNR) cells of the dataset have no window in each part.

    Groups are never cut, so that a part misses a cell where that has fewer groups than parts.

    Raises:
        DatasetError: the split is of another dataset.
    """
    check_split(made, dataset)
    index = find_cells(dataset).index
    total = len(np.unique(index))
    return {name: total - len(np.unique(index[rows])) for name, rows in made.parts.items()}


def fingerprint(dataset: Dataset) -> str:
    """Return SHA-256, in hex, over the number of windows, their labels and their groups."""
    digest = hashlib.sha256(struct.pack("<q", len(dataset)))
    names = json.dumps([dataset.modulations, dataset.protocols], ensure_ascii=False)
    digest.update(names.encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(dataset.modulation, "<i8").tobytes())
    # one bit pattern for all NaN
    snr_db = np.where(np.isnan(dataset.snr_db), np.float32(np.nan), dataset.snr_db)
    digest.update(snr_db.astype("<f4").tobytes())
    digest.update(np.ascontiguousarray(dataset.group, "<i8").tobytes())
    if dataset.protocol is not None:
        digest.update(np.ascontiguousarray(dataset.protocol, "<i8").tobytes())
    return digest.hexdigest()


def check_split(made: Split, dataset: Dataset) -> None:
    """Check that a split is of this dataset.

    Raises:
        DatasetError: it is of another.
    """
    if made.fingerprint != fingerprint(dataset):
        count = len(made.left_out) + sum(map(len, made.parts.values()))
        raise DatasetError(
            f"the split is of another dataset: of {count} windows, this one has {len(dataset)}; "
            "their labels or groups differ; split this one anew"
        )


def write_split(path: str | Path, made: Split) -> None:
    """Write a split as `.npz`, whole or not at all: one byte for each window, compressed.

    Raises:
        DatasetError: another suffix.
        HertzianError: the file cannot be written.
    """
    if Path(path).suffix.lower() != ".npz":
        raise DatasetError(f"{path}: a split file ends in .npz")
    with atomic_path(path) as partial:
        np.savez_compressed(
            partial,
            allow_pickle=False,
            about=np.frombuffer(made._about(), np.uint8),
            part=made.membership(),
            sha256=np.frombuffer(bytes.fromhex(made.hash), np.uint8),
        )


def read_split(path: str | Path, dataset: Dataset) -> Split:
    """Read a split of this dataset.

    Raises:
        DatasetError: missing, damaged, changed since it was written, or of another dataset.
    """
    file = Path(path)
    if not file.is_file():
        raise DatasetError(f"{file}: no such file")
    try:
        made = _read(file)
        check_split(made, dataset)
    except DatasetError as error:
        raise DatasetError(f"{file}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError) as error:
        raise DatasetError(f"{file}: not a readable split ({_one_line(error)})") from None
    except (NotImplementedError, zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise DatasetError(f"{file}: not a readable split ({_one_line(error)})") from None
    return made


# --- checks -------------------------------------------------------------------------------------


def _checked(fractions: Mapping[str, float]) -> Float64:
    shares = np.array(list(fractions.values()), np.float64)
    if not 1 <= len(shares) <= _MOST_PARTS or not np.all(shares > 0):
        raise DatasetError(
            f"fractions are {dict(fractions)}, expected 1 to {_MOST_PARTS} parts, each above 0"
        )
    if not math.isclose(float(shares.sum()), 1, abs_tol=1e-6):
        raise DatasetError(f"fractions sum to {shares.sum():g}, expected 1")
    checked: Float64 = shares / shares.sum()
    return checked


def _check_windows(dataset: Dataset) -> None:
    if not len(dataset):
        raise DatasetError("the dataset holds no windows to split")


def _check_groups(
    dataset: Dataset, cells: Cells, rows: Int64, group: Int64, groups: int, parts: int
) -> None:
    ask = "a random split, which leaks as those of published results do, must be asked for by name"
    if not groups:
        raise DatasetError(f"every window shares samples with two groups (group -1); {ask}")
    if groups == 1 < parts:
        raise DatasetError(
            f"all windows are of one group ({dataset.group[rows[0]]}), which cannot lie in "
            f"{parts} parts without leaking; {ask}"
        )
    class_of_row = cells.class_of[cells.index[rows]]
    held = np.sort(class_of_row * groups + group)
    held = held[np.diff(held, prepend=-1) > 0]
    groups_of_class = np.bincount(held // groups, minlength=len(cells.names))
    poorest = int(groups_of_class.argmin())
    if groups_of_class[poorest] < parts:
        raise DatasetError(
            f"class {cells.names[poorest]} is in {groups_of_class[poorest]} group(s), fewer than "
            f"the {parts} parts, which cannot all have it without leaking; {_MORE}; {ask}"
        )


def _check_classes(cells: Cells, made: Split) -> None:
    for name, rows in made.parts.items():
        held = np.bincount(cells.class_of[cells.index[rows]], minlength=len(cells.names))
        if not held.all():
            raise DatasetError(
                f"part {name} would get no window of class {cells.names[int(held.argmin())]}, "
                f"which has too few; ask for fewer parts, or {_MORE}"
            )


def _made(
    dataset: Dataset, membership: UInt8, fractions: Mapping[str, float], rule: str, seed: int
) -> Split:
    parts = {name: _rows(membership, place) for place, name in enumerate(fractions)}
    out = _rows(membership, NOWHERE)
    shares = {name: float(share) for name, share in fractions.items()}
    return Split(parts, out, rule, int(seed), shares, fingerprint(dataset))


def _rows(membership: UInt8, place: int) -> Int64:
    return np.flatnonzero(membership == place).astype(np.int64)


# --- files --------------------------------------------------------------------------------------


def _read(path: Path) -> Split:
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        limit = _BEST_COMPRESSION * path.stat().st_size
        about = json.loads(_bytes(archive, sizes, "about", min(limit, _LONGEST_ABOUT)).tobytes())
        membership = _bytes(archive, sizes, "part", min(limit, _MOST_WINDOWS))
        sha256 = _bytes(archive, sizes, "sha256", 1024).tobytes().hex()
    names, shares = about["parts"], about["fractions"]
    texts = (*names, about["rule"], about["fingerprint"])
    if not all(isinstance(text, str) for text in texts) or not isinstance(about["seed"], int):
        raise DatasetError("not a split: its description is of another form")
    fractions = dict(zip(names, map(float, shares), strict=True))
    _checked(fractions)
    if len(fractions) < len(names) or np.any((membership >= len(names)) & (membership != NOWHERE)):
        raise DatasetError(f"not a split: windows are in parts other than its {len(names)}")
    parts = {name: _rows(membership, place) for place, name in enumerate(names)}
    out = _rows(membership, NOWHERE)
    made = Split(parts, out, about["rule"], about["seed"], fractions, about["fingerprint"])
    if made.hash != sha256:
        raise DatasetError("the split was changed after it was written: its hash differs")
    return made


def _bytes(archive: zipfile.ZipFile, sizes: dict[str, int], name: str, limit: int) -> UInt8:
    """Read an array of bytes once its header agrees with the size, which is within the limit."""
    member = f"{name}.npy"
    if member not in sizes:
        raise DatasetError(f"not a split: lacks {name}")
    if sizes[member] > limit + 1024:
        raise DatasetError(f"{name} claims {sizes[member]} bytes, more than a split file can hold")
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise DatasetError(f"{name} is in a version of the npy format other than 1.0")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype != np.uint8 or shape != (sizes[member] - file.tell(),):
            raise DatasetError(f"{name} claims {dtype} {list(shape)}, which is not what follows")
        return np.frombuffer(file.read(), np.uint8)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
