"""The stage that teaches the shipped network a user's own recordings, and writes the model."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ConfigDict, Field
from torch import nn

from hertzian.datasets.shards import Shard, read_shards
from hertzian.deployment import (
    DatasetIdentity,
    ModelMetadata,
    Predictor,
    load_predictor,
)
from hertzian.deployment.export import save_model
from hertzian.deployment.metadata import NO_PROTOCOLS
from hertzian.deployment.stored import load_network, weights_of
from hertzian.evaluation import Calibration, fit_calibration, pooled_log_probabilities
from hertzian.experiments.field import as_dataset, class_weights, laplace, pooled_detections
from hertzian.experiments.labelled_recordings import (
    REHEARSAL,
    SHIPPED_MODEL,
    read_record,
    rehearsal_seed,
)
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    contents_digest,
    stage,
)
from hertzian.models import MultiHead, count_macs, count_parameters
from hertzian.models.field import Field as FieldNetwork
from hertzian.signal import MODULATION
from hertzian.training import Precision, Supervised, fit, steps_per_epoch

_MODEL = "fine-tune"
_BATCH = 256
_HIGHEST_LOG_TEMPERATURE = 5.0
_HALVINGS = 40
_RECORDINGS = "labelled-recordings"
"""The preset that a user's recordings go by in `trained_on`."""


class FineTuneSettings(StageSettings):
    """Where the windows come from, and settings of `training.fit`.

    Attributes:
        data: the stage of the recordings.
        from: the shipped weights, or none.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    data: str = "data"
    origin: Literal["field", "none"] = Field(default="field", alias="from")
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=3e-4, gt=0)
    precision: Precision = "32-true"
    compiled: bool = False
    threads: int = Field(default=1, ge=1)

    def named_files(self) -> dict[str, str]:
        """Return the digest of the weights that it starts from."""
        if self.origin == "none":
            return {}
        return {"weights": contents_digest(weights_of(SHIPPED_MODEL))}


@stage("fine-tune", FineTuneSettings)
def fine_tune(settings: FineTuneSettings, context: StageContext) -> StageOutcome:
    """Train, resuming an interrupted run; keep the best epoch; calibrate; write the model."""
    folder = context.output(settings.data)
    record = read_record(folder)
    classes = tuple(record["classes"])
    training, validation = read_shards(folder / "training"), read_shards(folder / "validation")
    training += read_shards(folder / REHEARSAL)
    torch.manual_seed(context.seed)
    model = FieldNetwork(len(classes))
    shipped = load_predictor(SHIPPED_MODEL, 1).metadata
    if settings.origin == "field":
        start_from_shipped(model, shipped)
    metrics = _train(model, settings, context, training, validation, shipped)
    metadata = _described(model, classes, record, shipped, context, settings)
    metadata, calibrated = _calibrated(model, metadata, shipped, validation)
    metrics |= calibrated
    notes = {"network": {"name": _MODEL, "options": {}}, "scale": context.scale}
    save_model(model, metadata, context.folder, **notes, measured=metrics)
    for suffix in ("onnx", "safetensors", "json"):
        context.publish(context.folder / f"{_MODEL}.{suffix}", f"model.{suffix}")
    return StageOutcome(metrics=metrics, trained_on=metadata.trained_on)


def start_from_shipped(model: FieldNetwork, shipped: ModelMetadata) -> None:
    """Give a network of the shipped classes, and perhaps more after them, the shipped weights.

    The shipped biases for what training showed too often go into the head, so that calibration
    starts from them: what it has no signal of stays as it was.
    """
    known = len(shipped.classes)
    stored = load_network(SHIPPED_MODEL).module
    origin = stored.alone(MODULATION) if isinstance(stored, MultiHead) else stored
    if not isinstance(origin, FieldNetwork):
        raise ExperimentError(f"the shipped model {SHIPPED_MODEL} is no `field` network")
    theirs, own = _last_layer(origin), _last_layer(model)
    with torch.no_grad():
        if shipped.biases:
            theirs.bias.add_(shipped.temperature * torch.tensor(shipped.biases))
        weight, bias = own.weight.clone(), own.bias.clone()
        weight[:known], bias[:known] = theirs.weight, theirs.bias
    last = f"head.{len(model.head) - 1}"
    ends = {f"{last}.weight": weight, f"{last}.bias": bias}
    model.load_state_dict({**origin.state_dict(), **ends})


def _last_layer(model: FieldNetwork) -> nn.Linear:
    return cast(nn.Linear, model.head[-1])


def _train(
    model: FieldNetwork,
    settings: FineTuneSettings,
    context: StageContext,
    training: Sequence[Shard],
    validation: Sequence[Shard],
    shipped: ModelMetadata,
) -> dict[str, Any]:
    """Train in place; where no epoch is better on the validation part, keep the first weights."""
    windows, held_out = as_dataset(list(training)), as_dataset(list(validation))
    if len(windows) < 2:
        raise ExperimentError(f"{len(windows)} windows to learn from; expected 2 or more")
    classes = _last_layer(model).out_features
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    accuracy_before = _window_accuracy(_InTorch(model.eval(), shipped), validation)
    learner = Supervised(
        model,
        classes,
        settings.learning_rate,
        settings.epochs,
        steps_per_epoch(windows, settings.batch_size),
        class_weights=class_weights(list(training), classes),
        seed=context.seed,
        compiled=settings.compiled,
    )
    result = fit(
        learner,
        windows,
        held_out,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        directory=context.folder,
        precision=settings.precision,
        seed=context.seed,
        threads=settings.threads,
    )
    better = settings.origin == "none" or result.best_accuracy >= accuracy_before
    if not better:
        model.load_state_dict(before)
        context.log("warning: no epoch is better on the validation part; the weights stay as is")
    model.eval()
    return {
        "validation_window_accuracy_before": accuracy_before,
        "validation_window_accuracy": result.best_accuracy if better else accuracy_before,
        "epochs": result.epochs,
    }


def _window_accuracy(predictor: Predictor, shards: Sequence[Shard]) -> float:
    """Return the share of windows that a model names rightly."""
    right = [predictor.logits(s.x).argmax(axis=1) == s.label for s in shards if len(s.label)]
    return float(np.concatenate(right).mean())


def _described(
    model: nn.Module,
    classes: tuple[str, ...],
    record: dict[str, Any],
    shipped: ModelMetadata,
    context: StageContext,
    settings: FineTuneSettings,
) -> ModelMetadata:
    """Return the metadata before calibration; what the front end decides is the shipped model's."""
    seen = [DatasetIdentity(preset=f"{_RECORDINGS} {record['digest']}", seed=context.seed)]
    if settings.origin == "field":
        seen = [*shipped.trained_on, *seen]
    if read_shards(context.output(settings.data) / REHEARSAL):
        seen.append(DatasetIdentity(preset="field", seed=rehearsal_seed(context.seed)))
    new = {
        label: record["asked"].get(label, [0, 0, 0])
        for label in classes
        if label not in shipped.classes
    }
    return shipped.model_copy(
        update={
            "name": _MODEL,
            "classes": classes,
            # the protocols' head has not learnt along
            **NO_PROTOCOLS,
            "temperature": 1.0,
            "evidence_exponent": 0.0,
            "biases": (),
            "repeating": shipped.repeating | _shares(new, 1),
            "keyed": shipped.keyed | _shares(new, 2),
            "parameters": count_parameters(model),
            "macs": count_macs(model, shipped.samples),
            "trained_on": tuple(seen),
        }
    )


