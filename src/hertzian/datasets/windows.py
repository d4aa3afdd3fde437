"""Field recordings through the detector and the front end: the windows that a model learns from."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.datasets.field import Emission, FieldRecording, field_recording
from hertzian.datasets.scenes import Scene
from hertzian.detection import (
    FEWEST_SAMPLES,
    SURE_SLACK_DB,
    WINDOW,
    Baseband,
    Detector,
    least_snr_db,
    to_baseband,
    windows,
)
from hertzian.signal import NO_PROTOCOL, to_channels

_SHARED_TIME = 0.6
_SHARED_BAND = 0.5
_RIVAL = 0.1
_BARE = 0.15
_LEAST_BANDWIDTH = 4e-3
_SIDEBANDS = 6.0
_NOISE_WINDOWS = 3
_WHOLE_BAND = 0.5


@dataclass(frozen=True)
class Windows:
    """Labelled windows, with the detection and the recording that each came from.

    Attributes:
        x: float16 [n, 2, WINDOW], unit mean power while on.
        label: index into `classes`, uint8 [n].
        detection: number of the detection, int32 [n]; windows of one share it.
        recording: number of the recording, int32 [n].
        snr_db: true in-band SNR, float32 [n].
        bandwidth_hz: of the detection, float32 [n]; NaN where what was sent has no rate in hertz.
        classes: names of the labels.
    """

    x: npt.NDArray[np.float16]
    label: npt.NDArray[np.uint8]
    detection: npt.NDArray[np.int32]
    recording: npt.NDArray[np.int32]
    snr_db: npt.NDArray[np.float32]
    bandwidth_hz: npt.NDArray[np.float32]
    classes: tuple[str, ...]


def detect(iq: npt.NDArray[np.complex64]) -> list[Baseband]:
    """Return everything on the air in a whole recording, at baseband."""
    detector = Detector()
    return [to_baseband(sighting) for sighting in detector.push(iq) + detector.finish()]


def _shared(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


@dataclass(frozen=True)
class _Shares:
    energy: float
    time: float
    band: float
    truth: Emission


def _shares(found: Baseband, truth: Emission) -> _Shares:
    """Return how much of a detection lies on an emission, in time and in frequency."""
    width = max(truth.bandwidth, _LEAST_BANDWIDTH)
    half = width / 2
    band = (found.center - found.bandwidth / 2, found.center + found.bandwidth / 2)
    time = _shared((found.start, found.stop), (truth.start, truth.stop))
    time /= found.stop - found.start
    inside = _shared(band, (truth.center - half, truth.center + half))
    energy = 10 ** (truth.snr_db / 10) * time * inside / max(found.bandwidth, 1e-9)
    # a strong keyed signal shows its sidebands far beyond 99% of its power
    narrower = found.bandwidth if found.bandwidth > _SIDEBANDS * width else width
    return _Shares(energy, time, inside / max(min(found.bandwidth, narrower), 1e-9), truth)


def match(found: Baseband, emissions: tuple[Emission, ...]) -> Emission | None:
    """Return the emission that a detection shows, or None where that isn't one, or not only one.

    The detection must lie mostly on the emission, in time and in frequency, and no other emission
    may put more than a tenth of its energy there.
    """
    shares = sorted((_shares(found, truth) for truth in emissions), key=lambda s: -s.energy)
    if not shares or shares[0].time < _SHARED_TIME or shares[0].band < _SHARED_BAND:
        return None
    if len(shares) > 1 and shares[1].energy > _RIVAL * shares[0].energy:
        return None
    return shares[0].truth


Naming = Callable[[Emission | None, Baseband], str]
"""What an emission is called of which there is a detection; None is bare noise."""


def by_modulation(emission: Emission | None, found: Baseband) -> str:
    """Name an emission by its modulation; bare noise is `noise`."""
    return "noise" if emission is None else emission.label


def by_protocol(emission: Emission | None, found: Baseband) -> str:
    """Name an emission by its protocol, `NO_PROTOCOL` where it has none.

    One line of the comb that a pulsed radar is, or one of a pager's two tones, tells no protocol.
    """
    if emission is None or emission.protocol is None:
        return NO_PROTOCOL
    whole = emission.bandwidth if emission.shown is None else emission.shown
    return emission.protocol if found.bandwidth >= _WHOLE_BAND * whole else NO_PROTOCOL


@dataclass(frozen=True)
class Truth:
    """What a detection shows: an emission, or None for bare noise, at its SNR."""

    emission: Emission | None
    snr_db: float


def truth_of(found: Baseband, emissions: tuple[Emission, ...]) -> Truth | None:
    """Return what there is to learn from a detection, be it a plateau of bare noise."""
    truth = match(found, emissions)
    if truth is not None:
        return Truth(truth, truth.snr_db)
    bare = all(_shares(found, e).time * _shares(found, e).band < _BARE for e in emissions)
    return Truth(None, found.snr_db) if found.plateau and bare else None


def unit_power(cut: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Scale each window of complex64 [..., WINDOW] to a mean power of one."""
    peak = np.abs(cut).max(axis=-1, keepdims=True)
    rms = np.sqrt(np.mean(np.abs(cut / peak) ** 2, axis=-1, keepdims=True))
    return np.asarray(cut / (peak * rms), dtype=np.complex64)


