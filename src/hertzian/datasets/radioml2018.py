"""RML2018.01A's HDF5: X [n, samples, 2], one-hot Y [n, 24], Z [n, 1] in decibels.

The windows stay in the file. The class list that came with the published data names its columns in
a wrong order; `published.RML2018_01A` has the right one.
"""

import re
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hertzian.datasets.dataset import (
    Advance,
    Dataset,
    DatasetError,
    DatasetWarning,
    Float32,
    Int64,
    ignore,
)
from hertzian.datasets.hdf5 import H5Windows, plain_array
from hertzian.datasets.published import RML2018_01A
from hertzian.datasets.spelling import places
from hertzian.recordings import atomic_path

NAME = "radioml-2018"
KEYS = ("X", "Y", "Z")

_CLASSES = RML2018_01A.modulations
_ROWS = 1 << 16  # labels read at a time
_PIECE_BYTES = 16 << 20  # of windows written at a time
_CLASS_FILES = ("classes.txt", "classes.json", "classes-fixed.txt", "classes-fixed.json")
_LONGEST_CLASS_FILE = 10_000


def read_2018(path: Path) -> Dataset:
    """Read HDF5 of the form of RML2018.01A; every example is a group of its own.

    Warns:
        DatasetWarning: a list of classes beside the file has another order, which is not used.

    Raises:
        DatasetError: an array is missing, of another shape, or Y is not one-hot.
    """
    with h5py.File(path, "r") as file:
        size = path.stat().st_size
        x, y, z = (plain_array(file, name, size) for name in KEYS)
        if x.dtype.kind != "f" or len(x.shape) != 3 or x.shape[2] != 2:
            raise DatasetError(f"X is {x.dtype} {list(x.shape)}, expected floats [n, samples, 2]")
        count, samples, _ = x.shape
        if y.dtype.kind not in "iufb" or y.shape != (count, len(_CLASSES)):
            raise DatasetError(f"Y is {y.dtype} {list(y.shape)}, expected [{count}, 24] one-hot")
        if z.dtype.kind not in "iuf" or z.shape not in ((count, 1), (count,)):
            raise DatasetError(f"Z is {z.dtype} {list(z.shape)}, expected [{count}, 1] in dB")
        modulation = _hot(y)
        snr_db = np.asarray(z[()], dtype=np.float32).reshape(count)
    _warn_of_class_files(path)
    return Dataset(
        x=H5Windows(path, (count, 2, samples), "X", "nsc"),
        modulation=modulation,
        snr_db=snr_db,
        group=np.arange(count, dtype=np.int64),
        modulations=_CLASSES,
        preset=RML2018_01A.name,
        seed=0,
        sample_rate_hz=RML2018_01A.sample_rate_hz,
        snr_definition=RML2018_01A.snr_definition,
        version="",
    )


def _hot(y: Any) -> Int64:
    """Return the column of each row's one, reading a part of the rows at a time."""
    modulation = np.empty(y.shape[0], dtype=np.int64)
    for first in range(0, len(modulation), _ROWS):
        rows = y[first : first + _ROWS]
        ones = rows == 1
        good = (ones.sum(axis=1) == 1) & ((rows == 0).sum(axis=1) == y.shape[1] - 1)
        if not good.all():
            row = first + int(np.argmin(good))
            raise DatasetError(f"Y is not one-hot in row {row}: expected one 1 and 23 zeros")
        modulation[first : first + _ROWS] = ones.argmax(axis=1)
    return modulation


def _warn_of_class_files(path: Path) -> None:
    for name in _CLASS_FILES:
        beside = path.with_name(name)
        try:
            with beside.open("rb") as file:
                text = file.read(_LONGEST_CLASS_FILE).decode("utf-8", "replace")
        except OSError:
            continue
        told = re.findall(r"['\"]([^'\"]+)['\"]", text)
        if sorted(told) == sorted(_CLASSES) and tuple(told) != _CLASSES:
            warnings.warn(
                f"{beside} lists the classes in the wrong order that RML2018.01A was published "
                f"with; it is not used, and Y's columns are {', '.join(_CLASSES)}",
                DatasetWarning,
                stacklevel=4,
            )


def write_2018(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write windows in the form of RML2018.01A, slice by slice, whole or not at all.

    Z is of integers where every SNR is whole, as published, and float32 elsewhere.

    Raises:
        DatasetError: a class is none of the 24.
        HertzianError: the file cannot be written.
    """
    column = places(path, NAME, dataset.modulations, dataset.modulation, _CLASSES)
    count, _, samples = dataset.x.shape
    with atomic_path(path) as partial, h5py.File(partial, "w") as file:
        windows = file.create_dataset("X", (count, samples, 2), "<f4")
        for rows, x in dataset.batches(max(1, _PIECE_BYTES // (8 * samples))):
            windows[rows] = x.transpose(0, 2, 1)
            advance(len(x))
        hot = file.create_dataset("Y", (count, len(_CLASSES)), "<i8")
        for first in range(0, count, _ROWS):
            rows = slice(first, first + _ROWS)
            hot[rows] = np.eye(len(_CLASSES), dtype=np.int64)[column[dataset.modulation[rows]]]
        file["Z"] = _whole(dataset.snr_db)[:, np.newaxis]


def _whole(snr_db: Float32) -> Int64 | Float32:
    whole = np.isfinite(snr_db).all() and (snr_db == np.round(snr_db)).all()
    return snr_db.astype(np.int64) if whole else snr_db
