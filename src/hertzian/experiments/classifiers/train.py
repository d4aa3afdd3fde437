"""Stages that train one network on the data of a stage `dataset`, and test it.

The metrics of each are one block under the stage's own name; its folder holds `weights.safetensors`
and `predictions.npz`, the test's probabilities in the order of the split.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, Protocol

import torch
from pydantic import Field, JsonValue, model_validator
from torch import nn

from hertzian.deployment.export import load_safetensors, save_safetensors, stored_shapes
from hertzian.experiments.classifiers.data import SplitData, bar, split_data
from hertzian.experiments.classifiers.tested import test_block
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models import MultiHead, build, spec
from hertzian.models.shapes import take_shapes
from hertzian.training import (
    KEPT_BYTES,
    BatchSource,
    Classifier,
    Distillation,
    FitResult,
    Learner,
    Precision,
    Reconstruction,
    TaughtDataset,
    WeightedClassifier,
    WeightedDataset,
    can_compile,
    confidence_weights,
    fit,
    taught_bytes,
)

WEIGHTS = "weights.safetensors"
INTEGERS = "integers.onnx"

# Gao et al., CrossTLNet, 2023: table 3 and section 2.5.
_BETA, _BETA_BATCH = 9e5, 32


class NetworkSettings(StageSettings, ABC):
    """A stage whose folder has a network: `WEIGHTS`, of a `pruned` one fewer, or `INTEGERS`."""

    pruned: ClassVar[bool] = False
    in_integers: ClassVar[bool] = False

    @abstractmethod
    def source(self, context: StageContext) -> "TrainSettings":
        """Return the settings by which its network was first built and trained."""


class TrainSettings(NetworkSettings):
    """A network of the registry and how it is trained; see `training.Classifier` and `fit`.

    `options` are the network's own. `precision` "auto" is bfloat16 where it is fast, `compiled`
    counts where there is a C++ compiler. `confusion_at` are SNRs of which the confusion is kept.
    """

    data: str = "data"
    model: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=400, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    halve_after: int | None = Field(default=10, ge=1)
    stop_after: int | None = Field(default=50, ge=1)
    averaged: float | None = Field(default=None, gt=0)
    weight_decay: float | None = Field(default=None, gt=0)
    precision: Precision | Literal["auto"] = "auto"
    compiled: bool = False
    threads: int | None = Field(default=None, ge=1)
    confusion_at: tuple[int, ...] = ()

    def source(self, context: StageContext) -> "TrainSettings":
        """Return these."""
        return self

    def network(self, data: SplitData) -> nn.Module:
        """Return the network with fresh weights, for the classes of these data."""
        options: dict[str, Any] = dict(self.options)
        return build(self.model, data.classes, protocols=(), **options)

    def schedule(self) -> dict[str, Any]:
        """Return what every learner takes of these."""
        return {
            "halve_after": self.halve_after,
            "stop_after": self.stop_after,
            "averaged": self.averaged,
            "weight_decay": self.weight_decay,
        }


class ClassifierSettings(TrainSettings):
    """`reconstruction` is the share of an autoencoder's second loss; it can't be compiled."""

    reconstruction: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _no_trees(self) -> "ClassifierSettings":
        if self.model == "boosted-features":
            raise ValueError("model: the trees of boosted-features are grown by train-boosted")
        return self

    @model_validator(mode="after")
    def _no_compiled_features(self) -> "ClassifierSettings":
        if self.reconstruction is not None and self.compiled:
            raise ValueError("compiled: a network with a reconstruction can't be")
        return self


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
    network = _earlier(context, settings.weights_from, data)
    weights = confidence_weights(network, windows, k=settings.k)
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
    """`teacher` is the stage of the teacher; the rest as `training.Distillation` has it.

    `beta` is by default the paper's 9e5 for batches of 32, and grows with the square of the batch.
    """

    teacher: str
    alpha: float = Field(default=1.0, ge=0)
    beta: float | None = Field(default=None, ge=0)
    gamma: float = Field(default=1.0, ge=0)
    temperature: float = Field(default=1.5, gt=0)
    similar: tuple[str, ...] = ("tcn_iq", "tcn_ap")
    norm: Literal["batch", "example"] = "batch"
    relation: Literal["pearson", "divergence"] = "pearson"

    @model_validator(mode="after")
    def _not_compiled(self) -> "DistilSettings":
        if self.compiled:
            raise ValueError("compiled: a student that is compared with its teacher can't be")
        return self


@stage("distil", DistilSettings, per_seed=True)
def distil(settings: DistilSettings, context: StageContext) -> StageOutcome:
    """Train a student beside its teacher."""
    data = split_data(context, settings.data)
    teacher = _earlier(context, settings.teacher, data)
    beta = settings.beta
    if beta is None:
        beta = _BETA * (settings.batch_size / _BETA_BATCH) ** 2

    def learner(model: nn.Module) -> Learner:
        return Distillation(
            model,
            len(data.classes),
            settings.learning_rate,
            teacher,
            alpha=settings.alpha,
            beta=beta,
            gamma=settings.gamma,
            temperature=settings.temperature,
            similar=settings.similar,
            norm=settings.norm,
            relation=settings.relation,
            **settings.schedule(),
        )

    windows = _taught(teacher, data.part("train"), settings.similar)
    return _train(settings, context, data, windows, learner)


def _taught(teacher: nn.Module, windows: BatchSource, similar: Sequence[str]) -> BatchSource:
    """Ask the teacher beforehand where that is the longer part of a step, and memory allows."""
    if torch.cuda.is_available() or taught_bytes(windows, teacher, similar) > KEPT_BYTES:
        return windows
    with bar("the teacher's windows", len(windows)) as advance:
        return TaughtDataset(windows, teacher, similar, advance)


def _train(
    settings: TrainSettings,
    context: StageContext,
    data: SplitData,
    windows: BatchSource,
    learner: Callable[[nn.Module], Learner],
) -> StageOutcome:
    """Build, train, keep the weights of the best epoch, and test them."""
    model = fresh_network(settings, context, data)
    result = fit_network(settings, context, learner(model), windows, data.part("validation"))
    name = stage_name(context)
    block = test_block(model, data, name, context.folder, settings.confusion_at)
    block |= {"epochs": result.epochs, "precision": result.precision}
    context.log(f"{name}: {100 * block['accuracy']:.2f}% of the test, {result.epochs} epochs")
    return StageOutcome(metrics={name: block})


def fresh_network(settings: TrainSettings, context: StageContext, data: SplitData) -> nn.Module:
    """Return the network of a stage before its training, with the weights of the seed.

    Raises:
        ExperimentError: it takes no windows of this length.
    """
    torch.manual_seed(context.seed)
    model = settings.network(data)
    refuse_other_windows(model, settings.model, data)
    return model


class FitSettings(Protocol):
    """How long and how a stage trains; see `training.fit`."""

    @property
    def epochs(self) -> int:
        """Passes over the windows, at most."""
        ...

    @property
    def batch_size(self) -> int:
        """Windows in a step."""
        ...

    @property
    def precision(self) -> Precision | Literal["auto"]:
        """What is computed in."""
        ...

    @property
    def threads(self) -> int | None:
        """Processor threads; None leaves torch's choice."""
        ...


