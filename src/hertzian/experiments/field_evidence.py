"""Stages that measure the recogniser end to end: on field recordings, on strangers, on noise."""

import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from hertzian.datasets.field import Emission, field_recording
from hertzian.datasets.scenes import Scene
from hertzian.deployment import find_model, load_predictor
from hertzian.evaluation import expected_calibration_error
from hertzian.experiments.stages import (
    StageContext,
    StageOutcome,
    StageSettings,
    contents_digest,
    stage,
)
from hertzian.recognition import Recogniser
from hertzian.recordings import atomic_path
from hertzian.signal import CORE, FAMILIES, Detection, family_of, merged

RATE_HZ = 1e6
"""Nominal: field recordings are in samples, so any rate gives the same answers."""
JUDGED: tuple[str, ...] = tuple(dict.fromkeys(merged(name) for name in CORE if name != "noise"))
"""The labels that are not subsets of one another."""
_SEED = 900_000
_BATCH = 10
_LEAST_SYMBOLS = 512
_LEAST_WHOLE = 32
_LEAST_CARRIER_SAMPLES = 16_384
_WHOLE = ("CSS", "LFM", "OFDM", "PCW")
_COVERED = 0.3


@dataclass(frozen=True)
class Answer:
    """What was sent, and what the recogniser said of it; None where it found nothing."""

    truth: str
    snr_db: float
    modulation: str | None
    family: str | None
    confidence: float
    family_confidence: float


def evidence_scene(held_back: bool) -> Scene:
    """Return what is measured on: bursts of 512 symbols or more, at 10 to 30 dB in their band."""
    return Scene(
        samples=(300_000, 1_000_000),
        emitters=(3, 6),
        bandwidth=(0.015, 0.6),
        snr_db=(10.0, 30.0),
        units=(_LEAST_SYMBOLS + 1.0, 2048.0),
        whole_units=_LEAST_WHOLE + 1.0,
        loud=0.0,
        unknown=1.0 if held_back else 0.0,
        noise=0.0,
        held_back=held_back,
    )


def long_enough(emission: Emission) -> bool:
    """Tell whether there is enough of an emission to ask for an answer.

    512 symbols (or reciprocals of an analog message's bandwidth: 0.15 s of a 3.4 kHz voice); of
    kinds whose symbol is a whole sweep, pulse or OFDM symbol, 32 of these.
    """
    if emission.label == "CW":
        return emission.count >= _LEAST_CARRIER_SAMPLES
    return emission.units >= (_LEAST_WHOLE if emission.label in _WHOLE else _LEAST_SYMBOLS)


def find(emission: Emission, detections: Iterable[Detection]) -> Detection | None:
    """Return the detection that covers most of an emission, in time and frequency; None if none."""

    def covered(detection: Detection) -> float:
        center, width = detection.center_hz / RATE_HZ, detection.bandwidth_hz / RATE_HZ
        half = max(emission.bandwidth, 2e-3) / 2
        low, high = emission.center - half, emission.center + half
        band = min(high, center + width / 2) - max(low, center - width / 2)
        time = min(emission.stop, detection.stop) - max(emission.start, detection.start)
        if band <= 0 or time <= 0:
            return 0.0
        # over the union, so that one giant detection does not answer for all
        seconds = emission.count + detection.count - time
        return time / seconds * (band / max(min(width, 2 * half), 1e-9))

    best = max(detections, key=covered, default=None)
    return best if best is not None and covered(best) >= _COVERED else None


def _answers(model: str, scene: Scene, seed: int, indices: Sequence[int]) -> dict[str, Any]:
    """Recognise some recordings; return answers as plain values, and how many were no signal's."""
    torch.set_num_threads(1)
    recogniser = Recogniser(load_predictor(model, threads=1), workers=1)
    answers, extra = [], 0
    for index in indices:
        recording = field_recording(seed, index, scene)
        detections = recogniser.recognise(recording.iq, sample_rate=RATE_HZ)
        extra += sum(_on_nothing(detection, recording.emissions) for detection in detections)
        for emission in recording.emissions:
            if emission.label == "unknown" or long_enough(emission):
                answers.append(vars(_answer(emission, find(emission, detections))))
    return {"answers": answers, "extra": extra, "recordings": len(indices)}


def _answer(emission: Emission, found: Detection | None) -> Answer:
    if found is None:
        return Answer(emission.label, emission.snr_db, None, None, 0.0, 0.0)
    return Answer(
        emission.label,
        emission.snr_db,
        found.modulation,
        found.family,
        found.confidence,
        found.family_confidence,
    )


def _on_nothing(detection: Detection, emissions: Sequence[Emission]) -> bool:
    """Tell whether a detection touches no emission in time and frequency."""
    center, half = detection.center_hz / RATE_HZ, detection.bandwidth_hz / RATE_HZ / 2
    return not any(
        detection.start < e.stop
        and e.start < detection.stop
        and abs(center - e.center) < half + max(e.bandwidth, 4e-3)
        for e in emissions
    )


class RecogniserSettings(StageSettings):
    """The model is a shipped name, a run's folder or a file."""

    model: str = "field"

    def named_files(self) -> dict[str, str]:
        """Return the digest of the model's file."""
        return {"model file": contents_digest(find_model(self.model))}


class EvidenceSettings(RecogniserSettings):
    """How many recordings."""

    recordings: int = Field(ge=1)


@stage("field-evidence", EvidenceSettings)
def measure_known(settings: EvidenceSettings, context: StageContext) -> StageOutcome:
    """Measure family, modulation and calibration on recordings that no training part has."""
    parts = _recognise_all(
        settings, evidence_scene(held_back=False), _SEED + 2 * context.seed, context
    )
    answers = [Answer(**row) for part in parts for row in part["answers"]]
    recordings = sum(part["recordings"] for part in parts)
    metrics = known_metrics(answers)
    metrics["detections_on_nothing_per_recording"] = (
        sum(part["extra"] for part in parts) / recordings
    )
    return StageOutcome(metrics=metrics)


