"""The stage `classifier-model`: from a trained network to a model that `evaluate` runs."""

import numpy as np
from pydantic import Field

from hertzian.deployment import ModelMetadata
from hertzian.deployment.export import save_model
from hertzian.detection import WINDOW
from hertzian.evaluation import evaluation_block, fit_calibration, softmax
from hertzian.experiments.classifiers.data import split_data
from hertzian.experiments.classifiers.tested import logits
from hertzian.experiments.classifiers.train import TrainSettings, trained
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models import count_macs, count_parameters, names, spec

_NOTED = ("examples", "accuracy", "accuracy_snr_ge_0", "peak", "accuracy_by_snr", "recall", "ece")


class ModelSettings(StageSettings):
    """`network` is the stage that trained it; `occupied_share` of the signals in its windows."""

    network: str
    name: str | None = Field(default=None, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    occupied_share: float = Field(default=0.15, gt=0, le=1)


@stage("classifier-model", ModelSettings)
def make_model(settings: ModelSettings, context: StageContext) -> StageOutcome:
    """Calibrate on the validation part, test, and write the first seed's model."""
    model = trained(context, settings.network)
    training = context.stages[settings.network]
    if not isinstance(training, TrainSettings):
        raise ExperimentError(f"stage {settings.network!r} trains no network")
    data = split_data(context, training.data)
    name = settings.name or training.model
    found = fit_calibration(
        logits(model, data.part("validation")).astype(np.float64),
        np.ones(len(data.labels("validation")), dtype=np.int64),
        data.labels("validation"),
    )
    metadata = ModelMetadata(
        name=name,
        version="1",
        classes=data.classes,
        samples=data.samples,
        occupied_share=settings.occupied_share,
        temperature=found.temperature,
        biases=tuple(map(float, found.biases)),
        parameters=count_parameters(model),
        macs=count_macs(model, data.samples),
        paper=spec(training.model).paper,
        trained_on=data.identity,
    )
    scores = logits(model, data.part("test")) / found.temperature + found.biases
    block = evaluation_block(
        model=name,
        data="test part",
        classes=data.classes,
        probabilities=softmax(scores),
        truth=data.labels("test"),
        snr_db=data.snr_db("test"),
    )
    measured = {key: block[key] for key in _NOTED}
    save_model(
        model,
        metadata,
        context.folder,
        scale=context.scale,
        published_parameters=_published_parameters(training, name),
        use=_use(data.samples),
        measured=measured,
    )
    for suffix in ("onnx", "safetensors", "json"):
        context.publish(context.folder / f"{name}.{suffix}", f"model.{suffix}")
    kept = {"accuracy": block["accuracy"], "ece": block["ece"], "temperature": found.temperature}
    return StageOutcome(metrics={context.folder.name: kept})


def _published_parameters(training: TrainSettings, name: str) -> int | None:
    """Return the published count of the network as it was built, not of the one it varies."""
    if name in names():
        return spec(name).published_parameters
    return None if training.options else spec(training.model).published_parameters


def _use(samples: int) -> str:
    if samples == WINDOW:
        return "windows of any recording (classify), and of datasets (evaluate)"
    return f"datasets of {samples} samples a window (evaluate); classify cuts {WINDOW}"
