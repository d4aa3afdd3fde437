"""Stages of the `field` recipe: windows through the detector, training, calibration, the model."""

import itertools
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from hertzian.datasets.field import field_recording
from hertzian.datasets.scenes import Scene, cheap_scene, close_scene, long_scene, wide_scene
from hertzian.datasets.shards import Shard, read_shards, write_shards
from hertzian.datasets.windows import Naming, by_modulation, detect, match
from hertzian.deployment import DatasetIdentity, ModelMetadata, OnnxPredictor, Predictor
from hertzian.deployment.export import save_model
from hertzian.detection import OCCUPIED_SHARE, WINDOW, Baseband, least_snr_db
from hertzian.evaluation import fit_calibration
from hertzian.experiments.stages import StageContext, StageOutcome, StageSettings, stage
from hertzian.models import build, count_macs, count_parameters, spec
from hertzian.recognition import WINDOWS_PER_PIECE
from hertzian.recognition.keying import pulses_carry_data
from hertzian.recognition.memory import prefix_at, repeats_at
from hertzian.signal import MODULATION
from hertzian.training import (
    ArrayDataset,
    Precision,
    Supervised,
    can_compile,
    fit,
    steps_per_epoch,
)

PRESET = "field"
_PARTS = ("training", "validation", "calibration", "close", "wide", "cheap", "long")
_SCENES: dict[str, Callable[[], Scene]] = {
    "close": close_scene,
    "wide": wide_scene,
    "cheap": cheap_scene,
    "long": long_scene,
}
_MODEL = "field"
_SILENT_FROM = 1_000_000
_PREFIXED_FROM = 2_000_000
_SHARES_FROM = 3_000_000
_PREFIXED_SAMPLES = (65_536, 400_000)
_PREFIXED_SYMBOLS = 32.0
_PREFIX_SAMPLES = (1_500, 3_000, 6_000, 12_000, 30_000)


def part_seed(seed: int, part: str) -> int:
    """Return the preset's seed for a part of a run; parts share no recording."""
    return 10 * seed + _PARTS.index(part) + 1


class DataSettings(StageSettings):
    """How many recordings each part has, and how many windows a detection gives at most."""

    training: int = Field(ge=1)
    close: int = Field(ge=1)
    wide: int = Field(ge=1)
    cheap: int = Field(ge=1)
    long: int = Field(ge=1)
    validation: int = Field(ge=1)
    calibration: int = Field(ge=1)
    windows_per_detection: int = Field(default=8, ge=1)


@stage("field-data", DataSettings)
def make_data(settings: DataSettings, context: StageContext) -> StageOutcome:
    """Generate the recordings and cut their windows; finished shards are kept."""
    return write_parts(
        [Part(p, part_seed(context.seed, p), _SCENES.get(p, Scene)()) for p in _PARTS],
        settings,
        context,
        spec(_MODEL).classes,
    )


@dataclass(frozen=True)
class Part:
    """Recordings of a seed: `name` is that of their number in the settings, and of their folder."""

    name: str
    seed: int
    scene: Scene


class PartsSettings(Protocol):
    """Says, by the name of a part, how many recordings it has."""

    @property
    def windows_per_detection(self) -> int:
        """Windows that a detection gives at most."""
        ...


def write_parts(
    parts: Sequence[Part],
    settings: PartsSettings,
    context: StageContext,
    classes: tuple[str, ...],
    naming: Naming = by_modulation,
) -> StageOutcome:
    """Write the shards of every part; those for calibration have all windows of a detection."""
    for part in parts:
        calibration = part.name == "calibration"
        write_shards(
            context.folder / part.name,
            seed=part.seed,
            recordings=getattr(settings, part.name),
            classes=classes,
            scene=part.scene,
            workers=os.cpu_count() or 1,
            per_detection=WINDOWS_PER_PIECE if calibration else settings.windows_per_detection,
            naming=naming,
            progress=_logging(part.name, context),
        )
    counts = {f"{part.name}_windows": _count(context.folder / part.name) for part in parts}
    return StageOutcome(metrics=counts)


class TrainSettings(StageSettings):
    """Settings of `training.fit`.

    `precision` "auto" is bfloat16 where it is fast; `compiled` counts where there is a compiler.
    """

    data: str = "data"
    parts: tuple[str, ...] = Field(min_length=1)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=256, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    precision: Precision | Literal["auto"] = "auto"
    compiled: bool = True
    threads: int = Field(default=1, ge=1)


