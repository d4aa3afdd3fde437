"""From bursts to emissions, slab by slab: what belongs to one transmitter's stay on the air."""

from dataclasses import dataclass, field

import numpy as np

from hertzian.detection.emissions import GAP_FRAMES, Emission
from hertzian.detection.ghosts import is_ghost, outshone
from hertzian.detection.partners import come_and_go_together, groups

_LIKE_WIDTHS = 8.0


def _same_band(one: Emission, other: Emission) -> bool:
    (low, high), (below, above) = one.band, other.band
    shared = min(high, above) - max(low, below)
    narrow, wide = sorted((high - low, above - below))
    return (
        shared > 0.5 * narrow
        and abs((low + high) - (below + above)) / 2 <= 0.5 * max(wide, 2.0)
        and wide <= _LIKE_WIDTHS * max(narrow, 2.0)
    )


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
        closed = [e for e in self._open if _silent(e, next_frame)]
        left = [e for e in self._open if not _silent(e, next_frame)]
        # one that may yet turn out to have ended together with others waits for them
        while waiting := [e for e in closed if any(come_and_go_together(e, o) for o in left)]:
            closed = [e for e in closed if not any(e is w for w in waiting)]
            left += waiting
        firsts = [e.first for e in left if _silent(e, next_frame)]
        # so does the plateau that it stands on
        closed = [e for e in closed if not (e.plateau and any(f <= e.last for f in firsts))]
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
            alike = (burst.plateau, burst.faint) == (emission.plateau, emission.faint)
            if alike and burst.first - emission.last <= GAP_FRAMES and _same_band(emission, burst):
                emission.absorb(burst)
                return
        burst.track = self._tracks
        self._tracks += 1
        self._open.append(burst)

    def _release(self, closed: list[Emission], next_frame: int | None) -> list[Emission]:
        gone = {id(e) for e in closed}
        whole = [_joined(group) for group in groups(closed)]
        real = [e for e in whole if not self._judged_ghost(e)]
        self._open = [e for e in self._open if id(e) not in gone]
        lasting = {e.track for e in self._open}
        for emission in real:
            emission.ends = emission.track not in lasting
        self._recent = [
            e
            for e in self._recent + whole
            if next_frame is None or next_frame - e.last <= self.longest_frames
        ]
        return real + self._cut(next_frame)

    def _judged_ghost(self, emission: Emission) -> bool:
        """Judge a whole emission or its first piece; later pieces share the first one's fate."""
        if emission.begins:
            others = [e for e in self._open + self._recent if e is not emission]
            emission.ghost = any(is_ghost(emission, other) for other in others)
            emission.outshone = outshone(emission, others)
        return emission.ghost

    def _cut(self, next_frame: int | None) -> list[Emission]:
        if next_frame is None:
            return []
        over = [
            e
            for e in self._open
            if next_frame - e.first > self.longest_frames and not _silent(e, next_frame)
        ]
        long = [e for e in self._open if any(e is o or come_and_go_together(e, o) for o in over)]
        pieces: list[Emission] = []
        rest: dict[int, Emission] = {}
        for group in groups(long):
            rest |= {id(e): _continuation(e) for e in group}
            piece = _joined(group)
            if not self._judged_ghost(piece):
                pieces.append(piece)
            for emission in group:
                continuation = rest[id(emission)]
                continuation.track, continuation.ghost = piece.track, piece.ghost
                continuation.outshone = piece.outshone
            self._recent.append(piece)
        self._open = [rest.get(id(e), e) for e in self._open]
        return pieces


def _silent(emission: Emission, next_frame: int) -> bool:
    return next_frame - emission.last > GAP_FRAMES


def _joined(group: list[Emission]) -> Emission:
    """Take the emissions of one transmitter into the first of them."""
    whole, *partners = group
    for partner in partners:
        whole.absorb(partner)
    return whole


def _continuation(emission: Emission) -> Emission:
    """Return the same emission from its last frame on."""
    return Emission(
        track=emission.track,
        first=emission.last,
        last=emission.last,
        profile=emission.profile * (emission.envelope[-1] / max(emission.energy, 1e-30)),
        envelope=emission.envelope[-1:],
        floor=np.array([emission.density]),
        extent=emission.extent,
        begins=False,
        plateau=emission.plateau,
        faint=emission.faint,
    )
