"""The stage that measures two models end to end on the recordings that neither has learnt."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hertzian.datasets.labelled import Labelled, LabelledRecording
from hertzian.datasets.shown import NOISE, Signals
from hertzian.deployment import load_predictor
from hertzian.evaluation import bootstrap_interval
from hertzian.experiments.field_evidence import RecogniserSettings
from hertzian.experiments.labelled_recordings import (
    RecordingsSettings,
    read_folder,
    read_record,
)
from hertzian.experiments.stages import ExperimentError, StageContext, StageOutcome, stage
from hertzian.recognition import Recogniser
from hertzian.recordings import atomic_path
from hertzian.signal import Detection, family_of

_KINDS = ("modulation", "family")


class HeldOutSettings(RecogniserSettings):
    """The stages of the recordings and of the new model; `model` is the one to compare with."""

    data: str = "data"
    train: str = "train"
    threads: int = Field(default=1, ge=1)


@dataclass(frozen=True)
class _Place:
    """Where a detection lies, in cycles per sample."""

    start: int
    stop: int
    center: float
    bandwidth: float


def answers(
    signals: Sequence[Labelled], detections: Sequence[Detection], sample_rate_hz: float
) -> list[Detection | None]:
    """Return what was said of each signal: the detection of most energy on it; None where none.

    A detection answers for all signals of the label that it mostly lies on.
    """
    places = Signals(signals)
    said: list[Detection | None] = [None] * len(signals)
    for detection in sorted(detections, key=lambda one: one.energy):
        center, width = detection.center_hz / sample_rate_hz, detection.bandwidth_hz
        place = _Place(detection.start, detection.stop, center, width / sample_rate_hz)
        for number in places.shown(place, alone=False):
            said[number] = detection
    return said


def judged(
    signals: Sequence[Labelled], said: Sequence[Detection | None]
) -> dict[str, list[tuple[str, bool]]]:
    """Return (label, right) of each signal that is taught, for modulation and for family.

    What is not found is wrong, but noise that is not found is right.
    """
    rows: dict[str, list[tuple[str, bool]]] = {kind: [] for kind in _KINDS}
    for signal, detection in zip(signals, said, strict=True):
        if not signal.taught:
            continue
        heard = (NOISE, NOISE) if detection is None else (detection.modulation, detection.family)
        sent = (signal.label, family_of(signal.label))
        for kind, truth, answer in zip(_KINDS, sent, heard, strict=True):
            rows[kind].append((signal.label, truth == answer))
    return rows


@stage("held-out-recordings", HeldOutSettings)
def measure(settings: HeldOutSettings, context: StageContext) -> StageOutcome:
    """Recognise the test part's recordings with both models; finished recordings are kept."""
    data = context.stages.get(settings.data)
    if not isinstance(data, RecordingsSettings):
        raise ExperimentError(f"stage {settings.data!r} is not one of labelled recordings")
    record = read_record(context.output(settings.data))
    wanted = {row["name"] for row in record["recordings"] if row["part"] == "test"}
    recordings = [one for one in read_folder(data).recordings if one.name in wanted]
    model = context.output(settings.train) / "fine-tune.onnx"
    recognisers = {
        name: Recogniser(load_predictor(path, settings.threads), workers=1)
        for name, path in (("before", settings.model), ("after", model))
    }
    rows = []
    for number, recording in enumerate(recordings):
        file = context.folder / f"{number:07d}.json"
        if not file.exists():
            _store(file, _compare(recording, recognisers))
        rows.append(json.loads(file.read_text(encoding="utf-8")))
        context.log(f"held-out recordings: {number + 1} of {len(recordings)}")
    return StageOutcome(metrics=held_out_metrics(rows))


def _compare(
    recording: LabelledRecording, recognisers: Mapping[str, Recogniser]
) -> dict[str, dict[str, list[tuple[str, bool]]]]:
    rate = recording.recording.sample_rate_hz
    signals = recording.signals
    return {
        name: judged(signals, answers(signals, recogniser.recognise(recording.recording), rate))
        for name, recogniser in recognisers.items()
    }


def held_out_metrics(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return accuracies before and after, each recording with equal weight, and their intervals.

    The intervals are bootstrapped over recordings; that of the gain over the differences of each.
    """
    signals = sum(len(row["after"]["modulation"]) for row in rows)
    metrics: dict[str, Any] = {"held_out_recordings": len(rows), "held_out_signals": signals}
    for kind in _KINDS:
        before, after = (
            np.array([np.mean([right for _, right in row[name][kind]]) for row in rows])
            for name in ("before", "after")
        )
        metrics[f"held_out_{kind}"] = {
            "before": _mean(before),
            "after": _mean(after),
            "gain": _mean(after - before),
        }
    metrics["held_out_recall"] = {
        name: _recall([pair for row in rows for pair in row[name]["modulation"]])
        for name in ("before", "after")
    }
    return metrics


def _mean(values: Any) -> dict[str, float]:
    lower, upper = bootstrap_interval(values)
    return {"accuracy": float(values.mean()), "lower": lower, "upper": upper}


def _recall(pairs: Sequence[tuple[str, bool]]) -> dict[str, float]:
    of_each = Counter(label for label, _ in pairs)
    right = Counter(label for label, correct in pairs if correct)
    return {label: right[label] / of_each[label] for label in sorted(of_each)}


def _store(file: Path, document: Mapping[str, Any]) -> None:
    with atomic_path(file) as partial:
        partial.write_text(json.dumps(document), encoding="utf-8")