@stage("field-train", TrainSettings)
def train(settings: TrainSettings, context: StageContext) -> StageOutcome:
    """Train the network on the windows; started again, it goes on after the last epoch."""
    folder = context.output(settings.data)
    shards = [shard for part in settings.parts for shard in read_shards(folder / part)]
    classes = spec(_MODEL).classes
    torch.manual_seed(context.seed)
    model = build(_MODEL)
    windows = as_dataset(shards)
    learner = Supervised(
        model,
        len(classes),
        settings.learning_rate,
        settings.epochs,
        steps_per_epoch(windows, settings.batch_size),
        class_weights=class_weights(shards, len(classes)),
        seed=context.seed,
        compiled=settings.compiled and can_compile(),
    )
    result = fit(
        learner,
        windows,
        as_dataset(read_shards(folder / "validation")),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        directory=context.folder,
        precision=settings.precision,
        seed=context.seed,
        threads=settings.threads,
    )
    torch.save(model.state_dict(), context.folder / "weights.pt")
    seen = tuple(
        DatasetIdentity(preset=PRESET, seed=part_seed(context.seed, part))
        for part in (*settings.parts, "validation")
    )
    name = context.folder.name
    return StageOutcome(
        metrics={
            f"{name}_validation_window_accuracy": result.best_accuracy,
            f"{name}_epochs": result.epochs,
        },
        trained_on=seen,
    )


class ModelSettings(StageSettings):
    """Where windows and weights come from; recordings that tell what is missed how often.

    `silent_recordings` tell how often detection misses a signal, `prefixed_recordings` how often no
    cyclic prefix shows in OFDM, `asked_recordings` which labels repeat themselves or carry data in
    pulses.
    """

    data: str = "data"
    train: str = "train"
    silent_recordings: int = Field(default=400, ge=1)
    prefixed_recordings: int = Field(default=300, ge=1)
    asked_recordings: int = Field(default=600, ge=1)


@stage("field-model", ModelSettings)
def make_model(settings: ModelSettings, context: StageContext) -> StageOutcome:
    """Calibrate the pooled probabilities on detections of their own, and write the model."""
    model = build(_MODEL)
    model.load_state_dict(load_weights(context.output(settings.train)))
    model.eval()
    description = spec(_MODEL)
    metadata = ModelMetadata(
        name=_MODEL,
        version="1",
        classes=description.classes,
        samples=WINDOW,
        occupied_share=OCCUPIED_SHARE,
        parameters=count_parameters(model),
        macs=count_macs(model, WINDOW),
        paper=description.paper,
        trained_on=tuple(
            DatasetIdentity(preset=PRESET, seed=part_seed(context.seed, part)) for part in _PARTS
        ),
    )
    save_model(model, metadata, context.folder)
    onnx = context.folder / f"{_MODEL}.onnx"
    shards = read_shards(context.output(settings.data) / "calibration")
    logits, counts, labels = pooled_detections(OnnxPredictor(onnx), shards)
    found = fit_calibration(logits, counts, labels)
    seed = part_seed(context.seed, "calibration")
    missed = _missed_share(seed, settings.silent_recordings)
    repeating, keyed = _shares(seed, settings.asked_recordings)
    calibrated = metadata.model_copy(
        update={
            "temperature": found.temperature,
            "evidence_exponent": found.evidence_exponent,
            "biases": tuple(map(float, found.biases)),
            # Bayes at even odds; on bare noise nothing is detected
            "noise_confidence": 1 / (1 + missed),
            "prefix_missed": _missed_prefixes(seed, settings.prefixed_recordings),
            "repeating": repeating,
            "keyed": keyed,
        }
    )
    correct = logits.argmax(axis=1) == labels
    metrics = {
        "calibration_detections": len(labels),
        "calibration_detection_accuracy": float(correct.mean()),
        "nll_before_calibration": found.nll_before,
        "nll": found.nll,
        "temperature": found.temperature,
        "evidence_exponent": found.evidence_exponent,
        "missed_share": missed,
    }
    notes = {"network": {"name": _MODEL, "options": {}}, "scale": context.scale}
    save_model(model, calibrated, context.folder, **notes, measured=metrics)
    context.publish(onnx, "model.onnx")
    context.publish(context.folder / f"{_MODEL}.safetensors", "model.safetensors")
    context.publish(context.folder / f"{_MODEL}.json", "model.json")
    return StageOutcome(metrics=metrics, trained_on=metadata.trained_on)


def _logging(part: str, context: StageContext) -> Callable[[int, int], None]:
    def log(done: int, total: int) -> None:
        context.log(f"{part}: shard {done} of {total}")

    return log


