"""RadCom's HDF5: one array for each example, its key the text of (modulation, signal, snr, index).

An array is 2 x samples long: all of I, then all of Q. Modulations and signals (here: protocols) are
spelled in the files in their own way; `published` has the names that stand for them.
"""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import (
    LONGEST_WINDOW,
    Advance,
    Dataset,
    DatasetError,
    DatasetWarning,
    Float32,
    Int64,
    check_rows,
    check_slice,
    finite,
    ignore,
)
from hertzian.datasets.hdf5 import BEST_COMPRESSION, plain_array, reading
from hertzian.datasets.published import RADCOM_AWGN, RADCOM_DYNAMIC, RADCOM_OTA, Published
from hertzian.datasets.spelling import places, plain
from hertzian.recordings import atomic_path

NAME = "radcom"

_WORD = r"u?['\"]([\w .+-]{1,40})['\"]"
_NUMBER = r"['\"]?(-?\d{1,9})(?:\.0)?['\"]?"
_KEY = re.compile(rf"\({_WORD}, ?{_WORD}, ?{_NUMBER}, ?{_NUMBER}\)", re.ASCII)
_LONGEST_KEY = 200
_FLOAT_BYTES = 4
_ROWS = 4096  # examples written at a time

# published name -> how the files spell it, the first being what is written
_MODULATIONS = {
    "PCW": ("pulsed",),
    "FMCW": ("fmcw",),
    "BPSK": ("bpsk",),
    "AM-DSB": ("amdsb",),
    "AM-SSB": ("amssb",),
    "OOK": ("ask",),
    "GFSK": ("gfsk",),
    "DSSS-CCK": ("dsss-cck", "cck"),
    "DSSS-OQPSK": ("dsss-oqpsk", "oqpsk"),
}
_PROTOCOLS = {"SATCOM": ("Satcom", "Raw"), "Short-Range": ("short-range",)}


def _by_spelling(names: tuple[str, ...], spellings: dict[str, tuple[str, ...]]) -> dict[str, int]:
    return {
        plain(spelling): place
        for place, name in enumerate(names)
        for spelling in (name, *spellings.get(name, ()))
    }


# the names of the other two sets are the first ones of RadComAWGN's
_MODULATION_OF = _by_spelling(RADCOM_AWGN.modulations, _MODULATIONS)
_PROTOCOL_OF = _by_spelling(RADCOM_AWGN.protocols, _PROTOCOLS)


@dataclass(frozen=True)
class RadcomWindows:
    """The examples of a RadCom file, read when asked for.

    Attributes:
        path: the file.
        keys: of the examples in order, bytes [n].
        samples: of an example.
    """

    path: Path
    keys: npt.NDArray[np.bytes_]
    samples: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes [n, 2, samples]."""
        return len(self.keys), 2, self.samples

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.keys)

    def __getitem__(self, rows: slice, /) -> Float32:
        """Return windows float32 [rows, 2, samples].

        Raises:
            DatasetError: the file has gone or is damaged, or a window holds what is not finite.
        """
        start, stop = check_slice(rows, len(self))
        return self._read(self.keys[start:stop], start)

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Return the windows of these numbers, as `WindowSource` says.

        Raises:
            DatasetError: as for a slice, or there is no window of a number.
        """
        wanted = check_rows(indices, len(self))
        return self._read(self.keys[wanted], wanted)

    def _read(self, keys: npt.NDArray[np.bytes_], numbers: int | Int64) -> Float32:
        held = np.empty((len(keys), 2 * self.samples), dtype=np.float32)
        with reading(self.path, "cannot read windows"), h5py.File(self.path, "r") as file:
            for place, key in enumerate(keys):
                _read_example(file, bytes(key), held[place], self.path)
            return finite(held.reshape(-1, 2, self.samples), numbers)


def _read_example(file: Any, key: bytes, out: Float32, path: Path) -> None:
    example = _example(file, key, path)
    if example.shape not in ((len(out),), (len(out), 1), (1, len(out))):
        raise DatasetError(f"{key.decode()} has {list(example.shape)} values, others {len(out)}")
    space = h5py.h5s.create_simple(example.shape)
    example.read(space, h5py.h5s.ALL, out.reshape(example.shape))