def fit_network(
    settings: FitSettings,
    context: StageContext,
    learner: Learner,
    windows: BatchSource,
    validation: BatchSource,
) -> FitResult:
    """Train as the settings say, and write the weights of the best epoch."""
    result = fit(
        learner,
        windows,
        validation,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        directory=context.folder,
        precision=settings.precision,
        accelerator="auto",
        seed=context.seed,
        threads=settings.threads,
    )
    save_safetensors(learner.model, context.folder / WEIGHTS)
    return result


def stage_name(context: StageContext) -> str:
    """Return the name of the stage, whose folder is `stages/NAME/seed-N`."""
    return context.folder.parent.name


def refuse_other_windows(model: nn.Module, name: str, data: SplitData) -> None:
    """Find out beforehand whether a network, by its name, takes windows of this length.

    Raises:
        ExperimentError: it does not.
    """
    model.eval()
    try:
        with torch.no_grad():
            model(torch.zeros(1, 2, data.samples))
    except RuntimeError as error:
        raise ExperimentError(
            f"{name} takes no windows of {data.samples} samples, as the data have; it was "
            f"published for {spec(name).samples}"
        ) from error


def _earlier(context: StageContext, name: str, data: SplitData) -> nn.Module:
    """Return the network of an earlier stage, if it learnt from the same part of the same data."""
    if split_data(context, source_of(context, name).data).description != data.description:
        raise ExperimentError(
            f"stage {name} learnt from other windows, or another split of them: the test "
            f"would not be on what is new to both; give both stages the same data"
        )
    network = trained(context, name)
    if isinstance(network, MultiHead):
        raise ExperimentError(f"stage {name} trains a network with several heads; give one of one")
    return network


def trained(context: StageContext, name: str) -> nn.Module:
    """Return the network of an earlier training stage, with the weights of its best epoch.

    Raises:
        ExperimentError: the stage is none of these.
    """
    settings, weights = network_settings(context, name), context.output(name) / WEIGHTS
    if settings.in_integers:
        raise ExperimentError(f"stage {name!r} leaves a file in integers, which torch can't run")
    source = settings.source(context)
    model = source.network(split_data(context, source.data))
    if settings.pruned:
        take_shapes(model, stored_shapes(weights))
    load_safetensors(model, weights)
    return model.eval()


def source_of(context: StageContext, name: str) -> TrainSettings:
    """Return the settings by which the network of an earlier stage was first built and trained.

    Raises:
        ExperimentError: the stage trains no network.
    """
    return network_settings(context, name).source(context)


def network_settings(context: StageContext, name: str) -> NetworkSettings:
    """Return the settings of an earlier stage that leaves a network.

    Raises:
        ExperimentError: it leaves none.
    """
    context.output(name)  # refuses what is no earlier stage
    settings = context.stages[name]
    if not isinstance(settings, NetworkSettings):
        raise ExperimentError(f"stage {name!r} is of kind {settings.kind!r}, which trains nothing")
    return settings
