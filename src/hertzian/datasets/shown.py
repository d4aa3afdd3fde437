"""What detections of a labelled recording show, and the windows that are learnt from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.datasets.labelled import Labelled, LabelledRecording
from hertzian.datasets.windows import Windows, unit_power
from hertzian.detection import (
    FEWEST_SAMPLES,
    SURE_SLACK_DB,
    WINDOW,
    Baseband,
    Detector,
    Sighting,
    least_snr_db,
    to_baseband,
    windows,
)
from hertzian.detection.detector import LONGEST_FRAMES
from hertzian.detection.floor import noise_floor
from hertzian.detection.frames import FRAME, HOP, frame_power
from hertzian.recordings import Recording
from hertzian.signal import Located, to_channels

NOISE = "noise"
_SHARED_TIME = 0.6
_SHARED_BAND = 0.5
_RIVAL = 0.1
_LEAST_BANDWIDTH = 4e-3
_SIDEBANDS = 6.0
_PLATEAU_BAND = 0.5
_LEAST_POWER = 0.1
_CHUNK = 1 << 20

Watch = Callable[[str, Baseband], None]
"""Is told the label of each detection that is learnt, and its samples."""


@dataclass(frozen=True)
class _Share:
    """How much of a detection signals of one label have: `density` counts against rivals."""

    signals: tuple[int, ...]
    time: float
    band: float
    density: float


class Signals:
    """The labelled signals of a recording, to be asked which of them a detection shows."""

    def __init__(self, signals: Sequence[Labelled]) -> None:
        self._signals = tuple(signals)
        self._start = np.array([one.start for one in signals], dtype=np.int64)
        self._stop = np.array([one.stop for one in signals], dtype=np.int64)
        center = np.array([one.center for one in signals], dtype=np.float64)
        width = np.array([max(one.bandwidth, _LEAST_BANDWIDTH) for one in signals])
        self._low, self._high = center - width / 2, center + width / 2
        self._edged = np.array([one.edged for one in signals], dtype=bool)

    def touched(self, seen: Located) -> npt.NDArray[np.int64]:
        """Return which signals a detection overlaps with, in time and in frequency."""
        low, high = seen.center - seen.bandwidth / 2, seen.center + seen.bandwidth / 2
        time = (self._start < seen.stop) & (self._stop > seen.start)
        return np.flatnonzero(time & (self._low <= high) & (self._high >= low))

    def shown(self, seen: Located, *, alone: bool = True) -> tuple[int, ...]:
        """Return the signals, all of one label, that a detection shows; none if that isn't clear.

        The detection lies mostly on them, in time (from the first one to the last) and in
        frequency. Signals without frequency edges count where it touches none that has edges.

        Args:
            seen: the detection.
            alone: refuse it if more than a tenth of it may be signals of other labels.
        """
        touched = self.touched(seen)
        edged = touched[self._edged[touched]]
        own = edged if edged.size else touched
        labels = dict.fromkeys(self._signals[place].label for place in own)
        shares = [
            self._share(seen, [p for p in own if self._signals[p].label == label])
            for label in labels
        ]
        shares.sort(key=lambda share: -share.density)
        if not shares or shares[0].time < _SHARED_TIME or shares[0].band < _SHARED_BAND:
            return ()
        if alone and len(shares) > 1 and shares[1].density > _RIVAL * shares[0].density:
            return ()
        return shares[0].signals

    def _share(self, seen: Located, places: list[np.int64]) -> _Share:
        start, stop = int(self._start[places].min()), int(self._stop[places].max())
        low, high = float(self._low[places].min()), float(self._high[places].max())
        time = min(stop, seen.stop) - max(start, seen.start)
        time_share = time / (seen.stop - seen.start)
        half = seen.bandwidth / 2
        inside = max(0.0, min(high, seen.center + half) - max(low, seen.center - half))
        width = high - low
        # a strong keyed signal shows its sidebands far beyond 99% of its power
        narrower = seen.bandwidth if seen.bandwidth > _SIDEBANDS * width else width
        band_share = inside / max(min(seen.bandwidth, narrower), 1e-9)
        density = time_share * inside / max(seen.bandwidth, 1e-9)
        return _Share(tuple(map(int, places)), time_share, band_share, density)


@dataclass(frozen=True)
class _Cut:
    """Windows of one detection: of which signal, and what decides whether they are learnt."""

    signal: int
    plateau: bool
    power: float
    snr_db: float
    x: npt.NDArray[np.float16]


class _Thinned:
    """The cuts of one label, evenly thinned out so that they stay within a number of windows."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._stride = 1
        self._seen = 0
        self._held = 0
        self.cuts: list[_Cut] = []

    def add(self, cut: _Cut) -> None:
        if self._seen % self._stride == 0:
            self.cuts.append(cut)
            self._held += len(cut.x)
        self._seen += 1
        while self._held > 2 * self._most and len(self.cuts) > 1:
            self.cuts = self.cuts[::2]
            self._stride *= 2
            self._held = sum(len(cut.x) for cut in self.cuts)

    def chosen(self, cuts: list[_Cut]) -> list[_Cut]:
        """Return cuts, evenly spaced, of no more windows than allowed, or one cut."""
        windows = sum(len(cut.x) for cut in cuts)
        count = max(1, len(cuts) * self._most // max(windows, 1))
        if count >= len(cuts):
            return cuts
        return [cuts[place] for place in np.linspace(0, len(cuts) - 1, count).round().astype(int)]


@dataclass(frozen=True)
class Learnt:
    """What a labelled recording gave.

    Attributes:
        windows: labelled, with the detection that each is of; SNRs as measured.
        missed: signals to be learnt that no window is of, as nothing was found of them.
    """

    windows: Windows
    missed: int


class _Cutter:
    """Gathers the cuts of a recording."""

    def __init__(
        self, signals: Sequence[Labelled], per_detection: int, most: int, watch: Watch | None
    ) -> None:
        self._labelled = tuple(signals)
        self._signals = Signals(signals)
        self._per_detection = per_detection
        self._most = most
        self._watch = watch
        self._by_label: dict[str, _Thinned] = {}
        self._strongest: dict[int, float] = {}
        self.heard: set[int] = set()
        self.cut: set[int] = set()

    def take(self, found: Baseband) -> None:
        """Take in what is detected, if it shows one label."""
        own = self._signals.shown(found)
        if own and found.plateau:
            own = tuple(p for p in own if self._wide_enough(self._labelled[p], found))
        if own or not found.plateau:
            self.heard.update(int(place) for place in self._signals.touched(found))
        if own:
            self.add(own, found)

    def add(self, own: tuple[int, ...], found: Baseband) -> None:
        """Cut a detection that shows these signals, if recognition would believe it."""
        signal = self._labelled[own[0]]
        if not signal.taught or found.faint or found.iq.size < FEWEST_SAMPLES:
            return
        least = least_snr_db(found.bandwidth) - SURE_SLACK_DB
        if not found.energy > 0 or (found.snr_db < least and signal.label != NOISE):
            return
        cut = windows(found, self._per_detection)
        # gated captures have silence of exact zeros
        cut = cut[np.abs(cut).max(axis=1) > 0]
        if not len(cut):
            return
        if self._watch is not None:
            self._watch(signal.label, found)
        self.cut.update(own)
        power = found.energy / (found.stop - found.start)
        if not found.plateau:
            self._strongest[own[0]] = max(power, self._strongest.get(own[0], 0.0))
        x = to_channels(unit_power(cut)).astype(np.float16)
        thinned = self._by_label.setdefault(signal.label, _Thinned(self._most))
        thinned.add(_Cut(own[0], found.plateau, power, found.snr_db, x))

    def cuts(self) -> list[tuple[str, _Cut]]:
        """Return (label, cut) of what is to be learnt."""
        return [
            (label, cut)
            for label, thinned in self._by_label.items()
            for cut in thinned.chosen([cut for cut in thinned.cuts if self._likely(cut)])
        ]

    def _wide_enough(self, signal: Labelled, plateau: Baseband) -> bool:
        return signal.bandwidth >= _PLATEAU_BAND * plateau.bandwidth

    def _likely(self, cut: _Cut) -> bool:
        """Tell whether a detection is the signal that a label without frequency edges means.

        The strongest one is, and others of a tenth of its power; the rest are spurs and strangers.
        A plateau is only where nothing else is: it may be the noise of the receiver's filter.
        """
        signal = self._labelled[cut.signal]
        if signal.edged or signal.label == NOISE or cut.signal not in self._strongest:
            return True
        return not cut.plateau and cut.power >= _LEAST_POWER * self._strongest[cut.signal]


def learnt_from(
    labelled: LabelledRecording,
    classes: tuple[str, ...],
    number: int,
    *,
    per_detection: int = 8,
    most: int = 200,
    watch: Watch | None = None,
) -> Learnt:
    """Return the windows of a labelled recording, as recognition will show them to a network.

    Detector and front end are those of recognition; of what they find, that is learnt which shows
    signals of one label, at an SNR at which recognition believes it. Where they find nothing in an
    annotation, the front end is applied to the annotated band.

    Args:
        labelled: the recording; it is read in chunks.
        classes: of the labels; those of the recording are among them.
        number: of the recording.
        per_detection: windows of one detection, at most.
        most: windows of one label, at most, or those of one detection; detections are left out
            evenly.
        watch: sees each detection that is learnt.

    Raises:
        RecordingError: the samples cannot be read.
    """
    recording = labelled.recording
    cutter = _Cutter(labelled.signals, per_detection, most, watch)
    detector = Detector()
    for chunk in recording.chunks(_CHUNK):
        for sighting in detector.push(chunk):
            cutter.take(to_baseband(sighting))
    for sighting in detector.finish():
        cutter.take(to_baseband(sighting))
    for place, signal in enumerate(labelled.signals):
        if signal.taught and place not in cutter.heard:
            sighted = _sighted(recording, signal)
            if sighted is not None:
                cutter.add((place,), to_baseband(sighted))
    taught = sum(signal.taught for signal in labelled.signals)
    found = sum(labelled.signals[place].taught for place in cutter.cut)
    return Learnt(_as_windows(cutter.cuts(), classes, number), taught - found)


def _sighted(recording: Recording, signal: Labelled) -> Sighting | None:
    """Return an annotation as if it had been detected; None where it holds no frame."""
    stop = min(signal.stop, signal.start + LONGEST_FRAMES * HOP)
    offset = max(0, signal.start - FRAME)
    iq = recording.read(offset, min(recording.samples, stop + FRAME) - offset)
    if iq.size < FRAME:
        return None
    floor = noise_floor(frame_power(iq))
    filled = signal.bandwidth > _PLATEAU_BAND and floor.under_plateau is not None
    density = floor.under_plateau if filled and floor.under_plateau is not None else floor.density
    half = max(signal.bandwidth / 2, 1 / FRAME)
    low, high = max(signal.center - half, -0.5), min(signal.center + half, 0.5)
    inside = density[:, int((low + 0.5) * FRAME) : int(np.ceil((high + 0.5) * FRAME))]
    known = inside[np.isfinite(inside)]
    if not known.size:
        return None
    return Sighting(
        track=0,
        start=signal.start,
        stop=stop,
        low=low,
        high=high,
        noise_density=float(known.mean()),
        iq=iq,
        offset=offset,
        last=True,
        plateau=False,
        on_plateau=False,
    )


def _as_windows(cuts: Sequence[tuple[str, _Cut]], classes: tuple[str, ...], number: int) -> Windows:
    counts = [len(cut.x) for _, cut in cuts]
    empty = np.empty((0, 2, WINDOW), dtype=np.float16)
    return Windows(
        x=np.concatenate([empty, *(cut.x for _, cut in cuts)]),
        label=np.repeat(np.array([classes.index(label) for label, _ in cuts], np.uint8), counts),
        detection=np.repeat(np.arange(len(cuts), dtype=np.int32), counts),
        recording=np.full(sum(counts), number, dtype=np.int32),
        snr_db=np.repeat(np.array([cut.snr_db for _, cut in cuts], np.float32), counts),
        bandwidth_hz=np.full(sum(counts), np.nan, dtype=np.float32),
        classes=classes,
    )
