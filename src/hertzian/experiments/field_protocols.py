"""Stages of the `field-protocols` recipe: a finished model learns to name protocols too."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from hertzian.datasets.emitters import FURTHER
from hertzian.datasets.field import field_recording
from hertzian.datasets.protocols import PROTOCOL_CLASSES, PROTOCOLS
from hertzian.datasets.scenes import Scene, close_scene, wide_scene
from hertzian.datasets.shards import Shard, read_shards
from hertzian.datasets.windows import by_protocol, detect, match
from hertzian.deployment import DatasetIdentity, OnnxPredictor, Predictor
from hertzian.deployment.export import save_model
from hertzian.deployment.metadata import NO_PROTOCOLS
from hertzian.deployment.stored import Stored, load_network, weights_of
from hertzian.detection import windows
from hertzian.evaluation import fit_calibration
from hertzian.experiments.field import (
    Part,
    as_dataset,
    class_weights,
    laplace,
    load_weights,
    pooled_detections,
    write_parts,
)
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    contents_digest,
    stage,
)
from hertzian.models import MultiHead, build, count_macs, count_parameters
from hertzian.recognition import WINDOWS_PER_PIECE
from hertzian.recognition.asking import Asking
from hertzian.signal import MODULATION, NO_PROTOCOL, PROTOCOL, to_channels
from hertzian.training import Precision, Supervised, fit, steps_per_epoch

PRESET = "field-protocols"
_PARTS = ("training", "close", "wide", "validation", "calibration")
_SHARE = 0.6
_STRANGE = 0.02
_QUANTILES = 64
_TIMES = 200
_ASKED_FROM = 1_000_000


def _scene(base: Scene) -> Scene:
    """Return a scene in which most emitters send a protocol, and the others each label as often."""
    labels = tuple(dict.fromkeys((*base.labels, *FURTHER)))
    return dataclasses.replace(
        base, protocols=_SHARE, unknown=_STRANGE, noise=_STRANGE, labels=labels
    )


_SCENES: dict[str, Callable[[], Scene]] = {"close": close_scene, "wide": wide_scene}


def part_seed(seed: int, part: str) -> int:
    """Return the seed of a part of a run's data; parts share no recording."""
    return 10 * seed + _PARTS.index(part) + 1


def _own_seed(seed: int, part: str) -> int:
    """Return the seed of a part's recordings, apart from those of `field`."""
    return 100_000 + part_seed(seed, part)


def _identity(seed: int, part: str) -> DatasetIdentity:
    return DatasetIdentity(preset=PRESET, seed=part_seed(seed, part))


class DataSettings(StageSettings):
    """How many recordings each part has, and how many windows a detection gives at most."""

    training: int = Field(ge=1)
    close: int = Field(ge=1)
    wide: int = Field(ge=1)
    validation: int = Field(ge=1)
    calibration: int = Field(ge=1)
    windows_per_detection: int = Field(default=6, ge=1)


@stage("protocol-data", DataSettings)
def make_data(settings: DataSettings, context: StageContext) -> StageOutcome:
    """Generate the recordings and cut their windows; finished shards are kept."""
    parts = [Part(p, _own_seed(context.seed, p), _scene(_SCENES.get(p, Scene)())) for p in _PARTS]
    return write_parts(parts, settings, context, PROTOCOL_CLASSES, by_protocol)


class _BaseSettings(StageSettings):
    """`base` is the model that learns: a shipped name or a run's folder; `data` the windows."""

    base: str = "field"
    data: str = "data"

    def named_files(self) -> dict[str, str]:
        """Return the digest of the weights that it starts from."""
        return {"weights": contents_digest(weights_of(self.base))}


