"""Cells, the windows of one kind at one SNR, and those of the `field` preset."""

import dataclasses

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.emitters import EMITTED
from hertzian.datasets.field import field_recording
from hertzian.datasets.published import Kind
from hertzian.datasets.scenes import Scene
from hertzian.datasets.windows import recording_windows
from hertzian.detection import WINDOW
from hertzian.signal import CORE

FIELD_CLASSES = (*CORE, "unknown")
"""Classes of the `field` preset, in the order of the shipped model's logits."""

_PER_DETECTION = 4
_TRIED_AT_LEAST = 200
_LEAST_YIELD = 0.02  # windows a recording
_INDICES = 1 << 20  # recordings that a cell may have
_DRAWN_FROM = 1 << 11  # recordings that one draw from the endless stream may take
_ENDLESS = 1 << 40  # beyond the recordings of all cells


@dataclasses.dataclass(frozen=True)
class Cell:
    """The windows of one kind at one SNR.

    Attributes:
        x: float16 or float32 [n, 2, samples].
        group: int64 [n], from 0 on without holes; windows of one realisation share it. -1 where a
            window shares samples with two groups.
        bandwidth: 99% occupied (of analog ones: necessary), of what was sent, cycles per sample:
            float32 [n], NaN where it isn't known.
        symbol_rate: symbols per sample, likewise.
    """

    x: npt.NDArray[np.float16] | npt.NDArray[np.float32]
    group: npt.NDArray[np.int64]
    bandwidth: npt.NDArray[np.float32]
    symbol_rate: npt.NDArray[np.float32]


def field_scene(label: str, snr_db: float) -> Scene:
    """Return a scene of which every emission has this label and this in-band SNR."""
    return dataclasses.replace(
        Scene(),
        snr_db=(snr_db, snr_db),
        loud=0.0,
        unknown=float(label == "unknown"),
        noise=float(label == "noise"),
        labels=(label,) if label in EMITTED else EMITTED,
    )


@dataclasses.dataclass(frozen=True)
class FieldCells:
    """The maker of the `field` preset."""

    shared_groups: bool = False

    def cell(self, seed: int, kind: Kind, snr_db: float, count: int) -> Cell:
        """Return `count` windows: see `field_cell`."""
        return field_cell(seed, kind.modulation, snr_db, count)

    def draw(self, seed: int, kind: Kind, snr_db: float, index: int, count: int) -> Cell:
        """Return `count` windows of the endless stream; no file holds any of them.

        Every index has windows of its own; some 40 at most, where the detector hears one recording
        in 50.
        """
        turn, place = divmod(index, _INDICES // _DRAWN_FROM)
        first = (turn + 1) * _ENDLESS + place * _DRAWN_FROM
        return field_cell(seed, kind.modulation, snr_db, count, first)


def field_cell(seed: int, label: str, snr_db: float, count: int, begin: int = 0) -> Cell:
    """Return `count` windows of a label at an SNR; these four determine every byte of them.

    Recordings of nothing but this label go through the detector and the front end until there are
    enough windows, up to four of a detection. Which recordings they are depends on no other label
    or SNR, and none is among those that `field_recording` gives for small indices; `begin` leads to
    others.

    Raises:
        DatasetError: the detector finds next to nothing at this SNR.
    """
    scene = field_scene(label, snr_db)
    first = begin + _first_index(label, snr_db)
    wanted = FIELD_CLASSES.index(label)
    cuts: list[npt.NDArray[np.float16]] = []
    groups: list[int] = []
    tried = 0
    while len(groups) < count:
        if tried >= _TRIED_AT_LEAST and len(groups) < _LEAST_YIELD * tried:
            raise DatasetError(
                f"{label} at {snr_db:g} dB: the detector found it {len(groups)} times in {tried} "
                "recordings; leave this SNR out"
            )
        recording = field_recording(seed, first + tried, scene)
        for shown in recording_windows(recording, FIELD_CLASSES, _PER_DETECTION):
            # a plateau of bare noise has an SNR of its own
            if shown.label == wanted and shown.snr_db == snr_db:
                cuts.append(shown.x)
                groups += [tried] * len(shown.x)
        tried += 1
    x = np.concatenate(cuts)[:count] if cuts else np.empty((0, 2, WINDOW), np.float16)
    group = np.unique(groups[:count], return_inverse=True)[1].astype(np.int64)
    # the front end has scaled the windows, each by what the detector measured
    unknown = np.full(count, np.nan, dtype=np.float32)
    return Cell(x, group, unknown, unknown)


def _first_index(label: str, snr_db: float) -> int:
    """Return where a cell's recordings begin: ranges of 2^20, the first one left to training."""
    millibels = round(100 * snr_db)
    # whole numbers onto natural ones: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
    place = 2 * millibels if millibels >= 0 else -2 * millibels - 1
    return (1 + place * len(FIELD_CLASSES) + FIELD_CLASSES.index(label)) * _INDICES