@dataclass(frozen=True)
class Learnable:
    """A detection to learn from, float16 [n, 2, WINDOW]; the fields are those of `Windows`."""

    x: npt.NDArray[np.float16]
    label: int
    snr_db: float
    bandwidth_hz: float


def recording_windows(
    recording: FieldRecording,
    classes: tuple[str, ...],
    per_detection: int,
    naming: Naming = by_modulation,
) -> list[Learnable]:
    """Return each detection of a recording that has a truth."""
    rows = []
    for found in detect(recording.iq):
        least = least_snr_db(found.bandwidth) - SURE_SLACK_DB
        if found.faint or found.iq.size < FEWEST_SAMPLES or found.snr_db < least:
            continue
        truth = truth_of(found, recording.emissions)
        if truth is None:
            continue
        emission = truth.emission
        # a plateau of noise fills every recording that has one: a few windows tell as much
        noise = by_modulation(emission, found) == "noise"
        cut = windows(found, min(per_detection, _NOISE_WINDOWS) if noise else per_detection)
        rate_hz = emission.sample_rate_hz if emission else None
        rows.append(
            Learnable(
                x=to_channels(unit_power(cut)).astype(np.float16),
                label=classes.index(naming(emission, found)),
                snr_db=truth.snr_db,
                bandwidth_hz=found.bandwidth * (rate_hz or math.nan),
            )
        )
    return rows


def field_windows(
    seed: int,
    first: int,
    count: int,
    classes: tuple[str, ...],
    scene: Scene | None = None,
    per_detection: int = 8,
    naming: Naming = by_modulation,
) -> Windows:
    """Return the windows of recordings `first` .. `first + count - 1` of a seed."""
    cuts: list[npt.NDArray[np.float16]] = []
    facts: list[tuple[int, int, int, float, float]] = []
    for index in range(first, first + count):
        recording = field_recording(seed, index, scene)
        for number, one in enumerate(recording_windows(recording, classes, per_detection, naming)):
            cuts.append(one.x)
            detection = 64 * index + number
            facts += [(one.label, detection, index, one.snr_db, one.bandwidth_hz)] * len(one.x)
    x = np.concatenate(cuts) if cuts else np.empty((0, 2, WINDOW), dtype=np.float16)
    columns = list(zip(*facts, strict=True)) if facts else [()] * 5
    return Windows(
        x=x,
        label=np.asarray(columns[0], dtype=np.uint8),
        detection=np.asarray(columns[1], dtype=np.int32),
        recording=np.asarray(columns[2], dtype=np.int32),
        snr_db=np.asarray(columns[3], dtype=np.float32),
        bandwidth_hz=np.asarray(columns[4], dtype=np.float32),
        classes=classes,
    )