def _example(file: Any, key: bytes, path: Path) -> Any:
    """Return an example's array, of real numbers that lie in this file; h5py's fast interface."""
    if file.id.links.get_info(key).type != h5py.h5l.TYPE_HARD:
        raise DatasetError(f"{key.decode()} is a link to another place, which is refused")
    held = h5py.h5d.open(file.id, key)
    if held.get_type().get_class() != h5py.h5t.FLOAT:
        raise DatasetError(f"{key.decode()} holds {held.dtype}, expected real numbers")
    properties = held.get_create_plist()
    if properties.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS):
        plain_array(file, key.decode(), path.stat().st_size)
    if properties.get_external_count():
        raise DatasetError(f"{key.decode()} keeps its values in another file, which is refused")
    return held


def is_key(text: str) -> bool:
    """Tell whether the name of an HDF5 object looks like a RadCom key."""
    return len(text) <= _LONGEST_KEY and _KEY.fullmatch(text) is not None


def read_radcom(path: Path) -> Dataset:
    """Read a file of RadComAWGN, RadComDynamic or RadComOta, ordered by class, level and index.

    AWGN and over the air, every example is a group of its own; the examples of RadComDynamic are
    all of one, because its generator starts every pass at the same state of its channel. What is
    in `snr_db` over the air is the transmitter's gain.

    Warns:
        DatasetWarning: the levels do not tell RadComDynamic from RadComOta; the former is taken.

    Raises:
        DatasetError: a key is not of that form, a class unknown, or an array of another shape.
    """
    with h5py.File(path, "r") as file:
        keys = _keys(file)
        facts = np.array([_parsed(key) for key in keys], dtype=np.int64)
        length = int(np.prod(_example(file, keys[0].encode(), path).shape))
    if length % 2 or not 2 <= length <= 2 * LONGEST_WINDOW:
        raise DatasetError(f"{keys[0]} has {length} values, expected I and then Q")
    # an array without values takes no room in the file, but as much memory as another
    if len(keys) * length * _FLOAT_BYTES > BEST_COMPRESSION * path.stat().st_size:
        raise DatasetError(
            f"claims {len(keys)} examples of {length} values, more than a file of its size can hold"
        )
    modulation, protocol, level, index = facts.T
    order = np.lexsort((index, level, protocol, modulation))
    published = _identify(path, facts, keys)
    count = len(keys)
    alone = published is not RADCOM_DYNAMIC
    return Dataset(
        x=RadcomWindows(path, np.array(keys, dtype=np.bytes_)[order], length // 2),
        modulation=modulation[order],
        snr_db=level[order].astype(np.float32),
        group=np.arange(count, dtype=np.int64) if alone else np.zeros(count, dtype=np.int64),
        modulations=published.modulations,
        preset=published.name,
        seed=0,
        sample_rate_hz=published.sample_rate_hz,
        snr_definition=published.snr_definition,
        version="",
        protocol=protocol[order],
        protocols=published.protocols,
    )


def _keys(file: Any) -> list[str]:
    """Return the names of the examples, none of which is a link to another place."""
    keys: list[str] = []
    links: list[str] = []

    def add(name: bytes, info: Any) -> None:
        key = name.decode("utf-8", "replace")
        (keys if info.type == h5py.h5l.TYPE_HARD else links).append(key)

    file.id.links.iterate(add, info=True)
    if links:
        raise DatasetError(
            f"{links[0][:_LONGEST_KEY]!a} is a link to another place, which is refused"
        )
    if not keys:
        raise DatasetError("holds no examples")
    return keys


def _parsed(key: str) -> tuple[int, int, int, int]:
    found = _KEY.fullmatch(key) if len(key) <= _LONGEST_KEY else None
    if found is None:
        raise DatasetError(
            f"the key {key[:_LONGEST_KEY]!a} is not the text of (modulation, signal, snr, index)"
        )
    modulation, protocol, level, index = found.groups()
    for what, word, known in (
        ("modulation", modulation, _MODULATION_OF),
        ("signal", protocol, _PROTOCOL_OF),
    ):
        if plain(word) not in known:
            raise DatasetError(f"the key {key} names the unknown {what} {word!r}")
    numbers = int(level), int(index)
    return _MODULATION_OF[plain(modulation)], _PROTOCOL_OF[plain(protocol)], *numbers


def _identify(path: Path, facts: Int64, keys: list[str]) -> Published:
    """Tell the three sets apart: by the classes, by the levels, else by the file's name."""
    wider = facts[:, :2].max(axis=0) >= (
        len(RADCOM_DYNAMIC.modulations),
        len(RADCOM_DYNAMIC.protocols),
    )
    if wider.any() or any("'Raw'" in key for key in keys):
        return RADCOM_AWGN
    levels = {float(level) for level in np.unique(facts[:, 2])}
    fitting = [one for one in (RADCOM_DYNAMIC, RADCOM_OTA) if levels <= set(one.snr_db)]
    if len(fitting) == 1:
        return fitting[0]
    if "ota" in path.stem.casefold():
        return RADCOM_OTA
    if "dynamic" not in path.stem.casefold():
        warnings.warn(
            f"{path}: levels of {min(levels):g} to {max(levels):g} dB do not tell RadComDynamic "
            "from RadComOta; it is taken for the former, as its name has no Ota in it",
            DatasetWarning,
            stacklevel=4,
        )
    return RADCOM_DYNAMIC


def write_radcom(path: str | Path, dataset: Dataset, advance: Advance = ignore) -> None:
    """Write windows in RadCom's form, example by example, whole or not at all.

    Raises:
        DatasetError: a class or protocol is none of RadCom's, an example has no protocol, or an
            SNR is no whole number.
        HertzianError: the file cannot be written.
    """
    if dataset.protocol is None or (dataset.protocol < 0).any():
        raise DatasetError(f"{path}: {NAME} names a protocol for each example; here some have none")
    whole = np.isfinite(dataset.snr_db) & (dataset.snr_db == np.round(dataset.snr_db))
    if not whole.all():
        row = int(np.argmin(whole))
        raise DatasetError(
            f"{path}: {NAME} holds whole levels in dB, but row {row} has {dataset.snr_db[row]}"
        )
    modulation = _numbers(path, dataset.modulations, dataset.modulation, RADCOM_AWGN.modulations)
    protocol = _numbers(path, dataset.protocols, dataset.protocol, RADCOM_AWGN.protocols)
    modulations = _written(RADCOM_AWGN.modulations, _MODULATIONS)
    protocols = _written(RADCOM_AWGN.protocols, _PROTOCOLS)
    if (protocol >= len(RADCOM_DYNAMIC.protocols)).any():  # RadComAWGN
        protocols = ["Raw" if name == "Satcom" else name for name in protocols]
    level = dataset.snr_db.astype(np.int64)
    numbered: dict[tuple[str, str, int], int] = {}
    with atomic_path(path) as partial, h5py.File(partial, "w") as file:
        for rows, x in dataset.batches(_ROWS):
            labels = zip(modulation[rows], protocol[rows], level[rows], strict=True)
            cells = ((modulations[m], protocols[p], int(snr)) for m, p, snr in labels)
            _write_examples(file, cells, numbered, x.reshape(len(x), -1))
            advance(len(x))


def _write_examples(
    file: Any,
    cells: Iterable[tuple[str, str, int]],
    numbered: dict[tuple[str, str, int], int],
    examples: Float32,
) -> None:
    space = h5py.h5s.create_simple(examples.shape[1:])
    for cell, example in zip(cells, np.ascontiguousarray(examples, dtype="<f4"), strict=True):
        index = numbered.get(cell, 0)
        numbered[cell] = index + 1
        key = str((*cell, index)).encode()
        held = h5py.h5d.create(file.id, key, h5py.h5t.IEEE_F32LE, space)
        held.write(h5py.h5s.ALL, h5py.h5s.ALL, example)


def _numbers(
    path: str | Path, names: tuple[str, ...], labels: Int64, known: tuple[str, ...]
) -> Int64:
    """Return labels of one list of names as labels of another."""
    return places(path, NAME, names, labels, known)[labels]


def _written(names: tuple[str, ...], spellings: dict[str, tuple[str, ...]]) -> list[str]:
    return [spellings.get(name, (name,))[0] for name in names]
