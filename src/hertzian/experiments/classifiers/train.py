"""Stages that train one network on the data of a stage `dataset`, and test it.

The metrics of each are one block under the stage's own name; its folder holds `weights.safetensors`
and `predictions.npz`, the test's probabilities in the order of the split.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import Field, JsonValue
from torch import nn

from hertzian.deployment.export import load_safetensors, save_safetensors
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.tested import test_block
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models import build
from hertzian.training import (
    BatchSource,
    Classifier,
    Distillation,
    Learner,
    Precision,
    Reconstruction,
    WeightedClassifier,
    WeightedDataset,
    can_compile,
    confidence_weights,
    fit,
)

WEIGHTS = "weights.safetensors"


class TrainSettings(StageSettings):
    """A network of the registry and how it is trained; see `training.Classifier` and `fit`.

    `options` are the network's own. `compiled` counts where there is a C++ compiler.
    `confusion_at` are SNRs of which the confusion is kept.
    """

    data: str = "data"
    model: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=400, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    halve_after: int | None = Field(default=10, ge=1)
    stop_after: int | None = Field(default=50, ge=1)
    precision: Precision = "bf16-mixed"
    compiled: bool = False
    threads: int | None = Field(default=None, ge=1)
    confusion_at: tuple[int, ...] = ()

    def schedule(self) -> dict[str, Any]:
        """Return what every learner takes of these."""
        return {"halve_after": self.halve_after, "stop_after": self.stop_after}


class ClassifierSettings(TrainSettings):
    """`reconstruction` is the share of an autoencoder's second loss."""

    reconstruction: float | None = Field(default=None, ge=0, le=1)


@stage("train-classifier", ClassifierSettings, per_seed=True)
def train_classifier(settings: ClassifierSettings, context: StageContext) -> StageOutcome:
    """Train with cross-entropy."""
    data = split_data(context, settings.data)

    def learner(model: nn.Module) -> Learner:
        options = {**settings.schedule(), "compiled": settings.compiled and can_compile()}
        count, rate = len(data.classes), settings.learning_rate
        if settings.reconstruction is None:
            return Classifier(model, count, rate, **options)
        return Reconstruction(model, count, rate, settings.reconstruction, **options)

    return _train(settings, context, data, data.part("train"), learner)


class WeightedSettings(TrainSettings):
    """`weights_from` is the stage whose network says how much each example counts, by its `k`."""

    weights_from: str
    k: int = Field(default=3, ge=2)


@stage("train-weighted", WeightedSettings, per_seed=True)
def train_weighted(settings: WeightedSettings, context: StageContext) -> StageOutcome:
    """Train from scratch, each example weighted by the confidence of an earlier network."""
    data = split_data(context, settings.data)
    windows = data.part("train")
    weights = confidence_weights(trained(context, settings.weights_from), windows, k=settings.k)
    context.log(f"weights of the examples: mean {weights.mean():.3f}")

    def learner(model: nn.Module) -> Learner:
        return WeightedClassifier(
            model,
            len(data.classes),
            settings.learning_rate,
            compiled=settings.compiled and can_compile(),
            **settings.schedule(),
        )

    return _train(settings, context, data, WeightedDataset(windows, weights), learner)


class DistilSettings(TrainSettings):
    """`teacher` is the stage of the teacher; the rest as `training.Distillation` has it."""

    teacher: str
    alpha: float = Field(default=1.0, ge=0)
    beta: float = Field(default=9e5, ge=0)
    gamma: float = Field(default=1.0, ge=0)
    temperature: float = Field(default=1.5, gt=0)
    similar: tuple[str, ...] = ("tcn_iq", "tcn_ap")
    norm: Literal["batch", "example"] = "batch"
    relation: Literal["pearson", "divergence"] = "pearson"


@stage("distil", DistilSettings, per_seed=True)
def distil(settings: DistilSettings, context: StageContext) -> StageOutcome:
    """Train a student beside its teacher."""
    data = split_data(context, settings.data)
    teacher = trained(context, settings.teacher)

    def learner(model: nn.Module) -> Learner:
        return Distillation(
            model,
            len(data.classes),
            settings.learning_rate,
            teacher,
            alpha=settings.alpha,
            beta=settings.beta,
            gamma=settings.gamma,
            temperature=settings.temperature,
            similar=settings.similar,
            norm=settings.norm,
            relation=settings.relation,
            **settings.schedule(),
        )

    return _train(settings, context, data, data.part("train"), learner)


def _train(
    settings: TrainSettings,
    context: StageContext,
    data: SplitData,
    windows: BatchSource,
    learner: Callable[[nn.Module], Learner],
) -> StageOutcome:
    """Build, train, keep the weights of the best epoch, and test them."""
    torch.manual_seed(context.seed)
    model = build(settings.model, data.classes, **settings.options)
    result = fit(
        learner(model),
        windows,
        data.part("validation"),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        directory=context.folder,
        precision=settings.precision,
        accelerator="auto",
        seed=context.seed,
        threads=settings.threads,
    )
    save_safetensors(model, context.folder / WEIGHTS)
    name = _name(context)
    block = test_block(model, data, name, context.folder, settings.confusion_at)
    block["epochs"] = result.epochs
    context.log(f"{name}: {100 * block['accuracy']:.2f}% of the test, {result.epochs} epochs")
    return StageOutcome(metrics={name: block})


def _name(context: StageContext) -> str:
    """Return the name of the stage, whose folder is `stages/NAME/seed-N`."""
    return context.folder.parent.name


def trained(context: StageContext, name: str) -> nn.Module:
    """Return the network of an earlier training stage, with the weights of its best epoch.

    Raises:
        ExperimentError: the stage is none of these.
    """
    folder, settings = context.output(name), context.stages[name]
    if not isinstance(settings, TrainSettings):
        raise ExperimentError(f"stage {name!r} is of kind {settings.kind!r}, which trains nothing")
    classes = split_data(context, settings.data).classes
    model = build(settings.model, classes, **settings.options)
    load_safetensors(model, folder / WEIGHTS)
    return model.eval()
