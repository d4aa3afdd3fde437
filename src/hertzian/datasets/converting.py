"""Writing a dataset in any known format, and saying what the format cannot hold."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hertzian.datasets import files, hisarmod, radcom, radioml, radioml2018
from hertzian.datasets.dataset import Advance, Dataset, DatasetError, DatasetWarning, ignore
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.published import RADCOM_DYNAMIC

WRITERS: dict[str, Callable[[str | Path, Dataset, Advance], None]] = {
    files.H5_NAME: files.write_h5,
    files.NPZ_NAME: files.write_npz,
    radioml.NAME: radioml.write_pickle,
    radioml2018.NAME: radioml2018.write_2018,
    radcom.NAME: radcom.write_radcom,
    hisarmod.NAME: hisarmod.write_mat,
}
"""Name of a format -> how a dataset is written in it."""

SUFFIXES = {
    ".h5": files.H5_NAME,
    ".npz": files.NPZ_NAME,
    ".pkl": radioml.NAME,
    ".hdf5": radioml2018.NAME,
    ".mat": hisarmod.NAME,
}
"""Suffix -> the format that it stands for where none is named."""

_OWN = (files.H5_NAME, files.NPZ_NAME)


def write_as(
    path: str | Path, dataset: Dataset, format: str | None = None, advance: Advance = ignore
) -> None:
    """Write a dataset in a format, whole or not at all.

    Args:
        path: the file.
        dataset: what to write.
        format: a key of `WRITERS`; None takes the one of the file's suffix.
        advance: told how many windows are done.

    Warns:
        DatasetWarning: the format cannot hold everything; the message says what is left out.

    Raises:
        DatasetError: there is no such format, or it cannot hold this dataset.
        HertzianError: the file cannot be written.
    """
    name = format_for(path, format)
    if not len(dataset):
        raise DatasetError(f"{path}: there is nothing to write")
    WRITERS[name](path, dataset, advance)
    # afterwards, for where windows are made as they are written the groups are known only then
    lost = lost_in(name, dataset)
    if lost:
        warnings.warn(
            f"{path}: {name} has no place for {', '.join(lost)}, which the file now lacks",
            DatasetWarning,
            stacklevel=2,
        )


def convert(
    source: str | Path,
    path: str | Path,
    format: str | None = None,
    start: Callable[[int], Advance] = lambda windows: ignore,
) -> Dataset:
    """Open a dataset and write it in another format; return what was opened.

    Args:
        source: the file or folder to read.
        path: the file to write.
        format: as for `write_as`.
        start: told the number of windows; returns what is told of each that is done.

    Raises:
        DatasetError: as for `open_dataset` and `write_as`, or both are the same file.
        HertzianError: the file cannot be written.
    """
    format_for(path, format)
    dataset = open_dataset(source)
    # windows are read from the one while the other is written, and a failure would cost both
    if Path(path).exists() and Path(path).samefile(source):
        raise DatasetError(f"{path}: cannot be written, for it is what is read")
    write_as(path, dataset, format, start(len(dataset)))
    return dataset


def format_for(path: str | Path, format: str | None = None) -> str:
    """Return the format to write a file in: the one named, or that of its suffix.

    Raises:
        DatasetError: there is none.
    """
    if format is not None:
        if format not in WRITERS:
            known = ", ".join(WRITERS)
            raise DatasetError(f"no dataset format is called {format!r}; known are {known}")
        return format
    name = SUFFIXES.get(Path(path).suffix.lower())
    if name is None:
        known = ", ".join(f"{suffix} ({name})" for suffix, name in SUFFIXES.items())
        raise DatasetError(f"{path}: its suffix names no format; known are {known}")
    return name


def lost_in(format: str, dataset: Dataset) -> list[str]:
    """Return what of a dataset a format has no place for, each in a few words."""
    if format in _OWN:
        return []
    lost = []
    if dataset.protocol is not None and format != radcom.NAME:
        lost.append("protocols")
    measured = {"bandwidth_hz": "bandwidths", "symbol_rate_hz": "symbol rates"}
    lost += [text for name, text in measured.items() if getattr(dataset, name) is not None]
    if not _keeps_groups(format, dataset):
        lost.append("groups")
    if dataset.version or dataset.seed:
        lost.append(f"the preset ({dataset.preset}), the seed ({dataset.seed}) and what SNR means")
    return lost


def _keeps_groups(format: str, dataset: Dataset) -> bool:
    if len(np.unique(dataset.group)) == len(dataset):
        return True
    if format == radcom.NAME:
        return dataset.preset == RADCOM_DYNAMIC.name
    return format == radioml.NAME and radioml.regains_groups(dataset)
