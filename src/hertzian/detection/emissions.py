"""From time-frequency cells over the floor to emissions: bursts that belong to one transmitter."""

from dataclasses import dataclass, field
from functools import cached_property

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
_CORE = 0.02
_TWIN_FRAMES = 2
_TWIN_SLACK = 0.05
_TWIN_RATIO = 10.0
_TWIN_GAP = 3.0
_GHOST_RATIO = 10.0
_LIKE_WIDTHS = 8.0
_PLATEAU_BINS = FRAME // 2
_AROUND = 2
_SPLATTER_RATIO = 5.0
_GHOST_CORRELATION = 0.7
_IMAGE_RATIO = 100.0

Energies = npt.NDArray[np.float64]


@dataclass
class Emission:
    """Bursts at one frequency without a gap of more than `GAP_FRAMES`.

    Attributes:
        track: number of the transmitter's stay on the air; pieces of a long one share it.
        first, last: first and last frame with a cell over the floor.
        profile: energy over the floor per bin, float64 [FRAME].
        envelope: energy over the floor per frame, from `first` on.
        noise: noise power density, summed over `noise_frames` frames.
        extent: lowest and highest bin that any burst touched.
        begins, ends: False where a long emission was cut.
        plateau: whether it fills most of the band and may be but filtered noise.
        ghost: whether its first piece turned out to be a product of another emission.
    """

    track: int
    first: int
    last: int
    profile: Energies
    envelope: Energies
    noise: float
    noise_frames: int
    extent: tuple[int, int]
    begins: bool = True
    ends: bool = False
    plateau: bool = False
    ghost: bool = False

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

    @property
    def density(self) -> float:
        """Noise power density per cycle per sample."""
        return self.noise / max(self.noise_frames, 1)

    def absorb(self, other: "Emission") -> None:
        """Take the cells of another emission in."""
        for derived in ("energy", "band"):
            self.__dict__.pop(derived, None)
        first = min(self.first, other.first)
        last = max(self.last, other.last)
        envelope = np.zeros(last - first + 1)
        for part in (self, other):
            envelope[part.first - first : part.last - first + 1] += part.envelope
        self.first, self.last, self.envelope = first, last, envelope
        self.profile = self.profile + other.profile
        self.noise += other.noise
        self.noise_frames += other.noise_frames
        self.extent = (
            min(self.extent[0], other.extent[0]),
            max(self.extent[1], other.extent[1]),
        )


def find_all(power: Power, floor: NoiseFloor, first_frame: int) -> list[Emission]:
    """Return the bursts of a slab, and what of a plateau stands out, marked as such."""
    bursts = find_bursts(power, floor.density, first_frame)
    if floor.under_plateau is None:
        return bursts
    wide = find_bursts(power, floor.under_plateau, first_frame)
    wide = [b for b in wide if b.extent[1] - b.extent[0] > _PLATEAU_BINS]
    for burst in wide:
        burst.plateau = True
    return bursts + wide