class HeadSettings(_BaseSettings):
    """Settings of `training.fit`."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(default=256, ge=2)
    learning_rate: float = Field(default=3e-3, gt=0)
    precision: Precision = "32-true"
    threads: int = Field(default=1, ge=1)


class OnFrozen(nn.Module):
    """A head that learns on a network that doesn't: as it was trained, so it stays.

    Args:
        network: of several heads.
        name: that of the head.
    """

    def __init__(self, network: MultiHead, name: str) -> None:
        super().__init__()
        self.network = network.network
        self.head = network.heads[name]
        self.network.requires_grad_(False)

    def train(self, mode: bool = True) -> "OnFrozen":
        """Switch the head alone: batch norms keep their statistics."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the head's logits of float32 [batch, 2, samples]."""
        with torch.no_grad():
            shared = self.network(x)
        logits: Tensor = self.head(shared)
        return logits


@stage("protocol-head", HeadSettings)
def train_head(settings: HeadSettings, context: StageContext) -> StageOutcome:
    """Train the head; started again, it goes on after the last epoch."""
    folder = context.output(settings.data)
    shards = [s for part in ("training", "close", "wide") for s in read_shards(folder / part)]
    torch.manual_seed(context.seed)
    model = OnFrozen(with_protocols(load_network(settings.base)), PROTOCOL)
    examples = as_dataset(shards)
    learner = Supervised(
        model,
        len(PROTOCOL_CLASSES),
        settings.learning_rate,
        settings.epochs,
        steps_per_epoch(examples, settings.batch_size),
        class_weights=class_weights(shards, len(PROTOCOL_CLASSES)),
        seed=context.seed,
    )
    result = fit(
        learner,
        examples,
        as_dataset(read_shards(folder / "validation")),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        directory=context.folder,
        precision=settings.precision,
        seed=context.seed,
        threads=settings.threads,
    )
    torch.save(model.head.state_dict(), context.folder / "weights.pt")
    return StageOutcome(
        metrics={
            "head_validation_window_accuracy": result.best_accuracy,
            "head_epochs": result.epochs,
        },
        trained_on=tuple(_identity(context.seed, part) for part in _PARTS[:-1]),
    )


def with_protocols(stored: Stored) -> MultiHead:
    """Return a model's network with its modulations as they are, and a fresh head for protocols.

    Raises:
        ExperimentError: it has heads that would be lost, or is pruned.
    """
    if stored.metadata.quantities or stored.structure.pruned:
        what = "is pruned" if stored.structure.pruned else "estimates quantities"
        raise ExperimentError(f"{stored.metadata.name}: {what}, and can't be taught protocols")
    module = stored.module
    network = module.alone(MODULATION) if isinstance(module, MultiHead) else module
    structure, metadata = stored.structure, stored.metadata
    options: dict[str, Any] = dict(structure.options)
    joined = build(structure.name, metadata.classes, protocols=PROTOCOL_CLASSES, **options)
    both = cast(MultiHead, joined)
    both.heads[MODULATION].load_state_dict(network.get_submodule("head").state_dict())
    shared = {k: v for k, v in network.state_dict().items() if not k.startswith("head.")}
    both.network.load_state_dict(shared)
    return both


class ModelSettings(_BaseSettings):
    """Where the head comes from; recordings that tell what repeats itself, and when."""

    head: str = "head"
    asked_recordings: int = Field(default=3000, ge=1)


