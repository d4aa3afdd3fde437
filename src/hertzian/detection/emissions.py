"""From time-frequency cells over the floor to emissions: bursts that belong to one transmitter."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hertzian.detection.floor import Floor, NoiseFloor, excess, without_dc
from hertzian.detection.frames import FRAME, Power

SEED = 8.0
"""Smoothed power over floor that starts a detection; on white noise about 1e-12 per cell."""
GROW = 3.0
"""Smoothed power over floor that belongs to a detection when it touches a seed."""
GAP_FRAMES = 16
"""Silence that ends an emission."""
_BOX = 3
_WIDE_BINS = 31
_LEAST = 16
_WIDE_CAP = 12.0
_WIDE_SEED = 4.5
_WIDE_GROW = 2.5
_STAYING_FRAMES = 9
_STAYING_SEED = 2.5
_STAYING_GROW = 2.0
_BROAD_CELL = 1.7
_FAINT_BLOCK = 8
_FAINT_BLOCKS = 5
_FAINT_BINS = 7
_FAINT_SEED = 2.2
_FAINT_GROW = 1.7
_FAINT_APART = 2
_FAINT_WIDEST = 48
_CORE = 0.02
_EDGE_SHARE = 0.1
_PEAK_SHARE = 0.95
_LINE_BINS = 5
_LINE_SHARE = 0.6
_PLATEAU_BINS = FRAME // 2

Energies = npt.NDArray[np.float64]
_Cell = TypeVar("_Cell", bound=np.generic)


@dataclass
class Emission:
    """Bursts at one frequency without a gap of more than `GAP_FRAMES`.

    Attributes:
        track: number of the transmitter's stay on the air; pieces of a long one share it.
        first, last: first and last frame with a cell over the floor.
        profile: energy over the floor per bin, float64 [FRAME].
        envelope: energy over the floor per frame, from `first` on.
        floor: noise power density in each of these frames, zero where no cell was over it.
        extent: lowest and highest bin that any burst touched.
        begins, ends: False where a long emission was cut.
        plateau: whether it fills most of the band and may be but filtered noise.
        ghost: whether its first piece turned out to be a product of another emission.
        faint: whether it shows only in averages over many frames.
        outshone: whether it may be what a receiver makes of strong emissions beside it.
        after_silence: whether it starts where the receiver was silent, as others may then, too.
    """

    track: int
    first: int
    last: int
    profile: Energies
    envelope: Energies
    floor: Energies
    extent: tuple[int, int]
    begins: bool = True
    ends: bool = False
    plateau: bool = False
    ghost: bool = False
    faint: bool = False
    outshone: bool = False
    after_silence: bool = False

    @cached_property
    def energy(self) -> float:
        """Energy over the floor."""
        return float(self.envelope.sum())

    @cached_property
    def band(self) -> tuple[float, float]:
        """Lower and upper bin edge of the core band, 96% of the energy."""
        total = np.concatenate([[0.0], np.cumsum(np.maximum(self.profile, 0.0))])
        if not total[-1] > 0:
            return float(self.extent[0]), float(self.extent[1] + 1)
        low, high = np.interp([_CORE, 1 - _CORE], total / total[-1], np.arange(total.size))
        return float(low), float(high)

    @cached_property
    def edges(self) -> tuple[int, int]:
        """First and last frame of a tenth of its power: averages see it in others too."""
        level = _EDGE_SHARE * np.quantile(self.envelope, _PEAK_SHARE)
        loud = np.flatnonzero(self.envelope >= level)
        return self.first + int(loud[0]), self.first + int(loud[-1])

    @cached_property
    def is_line(self) -> bool:
        """Whether most of the energy is in one spectral line, as wide as a window makes it."""
        around = np.convolve(np.maximum(self.profile, 0.0), np.ones(_LINE_BINS), mode="same")
        return bool(around.max() >= _LINE_SHARE * self.energy)

    @property
    def density(self) -> float:
        """Noise power density per cycle per sample."""
        known = self.floor[self.floor > 0]
        return float(known.mean()) if known.size else 0.0

    def absorb(self, other: "Emission") -> None:
        """Take the cells of another emission in."""
        if other.first < self.first:
            self.after_silence = other.after_silence
        for derived in ("energy", "band", "edges", "is_line"):
            self.__dict__.pop(derived, None)
        first = min(self.first, other.first)
        last = max(self.last, other.last)
        envelope, floor, known = np.zeros((3, last - first + 1))
        for part in (self, other):
            own = slice(part.first - first, part.last - first + 1)
            envelope[own] += part.envelope
            floor[own] += part.floor
            known[own] += part.floor > 0
        self.first, self.last, self.envelope = first, last, envelope
        self.floor = floor / np.maximum(known, 1)
        self.profile = self.profile + other.profile
        self.extent = (
            min(self.extent[0], other.extent[0]),
            max(self.extent[1], other.extent[1]),
        )


def find_all(power: Power, floor: NoiseFloor, first_frame: int) -> list[Emission]:
    """Return the bursts of a slab, and what of a plateau stands out, marked as such."""
    bursts = find_bursts(power, floor.density, first_frame, faint=True)
    if floor.under_plateau is None:
        return bursts
    wide = find_bursts(power, floor.under_plateau, first_frame)
    wide = [b for b in wide if b.extent[1] - b.extent[0] > _PLATEAU_BINS]
    for burst in wide:
        burst.plateau = True
    return bursts + wide


def find_bursts(
    power: Power, floor: Floor, first_frame: int, *, faint: bool = False
) -> list[Emission]:
    """Return the connected regions over the floor of a slab [frames, FRAME], as emissions.

    A region needs one cell whose power, averaged over 3 x 3 cells (or 1 x 31 for short wide bursts,
    9 x 31 for weak wide ones), exceeds a seed; it takes in the cells around that exceed a lower
    level (hysteresis). Narrow signals too faint for that are found where they last, if asked for.
    """
    ratio = excess(power, floor)
    smooth = _over_frames(ndimage.uniform_filter1d(ratio, _BOX, axis=1, mode="constant"), _BOX)
    # a short wide burst fills a row: its average over bins tells, one strong line must not
    wide = ndimage.uniform_filter1d(
        np.minimum(ratio, _WIDE_CAP), _WIDE_BINS, axis=1, mode="constant"
    )
    # a weak wide signal that stays shows over frames and bins together
    staying = _over_frames(wide, _STAYING_FRAMES)
    strong = smooth > SEED
    spread = (wide > _WIDE_SEED) | (staying > _STAYING_SEED)
    kept = np.zeros(ratio.shape, dtype=bool)
    found: list[Emission] = []
    noise = without_dc(floor)
    if strong.any() or spread.any():
        broad = ((wide > _WIDE_GROW) | (staying > _STAYING_GROW)) & (smooth > _BROAD_CELL)
        labels, _ = ndimage.label((smooth > GROW) | broad, structure=np.ones((3, 3)))
        boxes = ndimage.find_objects(labels)
        chosen = {int(index) for index in np.unique(labels[strong])}
        # averages over bins reach past the edges of a strong signal: only what is wide seeds so
        wide_ones = {int(index) for index in np.unique(labels[spread])} - {0}
        chosen |= {index for index in wide_ones if _width(boxes[index - 1]) >= _LEAST}
        found = [
            _burst(power, floor, noise, labels, index, boxes[index - 1], first_frame)
            for index in sorted(chosen - {0})
        ]
        found_already = np.zeros(labels.max() + 1, dtype=bool)
        found_already[list(chosen - {0})] = True
        kept = found_already[labels]
    hidden = _faint(ratio, kept) if faint else None
    if hidden is None:
        return found
    for index, box in enumerate(ndimage.find_objects(hidden), start=1):
        if box is not None and _width(box) <= _FAINT_WIDEST:
            burst = _burst(power, floor, noise, hidden, index, box, first_frame)
            burst.faint = True
            found.append(burst)
    return found


def _faint(ratio: Power, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32] | None:
    """Return the labels of faint narrow signals that last, or None where there are none.

    They show in averages over 40 x 7 cells, of which regions that are found already are left out.
    Frames are taken by eight, for the average knows no finer time.
    """
    if len(ratio) < _FAINT_BLOCK * _FAINT_BLOCKS:
        return None
    capped = _by_blocks(np.minimum(ratio, np.float32(_WIDE_CAP)))
    frames = _by_blocks(np.ones((len(ratio), 1), dtype=np.int64)).sum(axis=1)[:, 0]
    blocks = ndimage.uniform_filter1d(capped.sum(axis=1), _FAINT_BINS, axis=1, mode="nearest")
    square = np.ones((3, 3), dtype=bool)
    around = np.zeros(blocks.shape, dtype=bool)
    if kept.any():
        around = np.asarray(_by_blocks(kept).any(axis=1))
        around = ndimage.binary_dilation(around, square, _FAINT_APART)
        blocks = np.where(around, frames[:, None], blocks)
    count = np.convolve(frames, np.ones(_FAINT_BLOCKS), mode="same")
    lasting = _over_frames(blocks.astype(np.float32), _FAINT_BLOCKS) * _FAINT_BLOCKS
    lasting /= count[:, None].astype(np.float32)
    seeds = (lasting > _FAINT_SEED) & ~around
    if not seeds.any():
        return None
    labels, _ = ndimage.label((lasting > _FAINT_GROW) & ~around, structure=square)
    chosen = np.zeros(labels.max() + 1, dtype=bool)
    chosen[labels[seeds]] = True
    return np.repeat(np.where(chosen[labels], labels, 0), frames, axis=0)


def _by_blocks(frames: npt.NDArray[_Cell]) -> npt.NDArray[_Cell]:
    """Return [frames, bins] as [blocks, _FAINT_BLOCK, bins], the last block completed by zeros."""
    missing = -len(frames) % _FAINT_BLOCK
    if missing:
        frames = np.pad(frames, ((0, missing), (0, 0)))
    return frames.reshape(-1, _FAINT_BLOCK, frames.shape[1])


def _over_frames(cells: Power, count: int) -> Power:
    """Return the mean over `count` frames around each, zeros beyond the slab.

    Sums of whole rows: several times as fast as a filter that walks down the columns.
    """
    total = cells.copy()
    for step in range(1, min(count // 2, len(cells) - 1) + 1):
        total[step:] += cells[:-step]
        total[:-step] += cells[step:]
    total *= np.float32(1 / count)
    return total


def _width(box: tuple[slice, ...]) -> int:
    return int(box[1].stop - box[1].start)


def _burst(
    power: Power,
    floor: Floor,
    noise: Floor,
    labels: npt.NDArray[np.signedinteger],
    index: int,
    box: tuple[slice, ...],
    first_frame: int,
) -> Emission:
    inside = labels[box] == index
    below = np.where(np.isfinite(floor[box]), floor[box], 0.0).astype(np.float64)
    over = np.where(inside, power[box] - below, 0.0)
    density = np.where(np.isfinite(noise[box]), noise[box], 0.0).mean(axis=1, dtype=np.float64)
    profile = np.zeros(FRAME)
    profile[box[1]] = over.sum(axis=0)
    return Emission(
        track=-1,
        first=first_frame + box[0].start,
        last=first_frame + box[0].stop - 1,
        profile=profile,
        envelope=np.maximum(over.sum(axis=1), 0.0),
        floor=density,
        extent=(box[1].start, box[1].stop - 1),
        after_silence=_after_silence(floor, box[0].start),
    )


def _after_silence(floor: Floor, frame: int) -> bool:
    """Tell whether the receiver was silent, its floor infinite, at a frame or just before it."""
    return bool(np.isinf(floor[max(0, frame - _BOX) : frame + 1]).any())
