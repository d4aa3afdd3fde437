"""The stage `classifier-model`: from a trained network to a model that `evaluate` runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field
from torch import nn

from hertzian.deployment import ModelMetadata
from hertzian.deployment.export import save_model
from hertzian.detection import WINDOW
from hertzian.evaluation import Calibration, evaluation_block, fit_calibration, softmax
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.tested import logits
from hertzian.experiments.classifiers.train import (
    TrainSettings,
    network_settings,
    source_of,
    trained,
)
from hertzian.experiments.stages import (
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models import MultiHead, count_macs, count_parameters, names, spec
from hertzian.signal import MODULATION, PROTOCOL

_NOTED = ("examples", "accuracy", "accuracy_snr_ge_0", "peak", "accuracy_by_snr", "recall", "ece")


class ModelSettings(StageSettings):
    """`network` is the stage that trained it; `occupied_share` of the signals in its windows."""

    network: str
    name: str | None = Field(default=None, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    occupied_share: float = Field(default=0.15, gt=0, le=1)


@stage("classifier-model", ModelSettings)
def make_model(settings: ModelSettings, context: StageContext) -> StageOutcome:
    """Calibrate on the validation part, test, and write the first seed's model."""
    model, source = trained(context, settings.network), source_of(context, settings.network)
    data = split_data(context, source.data)
    name = settings.name or source.model
    heads = _heads(model, data, name)
    metadata = _metadata(settings, source, model, data, heads)
    measured = {head: {key: one.block[key] for key in _NOTED} for head, one in heads.items()}
    pruned = network_settings(context, settings.network).pruned
    save_model(
        model,
        metadata,
        context.folder,
        network={"name": source.model, "options": source.options, "pruned": pruned},
        scale=context.scale,
        published_parameters=_published_parameters(source, name, metadata),
        use=_use(data.samples),
        measured=measured if PROTOCOL in heads else measured[MODULATION],
    )
    for suffix in ("onnx", "safetensors", "json"):
        context.publish(context.folder / f"{name}.{suffix}", f"model.{suffix}")
    kept = {head: one.kept() for head, one in heads.items()}
    return StageOutcome(
        metrics={context.folder.name: kept if PROTOCOL in heads else kept[MODULATION]}
    )


def calibrated_metadata(context: StageContext, network: str) -> ModelMetadata:
    """Return the description of an earlier stage's network, calibrated on the validation part.

    Raises:
        ExperimentError: it leaves none in torch.
    """
    model, source = trained(context, network), source_of(context, network)
    data = split_data(context, source.data)
    settings = ModelSettings(kind="classifier-model", network=network)
    return _metadata(settings, source, model, data, _heads(model, data, source.model))


def _metadata(
    settings: ModelSettings,
    source: TrainSettings,
    model: nn.Module,
    data: SplitData,
    heads: Mapping[str, "_Head"],
) -> ModelMetadata:
    modulation, protocol = heads[MODULATION], heads.get(PROTOCOL)
    return ModelMetadata(
        name=settings.name or source.model,
        version="1",
        classes=data.classes,
        protocols=data.protocols if protocol else (),
        quantities=_quantities(model),
        samples=data.samples,
        occupied_share=settings.occupied_share,
        temperature=modulation.found.temperature,
        biases=tuple(map(float, modulation.found.biases)),
        protocol_temperature=protocol.found.temperature if protocol else 1.0,
        protocol_biases=tuple(map(float, protocol.found.biases)) if protocol else (),
        parameters=count_parameters(model),
        macs=count_macs(model, data.samples),
        paper=spec(source.model).paper,
        trained_on=data.identity,
    )


@dataclass(frozen=True)
class _Head:
    """One head's calibration, and what it measured with it on the test part."""

    found: Calibration
    block: Mapping[str, Any]

    def kept(self) -> dict[str, float]:
        """Return what the run's metrics hold."""
        shares = {key: self.block[key] for key in ("accuracy", "ece")}
        return {**shares, "temperature": self.found.temperature}


def _heads(model: nn.Module, data: SplitData, name: str) -> dict[str, _Head]:
    return {head: _head(head, model, data, name) for head in _named(model)}


def _head(head: str, model: nn.Module, data: SplitData, name: str) -> _Head:
    """Calibrate a head on the windows of the validation part that have a label of it, and test."""
    asked = head if isinstance(model, MultiHead) else None
    labels = data.labels if head == MODULATION else data.protocol_labels
    truth = labels("validation")
    answers = logits(model, data.part("validation"), asked)[truth >= 0].astype(np.float64)
    found = fit_calibration(answers, np.ones(len(answers), dtype=np.int64), truth[truth >= 0])
    truth = labels("test")
    scores = logits(model, data.part("test"), asked) / found.temperature + found.biases
    block = evaluation_block(
        model=name,
        data="test part",
        classes=data.classes if head == MODULATION else data.protocols,
        probabilities=softmax(scores[truth >= 0]),
        truth=truth[truth >= 0],
        snr_db=data.snr_db("test")[truth >= 0],
    )
    return _Head(found, block)


def _named(model: nn.Module) -> list[str]:
    """Return the heads that name classes."""
    if not isinstance(model, MultiHead):
        return [MODULATION]
    return [head for head in model.outputs if head in (MODULATION, PROTOCOL)]


def _quantities(model: nn.Module) -> tuple[str, ...]:
    if not isinstance(model, MultiHead):
        return ()
    return tuple(head for head in model.outputs if head not in (MODULATION, PROTOCOL))


def _published_parameters(
    training: TrainSettings, name: str, metadata: ModelMetadata
) -> int | None:
    """Return the published count of the network as it was built, not of the one it varies."""
    described = spec(name) if name in names() else spec(training.model)
    varied = training.options if name not in names() else {}
    as_published = bool(metadata.protocols) == bool(described.protocols)
    if varied or metadata.quantities or not as_published:
        return None
    return described.published_parameters


def _use(samples: int) -> str:
    if samples == WINDOW:
        return "windows of any recording (classify), and of datasets (evaluate)"
    return f"datasets of {samples} samples a window (evaluate); classify cuts {WINDOW}"