@stage("protocol-model", ModelSettings)
def make_model(settings: ModelSettings, context: StageContext) -> StageOutcome:
    """Calibrate the protocols on detections of their own, and write the model with both heads."""
    stored = load_network(settings.base)
    model = with_protocols(stored)
    model.heads[PROTOCOL].load_state_dict(load_weights(context.output(settings.head)))
    model.eval()
    shards = read_shards(context.output(settings.data) / "calibration")
    seen = tuple(_identity(context.seed, part) for part in _PARTS)
    metadata = stored.metadata.model_copy(
        update={
            **NO_PROTOCOLS,
            "protocols": PROTOCOL_CLASSES,
            "protocol_bandwidths_hz": heard_bandwidths(shards),
            "parameters": count_parameters(model),
            "macs": count_macs(model, stored.metadata.samples),
        }
    ).having_seen(seen)
    save_model(model, metadata, context.folder)
    onnx = context.folder / f"{metadata.name}.onnx"
    predictor = OnnxPredictor(onnx)
    logits, counts, labels = pooled_detections(predictor, shards, PROTOCOL)
    found = fit_calibration(logits, counts, labels)
    repeating, repetitions = heard_repetitions(predictor, context.seed, settings.asked_recordings)
    metadata = metadata.model_copy(
        update={
            "protocol_repetitions_s": repetitions,
            "protocol_repeating": repeating,
            "protocol_temperature": found.temperature,
            "protocol_evidence_exponent": found.evidence_exponent,
            "protocol_biases": tuple(map(float, found.biases)),
        }
    )
    right = logits.argmax(axis=1) == labels
    none = labels == PROTOCOL_CLASSES.index(NO_PROTOCOL)
    metrics = {
        "calibration_detections": len(labels),
        "protocols_named_by_windows_alone": float(right[~none].mean()),
        "none_named_by_windows_alone": float(right[none].mean()),
        "protocol_nll_before_calibration": found.nll_before,
        "protocol_nll": found.nll,
        "protocol_temperature": found.temperature,
        "protocol_evidence_exponent": found.evidence_exponent,
    }
    notes = {"network": stored.structure.model_dump(mode="json"), "scale": context.scale}
    save_model(model, metadata, context.folder, **notes, measured=metrics)
    for suffix in ("onnx", "safetensors", "json"):
        context.publish(context.folder / f"{metadata.name}.{suffix}", f"model.{suffix}")
    return StageOutcome(metrics=metrics, trained_on=metadata.trained_on)


def heard_bandwidths(shards: list[Shard]) -> dict[str, tuple[float, ...]]:
    """Return even quantiles of the bandwidths in hertz at which each protocol was detected."""
    heard: dict[str, list[float]] = {name: [] for name in PROTOCOLS}
    for shard in shards:
        for first in np.unique(shard.detection, return_index=True)[1]:
            name = PROTOCOL_CLASSES[int(shard.label[first])]
            if name in heard:
                heard[name].append(float(shard.bandwidth_hz[first]))
    return _quantiles(heard)


def heard_repetitions(
    predictor: Predictor, seed: int, recordings: int
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """Return which share of each protocol's detections repeats itself, and after which times."""
    asking = Asking(predictor.metadata.classes)
    asked: dict[str, list[float | None]] = {name: [] for name in PROTOCOL_CLASSES}
    scenes = [_scene(make()) for make in (Scene, *_SCENES.values())]
    for index in range(recordings):
        recording = field_recording(
            _own_seed(seed, "calibration"), _ASKED_FROM + index, scenes[index % len(scenes)]
        )
        for found in detect(recording.iq):
            truth = match(found, recording.emissions)
            if truth is not None and not found.faint:
                logits = predictor.logits(to_channels(windows(found, WINDOWS_PER_PIECE)))
                lag = asking.repetition(found.iq, logits, plateau=found.plateau)
                rate_hz = found.rate * (truth.sample_rate_hz or math.nan)
                asked[by_protocol(truth, found)].append(None if lag is None else lag / rate_hz)
    seen = {name: [t for t in times if t is not None] for name, times in asked.items()}
    shares = {name: laplace(len(seen[name]), len(times)) for name, times in asked.items()}
    # what has no rate in hertz repeats itself at any time
    return shares, {name: _apart(seen[name]) for name in PROTOCOLS if seen[name]}


def _apart(times: list[float]) -> tuple[float, ...]:
    """Return up to `_TIMES` of the times that were heard, evenly in their order, none in between.

    Of a protocol with several symbol rates, what lies between two is no time of it.
    """
    ordered = sorted(times)
    places = np.linspace(0, len(ordered) - 1, min(_TIMES, len(ordered))).round().astype(int)
    return tuple(float(f"{ordered[place]:.4g}") for place in places)


def _quantiles(heard: dict[str, list[float]]) -> dict[str, tuple[float, ...]]:
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return {
        name: tuple(float(f"{value:.4g}") for value in np.quantile(values, places))
        for name, values in heard.items()
        if values
    }
