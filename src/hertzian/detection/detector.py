"""Push in samples, get sightings: where and when something is on the air, with its samples."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.detection.emissions import Emission, find_all
from hertzian.detection.floor import noise_floor
from hertzian.detection.frames import FRAME, HOP, SLAB, energy_share, frame_count, frame_power
from hertzian.detection.tracker import Tracker

LONGEST_FRAMES = 2048
"""A longer emission is reported in pieces, which share its track number."""
_SLAB_SAMPLES = SLAB * HOP

Samples = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Sighting:
    """An emission, or a piece of a long one.

    Attributes:
        track: number shared by the pieces of one emission.
        start, stop: samples of the recording, to a frame's precision.
        low, high: edges of the band, cycles per sample.
        noise_density: noise power per cycle per sample in that band.
        iq: complex64 samples from `offset` on, with a margin on both sides.
        offset: the recording's sample that iq[0] is.
        last: whether the emission ends here.
        plateau: whether it fills most of the band, and so may be but filtered noise.
        on_plateau: whether it stands on such a plateau, which is reported later.
        faint: whether it shows only in averages over many frames.
        outshone: whether it may be what a receiver makes of a strong emission beside it.
    """

    track: int
    start: int
    stop: int
    low: float
    high: float
    noise_density: float
    iq: Samples
    offset: int
    last: bool
    plateau: bool
    on_plateau: bool
    faint: bool = False
    outshone: bool = False


class _Buffer:
    """Samples of the recording from `start` to `stop`, appended and forgotten in order."""

    def __init__(self) -> None:
        self._data = np.empty(4 * _SLAB_SAMPLES, dtype=np.complex64)
        self.start = 0
        self.stop = 0

    def append(self, iq: Samples) -> None:
        held = self.stop - self.start
        if held + iq.size > self._data.size:
            grown = np.empty(max(2 * self._data.size, held + iq.size), dtype=np.complex64)
            grown[:held] = self._data[:held]
            self._data = grown
        self._data[held : held + iq.size] = iq
        self.stop += iq.size

    def view(self, start: int, stop: int) -> Samples:
        return self._data[start - self.start : stop - self.start]

    def forget(self, start: int) -> None:
        if start > self.start:
            held = self.stop - start
            self._data[:held] = self._data[start - self.start : self.stop - self.start].copy()
            self.start = start


class Detector:
    """A push detector: any chunking of the same samples gives the same sightings.

    Samples are judged in slabs of `SLAB` frames on a grid that starts at the first sample. The
    buffer holds no more than the longest piece and a few slabs, whatever the recording's length.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None
        self._buffer = _Buffer()
        self._tracker = Tracker(LONGEST_FRAMES)
        self._frame = 0

    def push(self, iq: npt.ArrayLike) -> list[Sighting]:
        """Take the next samples, complex [any]; return what can be told of now."""
        samples = np.asarray(iq, dtype=np.complex64).ravel()
        sightings: list[Sighting] = []
        step = self._workers * _SLAB_SAMPLES
        for begin in range(0, samples.size, step):
            self._buffer.append(samples[begin : begin + step])
            end = self._buffer.stop
            # one slab is held back, so that the last one is never too short to judge
            whole = (end - self._frame * HOP - FRAME) // _SLAB_SAMPLES - 1
            sightings += self._judge([SLAB] * whole, end)
        return sightings

    def finish(self) -> list[Sighting]:
        """Judge what is left and close every emission."""
        end = self._buffer.stop
        left = end - self._frame * HOP
        sightings: list[Sighting] = []
        if left > 0:
            # zeros complete the last frame, so that no sample goes unseen
            missing = -(left - FRAME) % HOP if left > FRAME else FRAME - left
            self._buffer.append(np.zeros(missing, dtype=np.complex64))
            sightings += self._judge([frame_count(left + missing)], end)
        return sightings + self._tell(self._tracker.finish(), end)

    def _judge(self, slabs: list[int], end: int) -> list[Sighting]:
        """Judge the next slabs, given by their numbers of frames."""
        firsts = [self._frame + sum(slabs[:number]) for number in range(len(slabs))]
        # what is in a slab depends on no other one, and most of the work lets other threads run
        look = map if self._pool is None or len(slabs) < 2 else self._pool.map
        sightings: list[Sighting] = []
        found = look(lambda first, frames: self._bursts(first, frames, end), firsts, slabs)
        for bursts, frames in zip(found, slabs, strict=True):
            self._frame += frames
            sightings += self._tell(self._tracker.update(bursts, self._frame), end)
        needed = self._tracker.first_needed
        keep = self._frame if needed is None else min(needed, self._frame)
        self._buffer.forget(max(self._buffer.start, keep * HOP - 2 * FRAME))
        return sightings

    def _bursts(self, first: int, frames: int, end: int) -> list[Emission]:
        begin = first * HOP
        iq = self._buffer.view(begin, begin + (frames - 1) * HOP + FRAME)
        power = frame_power(iq)
        # zeros that complete the last frame dilute its power
        power[-1] /= energy_share(end - begin - (frames - 1) * HOP)
        return find_all(power, noise_floor(power), first)

    def _tell(self, emissions: list[Emission], end: int) -> list[Sighting]:
        # plateaus come last, so that all that stands on them waits for their verdict
        ordered = sorted(emissions, key=lambda emission: emission.plateau)
        told_later = [e for e in ordered if e.plateau] + self._tracker.open_plateaus
        return [
            self._sighting(
                emission, end, any(plateau.last >= emission.first for plateau in told_later)
            )
            for emission in ordered
        ]

    def _sighting(self, emission: Emission, end: int, on_plateau: bool) -> Sighting:
        start, stop = emission.first * HOP, min(emission.last * HOP + FRAME, end)
        offset = max(self._buffer.start, start - FRAME)
        low, high = emission.extent[0] - 0.5, emission.extent[1] + 0.5
        return Sighting(
            track=emission.track,
            start=start,
            stop=stop,
            low=low / FRAME - 0.5,
            high=high / FRAME - 0.5,
            noise_density=emission.density,
            iq=self._buffer.view(offset, min(stop + FRAME, end)).copy(),
            offset=offset,
            last=emission.ends,
            plateau=emission.plateau,
            on_plateau=not emission.plateau and on_plateau,
            faint=emission.faint,
            outshone=emission.outshone,
        )