@stage("field-unknown", EvidenceSettings)
def measure_unknown(settings: EvidenceSettings, context: StageContext) -> StageOutcome:
    """Measure how often signals of kinds never trained on are called unknown, or named surely."""
    parts = _recognise_all(
        settings, evidence_scene(held_back=True), _SEED + 1 + 2 * context.seed, context
    )
    answers = [Answer(**row) for part in parts for row in part["answers"]]
    found = [answer for answer in answers if answer.modulation is not None]
    sure = [a for a in found if a.modulation != "unknown" and a.family_confidence > 0.9]
    return StageOutcome(
        metrics={
            "strangers": len(found),
            "strangers_called_unknown": _share(a.modulation == "unknown" for a in found),
            "strangers_named_over_0.9": len(sure) / max(len(found), 1),
        }
    )


def known_metrics(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return shares over all answers; what was not found counts as wrong, but for calibration."""
    families = {name: [a for a in answers if family_of(a.truth) == name] for name in FAMILIES}
    labels = {name: [a for a in answers if merged(a.truth) == name] for name in JUDGED}
    found = [a for a in answers if a.modulation is not None]
    confusions = Counter(
        f"{merged(a.truth)} as {merged(a.modulation)}"
        for a in found
        if a.modulation is not None and merged(a.truth) != merged(a.modulation)
    )
    return {
        "emissions": len(answers),
        "found": len(found) / max(len(answers), 1),
        "family_accuracy": _share(a.family == family_of(a.truth) for a in answers),
        "family_recall": {
            name: _share(a.family == name for a in own) for name, own in families.items() if own
        },
        "modulation_accuracy": _share(_right(a) for a in answers),
        "modulation_recall": {
            name: _share(_right(a) for a in own) for name, own in labels.items() if own
        },
        "modulation_mean_recall": float(
            np.mean([_share(_right(a) for a in own) for own in labels.values() if own])
        ),
        "called_unknown": _share(a.modulation == "unknown" for a in found),
        "ece": _calibration(found, lambda a: (a.confidence, a.modulation == a.truth)),
        "family_ece": _calibration(
            found, lambda a: (a.family_confidence, a.family == family_of(a.truth))
        ),
        "worst_confusions": dict(confusions.most_common(5)),
    }


def _right(answer: Answer) -> bool:
    return answer.modulation is not None and merged(answer.modulation) == merged(answer.truth)


def _share(outcomes: Iterable[bool]) -> float:
    values = list(outcomes)
    return sum(values) / max(len(values), 1)


def _calibration(answers: Sequence[Answer], of: Callable[[Answer], tuple[float, bool]]) -> float:
    if not answers:
        return float("nan")
    confidence, right = zip(*map(of, answers), strict=True)
    return expected_calibration_error(np.asarray(confidence), np.asarray(right))


def _recognise_all(
    settings: EvidenceSettings, scene: Scene, seed: int, context: StageContext
) -> list[dict[str, Any]]:
    """Recognise every recording, in batches of which the finished ones are kept."""
    batches = [
        range(first, min(first + _BATCH, settings.recordings))
        for first in range(0, settings.recordings, _BATCH)
    ]
    files = [context.folder / f"batch-{number:05d}.json" for number in range(len(batches))]
    missing = [place for place, file in enumerate(files) if not file.exists()]
    work = partial(_answers, settings.model, scene, seed)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawn) as pool:
        jobs = pool.map(work, [batches[place] for place in missing])
        for done, (place, part) in enumerate(zip(missing, jobs, strict=True), start=1):
            _store(files[place], part)
            context.log(f"recordings: batch {done} of {len(missing)}")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _store(file: Path, part: dict[str, Any]) -> None:
    with atomic_path(file) as unfinished:
        unfinished.write_text(json.dumps(part), encoding="utf-8")


class NoiseSettings(RecogniserSettings):
    """How many recordings of one second at each rate."""

    per_rate: int = Field(ge=1)
    rates_hz: tuple[float, ...] = (0.25e6, 2e6, 20e6)


@stage("noise-only", NoiseSettings)
def measure_noise(settings: NoiseSettings, context: StageContext) -> StageOutcome:
    """Count recordings of bare white noise, a second each, in which something is detected."""
    spawn = multiprocessing.get_context("spawn")
    jobs = [(rate, number) for rate in settings.rates_hz for number in range(settings.per_rate)]
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawn) as pool:
        results = []
        for done, found in enumerate(pool.map(partial(_hears, settings.model), jobs), start=1):
            results.append(found)
            context.log(f"noise: recording {done} of {len(jobs)}")
    return StageOutcome(
        metrics={
            "noise_recordings": len(results),
            "noise_recordings_without_detection": results.count(0) / len(results),
        }
    )


def _hears(model: str, job: tuple[float, int]) -> int:
    """Return the number of detections in a second of white noise, rounded to 8 bits."""
    rate, number = job
    random = np.random.default_rng([_SEED, int(rate), number])
    recogniser = Recogniser(load_predictor(model, threads=1), sample_rate_hz=rate, workers=1)
    found, left = 0, round(rate)
    while left:
        count = min(left, 1 << 19)
        parts = random.standard_normal((count, 2), dtype=np.float32) * np.float32(8.0)
        rounded = np.clip(np.floor(parts), -128, 127) + np.float32(0.5)
        found += len(recogniser.push((rounded / 128).view(np.complex64)))
        left -= count
    return found + len(recogniser.finish())