def load_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights that a stage left in its folder."""
    weights: dict[str, torch.Tensor] = torch.load(
        folder / "weights.pt", map_location="cpu", weights_only=True
    )
    return weights


def _count(folder: Path) -> int:
    return sum(len(shard.label) for shard in read_shards(folder))


def as_dataset(shards: list[Shard]) -> ArrayDataset:
    """Return the windows and labels of shards, for training."""
    return ArrayDataset([(shard.x, shard.label) for shard in shards if len(shard.label)])


def class_weights(shards: list[Shard], classes: int) -> list[float]:
    """Weight each class by the inverse root of its share: rare ones count more, not all alike."""
    counts = np.bincount(np.concatenate([s.label for s in shards]), minlength=classes)
    weights = 1 / np.sqrt(np.maximum(counts, 1.0))
    return [float(weight) for weight in weights / weights.mean()]


def _missed_share(seed: int, recordings: int) -> float:
    """Return how many of the recordings with one emission, of any SNR, give no detection at all."""
    scene = Scene(emitters=(1, 1), unknown=0.0, noise=0.0)
    silent = 0
    for index in range(recordings):
        found = detect(field_recording(seed, _SILENT_FROM + index, scene).iq)
        told = [f for f in found if not f.faint and f.snr_db >= least_snr_db(f.bandwidth)]
        silent += not told
    return silent / recordings


def _missed_prefixes(seed: int, recordings: int) -> tuple[tuple[int, float], ...]:
    """Return from how many samples on which share of OFDM detections shows no cyclic prefix.

    Of bursts of 32 symbols or more: fewer can't be asked for it.
    """
    scene = Scene(
        samples=_PREFIXED_SAMPLES,
        whole_units=_PREFIXED_SYMBOLS,
        unknown=0.0,
        noise=0.0,
        labels=("OFDM",),
    )
    seen = [
        (found.iq.size, (repeats_at(found.iq) or prefix_at(found.iq)) is not None)
        for _, found in _matched(seed, range(_PREFIXED_FROM, _PREFIXED_FROM + recordings), scene)
    ]
    shares = []
    for least, most in itertools.pairwise((*_PREFIX_SAMPLES, math.inf)):
        own = [shows for samples, shows in seen if least <= samples < most]
        # of none at all, nothing is known
        if own:
            shares.append((int(least), laplace(own.count(False), len(own))))
    return tuple(shares)


def _shares(seed: int, recordings: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return which share of each label's detections repeats itself, and carries data in pulses."""
    scene = Scene(emitters=(2, 6))
    repeating, keyed, all_of = Counter[str](), Counter[str](), Counter[str]()
    for label, found in _matched(seed, range(_SHARES_FROM, _SHARES_FROM + recordings), scene):
        all_of[label] += 1
        repeating[label] += repeats_at(found.iq) is not None
        keyed[label] += pulses_carry_data(found.iq)
    return (
        {label: laplace(repeating[label], count) for label, count in sorted(all_of.items())},
        {label: laplace(keyed[label], count) for label, count in sorted(all_of.items())},
    )


def _matched(seed: int, indices: range, scene: Scene) -> Iterator[tuple[str, Baseband]]:
    """Yield (label, detection) of all that recognition may ask more about."""
    for index in indices:
        recording = field_recording(seed, index, scene)
        for found in detect(recording.iq):
            truth = match(found, recording.emissions)
            if truth is not None and not (found.plateau or found.faint):
                yield truth.label, found


def laplace(hits: int, count: int) -> float:
    """Return a share by Laplace's rule: none of a few is not never."""
    return (hits + 1) / (count + 2)


def pooled_detections(
    predictor: Predictor, shards: list[Shard], head: str = MODULATION
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return mean logits [d, classes], windows [d] and labels [d] of every detection."""
    rows = list(_per_detection(predictor, shards, head))
    logits, counts, labels = zip(*rows, strict=True)
    return np.stack(logits), np.asarray(counts), np.asarray(labels)


def _per_detection(
    predictor: Predictor, shards: list[Shard], head: str
) -> Iterator[tuple[npt.NDArray[np.float64], int, int]]:
    for shard in shards:
        logits = predictor.heads(np.asarray(shard.x, dtype=np.float32))[head].astype(np.float64)
        for number in np.unique(shard.detection):
            own = shard.detection == number
            yield logits[own].mean(axis=0), int(own.sum()), int(shard.label[own][0])
