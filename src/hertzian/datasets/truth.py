"""Recordings of known content as SigMF: what was sent becomes annotations."""

import dataclasses
from pathlib import Path

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.field import Emission, FieldRecording, field_recording
from hertzian.datasets.scenes import Scene
from hertzian.recordings import Annotation, write_sigmf

MOST_SAMPLES = 20_000_000
_FEWEST_SAMPLES = 65_536
_SAMPLES_PER_EMITTER = 50_000
_MOST_EMITTERS = 40


def truth_annotation(
    emission: Emission, sample_rate_hz: float, center_frequency_hz: float = 0.0
) -> Annotation:
    """Return what was sent as an annotation, its SNR in the comment."""
    center_hz = center_frequency_hz + emission.center * sample_rate_hz
    half_hz = emission.bandwidth * sample_rate_hz / 2
    return Annotation(
        start=emission.start,
        count=emission.count,
        lower_hz=center_hz - half_hz,
        upper_hz=center_hz + half_hz,
        label=emission.label,
        comment=f"sent, SNR {emission.snr_db:.1f} dB",
    )


def write_truth(
    path: Path,
    recording: FieldRecording,
    *,
    sample_rate_hz: float,
    center_frequency_hz: float = 0.0,
    datatype: str = "cf32_le",
    description: str | None = None,
) -> None:
    """Write a recording as a SigMF pair, every emission as an annotation.

    Raises:
        RecordingError: it cannot be written.
    """
    write_sigmf(
        path,
        [recording.iq],
        sample_rate_hz=sample_rate_hz,
        center_frequency_hz=center_frequency_hz,
        annotations=[
            truth_annotation(emission, sample_rate_hz, center_frequency_hz)
            for emission in recording.emissions
        ],
        datatype=datatype,
        description=description,
    )


def wideband_recording(
    seed: int, samples: int, snr_db: tuple[float, float] = (10.0, 30.0)
) -> FieldRecording:
    """Return one long recording of the `field` preset, an emitter for every 50 000 samples.

    Raises:
        DatasetError: a length that is too short for emissions or too long for memory.
    """
    if not _FEWEST_SAMPLES <= samples <= MOST_SAMPLES:
        raise DatasetError(
            f"a recording of {samples} samples is not made; {_FEWEST_SAMPLES} to {MOST_SAMPLES} are"
        )
    emitters = min(_MOST_EMITTERS, max(1, samples // _SAMPLES_PER_EMITTER))
    scene = dataclasses.replace(
        Scene(),
        samples=(samples, samples),
        emitters=(emitters, emitters),
        snr_db=snr_db,
        loud=0.0,
    )
    return field_recording(seed, 0, scene)