def _shares(asked: dict[str, list[int]], place: int) -> dict[str, float]:
    """Return which share of each label's detections said yes; 1/2 where none was asked."""
    return {label: laplace(counts[place], counts[0]) for label, counts in asked.items()}


@dataclass(frozen=True)
class _InTorch:
    """A network in evaluation mode as a predictor."""

    model: nn.Module
    metadata: ModelMetadata

    def logits(self, windows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Turn windows [n, 2, samples] into logits [n, classes]."""
        x = torch.from_numpy(np.asarray(windows, dtype=np.float32))
        with torch.no_grad():
            parts = [self.model(part) for part in torch.split(x, _BATCH)]
        answers: npt.NDArray[np.float32] = torch.cat(parts).numpy()
        return answers

    def heads(self, windows: npt.ArrayLike) -> dict[str, npt.NDArray[np.float32]]:
        """Return the one head: the modulation's."""
        return {MODULATION: self.logits(windows)}


def _calibrated(
    model: nn.Module,
    metadata: ModelMetadata,
    shipped: ModelMetadata,
    validation: Sequence[Shard],
) -> tuple[ModelMetadata, dict[str, Any]]:
    """Calibrate the pooled probabilities on the validation part's detections.

    Where these are too few for that, the shipped calibration stays, made modest.
    """
    predictor = _InTorch(model, metadata)
    logits, counts, labels = pooled_detections(predictor, list(validation))
    found = fit_calibration(logits, counts, labels)
    temperature = modest_temperature(found, logits, counts, labels)
    if temperature > found.temperature:
        # so few detections tell nothing of the exponent and the biases either
        found = dataclasses.replace(
            found,
            temperature=shipped.temperature,
            evidence_exponent=shipped.evidence_exponent,
            biases=np.zeros(logits.shape[1]),
        )
        temperature = modest_temperature(found, logits, counts, labels)
    calibrated = metadata.model_copy(
        update={
            "temperature": temperature,
            "evidence_exponent": found.evidence_exponent,
            "biases": tuple(map(float, found.biases)),
        }
    )
    right = logits.argmax(axis=1) == labels
    log_p = pooled_log_probabilities(
        logits,
        counts,
        temperature=temperature,
        evidence_exponent=found.evidence_exponent,
        biases=found.biases,
    )
    return calibrated, {
        "calibration_detections": len(labels),
        "calibration_detection_accuracy": float(right.mean()),
        "nll_before_calibration": found.nll_before,
        "nll": float(-log_p[np.arange(len(labels)), labels].mean()),
        "temperature": temperature,
        "evidence_exponent": found.evidence_exponent,
    }


def modest_temperature(
    found: Calibration,
    logits: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
) -> float:
    """Return the temperature, raised until the mean confidence is what Laplace's rule allows.

    Of few detections that are all right, maximum likelihood concludes that none is ever wrong; k
    right ones of n speak for (k + 1) / (n + 2).
    """

    def answers(log_temperature: float) -> npt.NDArray[np.float64]:
        return pooled_log_probabilities(
            logits,
            counts,
            temperature=float(np.exp(log_temperature)),
            evidence_exponent=found.evidence_exponent,
            biases=found.biases,
        )

    low, high = float(np.log(found.temperature)), _HIGHEST_LOG_TEMPERATURE
    log_p = answers(low)
    allowed = laplace(int((log_p.argmax(axis=1) == labels).sum()), len(labels))
    if np.exp(log_p.max(axis=1)).mean() <= allowed:
        return found.temperature
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if np.exp(answers(middle).max(axis=1)).mean() > allowed:
            low = middle
        else:
            high = middle
    return float(np.exp(high))