def find_bursts(power: Power, floor: Floor, first_frame: int) -> list[Emission]:
    """Return the connected regions over the floor of a slab [frames, FRAME], as emissions.

    A region needs one cell whose power, averaged over 3 x 3 cells (or 1 x 31 for short wide bursts,
    9 x 31 for weak wide ones), exceeds a seed; it takes in the cells around that exceed a lower
    level (hysteresis).
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
    if not (strong.any() or spread.any()):
        return []
    broad = ((wide > _WIDE_GROW) | (staying > _STAYING_GROW)) & (smooth > _BROAD_CELL)
    grown = (smooth > GROW) | broad
    labels, _ = ndimage.label(grown, structure=np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    chosen = {int(index) for index in np.unique(labels[strong])}
    # averages over bins reach past the edges of a strong signal: only what is wide may seed so
    chosen |= {int(i) for i in np.unique(labels[spread]) if i and _width(boxes[i - 1]) >= _LEAST}
    noise = without_dc(floor)
    return [
        _burst(power, floor, noise, labels, index, boxes[index - 1], first_frame)
        for index in sorted(chosen - {0})
    ]


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
        noise=float(density.sum()),
        noise_frames=density.size,
        extent=(box[1].start, box[1].stop - 1),
    )


def _same_band(one: Emission, other: Emission) -> bool:
    (low, high), (below, above) = one.band, other.band
    shared = min(high, above) - max(low, below)
    narrow, wide = sorted((high - low, above - below))
    return (
        shared > 0.5 * narrow
        and abs((low + high) - (below + above)) / 2 <= 0.5 * max(wide, 2.0)
        and wide <= _LIKE_WIDTHS * max(narrow, 2.0)
    )


def _twins(one: Emission, other: Emission) -> bool:
    """Two tones of one keyed transmitter: they come and go together and are alike in power."""
    if one.plateau or other.plateau or not (one.begins and other.begins):
        return False
    if min(one.first, other.first) == 0:
        return False
    slack = _TWIN_FRAMES + _TWIN_SLACK * max(one.envelope.size, other.envelope.size)
    together = abs(one.first - other.first) <= slack and abs(one.last - other.last) <= slack
    (low, high), (below, above) = one.band, other.band
    apart = max(low, below) - min(high, above)
    alike = 1 / _TWIN_RATIO < one.energy / max(other.energy, 1e-30) < _TWIN_RATIO
    return together and alike and apart <= _TWIN_GAP * max(high - low, above - below)


def _is_ghost(weak: Emission, strong: Emission) -> bool:
    """Tell whether a weak emission is an image, harmonic or splatter of a strong one.

    A receiver's products come and go with their cause: they are far weaker, lie within its time,
    and their power follows its power frame by frame (or stands at its mirror frequency).
    """
    if weak.plateau or strong.plateau:
        return False
    first, last = max(weak.first, strong.first), min(weak.last, strong.last)
    shared = last - first + 1
    if shared < 0.8 * (weak.last - weak.first + 1):
        return False
    if _overlaps(weak, strong) and weak.energy * _SPLATTER_RATIO < strong.energy:
        return True
    here = weak.envelope[first - weak.first : last - weak.first + 1]
    there = strong.envelope[first - strong.first : last - strong.first + 1]
    if here.sum() * _GHOST_RATIO > there.sum():
        return False
    mirror = FRAME - sum(strong.band) / 2
    if here.sum() * _IMAGE_RATIO < there.sum() and abs(mirror - sum(weak.band) / 2) <= 2:
        return True
    return _follows(weak, strong)


def _overlaps(one: Emission, other: Emission) -> bool:
    (low, high), (below, above) = one.band, (other.extent[0], other.extent[1] + 1)
    return min(high, above) - max(low, below) > 0.5 * min(high - low, above - below)


def _follows(weak: Emission, strong: Emission) -> bool:
    # what is around counts too, but only where it was seen: not before the first frame, and after
    # the weak one's end only as long as the strong one goes on
    first = max(0, weak.first - _AROUND)
    last = max(weak.last, min(weak.last + _AROUND, strong.last))
    envelopes = np.zeros((2, last - first + 1))
    for row, part in zip(envelopes, (weak, strong), strict=True):
        begin, end = max(first, part.first), min(last, part.last)
        if end >= begin:
            own = slice(begin - part.first, end - part.first + 1)
            row[begin - first : end - first + 1] = part.envelope[own]
    rooted = np.sqrt(envelopes)
    rooted -= rooted.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.prod(np.sum(rooted**2, axis=1)))
    return bool(norm > 0 and np.sum(rooted[0] * rooted[1]) / norm > _GHOST_CORRELATION)


@dataclass
class Tracker:
    """Joins bursts to emissions, slab by slab, and closes those that have fallen silent."""

    longest_frames: int
    _open: list[Emission] = field(default_factory=list)
    _recent: list[Emission] = field(default_factory=list)
    _tracks: int = 0

    def update(self, bursts: list[Emission], next_frame: int) -> list[Emission]:
        """Take the bursts of a slab that ends before `next_frame`; return emissions to report."""
        for burst in sorted(bursts, key=lambda b: b.first):
            self._join(burst)
        closed = [e for e in self._open if next_frame - e.last > GAP_FRAMES]
        return self._release(closed, next_frame)

    def finish(self) -> list[Emission]:
        """Close everything."""
        return self._release(list(self._open), None)

    @property
    def first_needed(self) -> int | None:
        """Return the first frame that an open emission still needs, or None."""
        return min((e.first for e in self._open), default=None)

    @property
    def open_plateaus(self) -> list[Emission]:
        """Return the plateaus that are still on the air, and so yet to be reported."""
        return [e for e in self._open if e.plateau]

    def _join(self, burst: Emission) -> None:
        for emission in self._open:
            near = burst.first - emission.last <= GAP_FRAMES and burst.plateau == emission.plateau
            if near and _same_band(emission, burst):
                emission.absorb(burst)
                return
        burst.track = self._tracks
        self._tracks += 1
        self._open.append(burst)

    def _release(self, closed: list[Emission], next_frame: int | None) -> list[Emission]:
        closed = _merge_twins(closed)
        real = [e for e in closed if not self._judged_ghost(e)]
        gone = {id(e) for e in closed} | {id(e) for e in self._open if self._expired(e, next_frame)}
        self._open = [e for e in self._open if id(e) not in gone]
        for emission in real:
            emission.ends = True
        self._recent = [
            e
            for e in self._recent + closed
            if next_frame is None or next_frame - e.last <= self.longest_frames
        ]
        return real + self._cut(next_frame)

    def _expired(self, emission: Emission, next_frame: int | None) -> bool:
        return next_frame is None or next_frame - emission.last > GAP_FRAMES

    def _judged_ghost(self, emission: Emission) -> bool:
        """Judge a whole emission or its first piece; later pieces share the first one's fate."""
        if emission.begins:
            witnesses = self._open + self._recent
            emission.ghost = any(w is not emission and _is_ghost(emission, w) for w in witnesses)
        return emission.ghost

    def _cut(self, next_frame: int | None) -> list[Emission]:
        if next_frame is None:
            return []
        long = [e for e in self._open if next_frame - e.first > self.longest_frames]
        pieces = [e for e in long if not self._judged_ghost(e)]
        cut = {id(e) for e in long}
        self._open = [_continuation(e) if id(e) in cut else e for e in self._open]
        return pieces


def _continuation(emission: Emission) -> Emission:
    """Return the same emission from its last frame on."""
    return Emission(
        track=emission.track,
        first=emission.last,
        last=emission.last,
        profile=emission.profile * (emission.envelope[-1] / max(emission.energy, 1e-30)),
        envelope=emission.envelope[-1:],
        noise=emission.density,
        noise_frames=1,
        extent=emission.extent,
        begins=False,
        plateau=emission.plateau,
        ghost=emission.ghost,
    )


def _merge_twins(closed: list[Emission]) -> list[Emission]:
    merged: list[Emission] = []
    for emission in sorted(closed, key=lambda e: -e.energy):
        partner = next((m for m in merged if _twins(m, emission)), None)
        if partner is None:
            merged.append(emission)
        else:
            partner.absorb(emission)
    return merged
