"""The stage `generate-features`: a GAN of the features of an extractor, learnt on seen classes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import nn

from hertzian.deployment.export import load_safetensors, stored_shapes
from hertzian.experiments.classifiers.data import DatasetSettings, SplitData, split_data
from hertzian.experiments.classifiers.tested import embeddings
from hertzian.experiments.classifiers.train import WEIGHTS, fit_network, source_of, stage_name
from hertzian.experiments.clustering import asked_network, figures
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.experiments.zeroshot.vectors import ClassVectors, class_vectors
from hertzian.models.sigzslnet import FeatureGan
from hertzian.training import Mixed, Precision
from hertzian.training.feature_gan import FeatureGanLearner, FeatureRows

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


class ExtractedSettings(StageSettings):
    """What features are made of: seen windows, an extractor, and vectors of the classes.

    `network` is the stage of the extractor. It must not have learnt from an unseen class, unless
    `taught_unseen` says that this is what is measured, which then is not zero-shot.
    """

    data: str = "data"
    network: str
    vectors: str
    taught_unseen: Literal[True] | None = None


class GenerateSettings(ExtractedSettings):
    """How the generator and its critic learn; see `training.feature_gan`.

    `noise` is added to vectors, `head_weight` that of f-CLSWGAN's loss by the extractor's own
    head, and `with_level` tells generator and critic the SNR.
    """

    noise: float = Field(default=0.1, ge=0)
    penalty: float = Field(default=10.0, ge=0)
    critic_steps: int = Field(default=5, ge=1)
    head_weight: float = Field(default=0.0, ge=0)
    with_level: bool = False
    epochs: int = Field(default=50, ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-4, gt=0)
    precision: Precision | Literal["auto"] = "32-true"
    threads: int | None = Field(default=None, ge=1)


@dataclass(frozen=True)
class Part:
    """Features [n, length] of windows, numbers of their classes [n], and their SNRs in dB [n]."""

    features: Features
    labels: Labels
    snr_db: npt.NDArray[np.float32]

    def taken(self, rows: npt.NDArray[np.bool_]) -> "Part":
        """Return some of them."""
        return Part(self.features[rows], self.labels[rows], self.snr_db[rows])


@dataclass(frozen=True)
class Extracted:
    """What a stage may know of features: those of seen windows, and the vectors of all classes."""

    data: SplitData
    network: nn.Module
    vectors: ClassVectors

    def part(self, name: str) -> Part:
        """Return a part of the seen windows."""
        return part_of(self.network, self.data, name)

    def level(self, snr_db: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return SNRs on a scale from the least of the training part to its largest, 0 to 1."""
        known = self.data.snr_db("train")
        low, high = float(known.min()), float(known.max())
        return ((snr_db - low) / (high - low or 1)).astype(np.float32)


def part_of(network: nn.Module, data: SplitData, name: str) -> Part:
    """Return what a network makes of a part of a dataset."""
    features = embeddings(network, data.part(name))
    return Part(features, data.labels(name), data.snr_db(name))


def open_test(known: Extracted, unseen: str, context: StageContext) -> Part:
    """Open the windows of the stage `unseen`, for the first time, beside the test part of the seen.

    Raises:
        ExperimentError: they are of other classes than were described.
    """
    other = split_data(context, unseen)
    if set(other.classes) != set(known.vectors.unseen):
        raise ExperimentError(
            f"stage {unseen} has windows of {', '.join(other.classes)}; described as unseen are "
            f"{', '.join(known.vectors.unseen)}"
        )
    numbers = np.array([known.vectors.classes.index(name) for name in other.classes])
    seen, new = known.part("test"), part_of(known.network, other, "test")
    return Part(
        np.concatenate([seen.features, new.features]),
        np.concatenate([seen.labels, numbers[new.labels]]),
        np.concatenate([seen.snr_db, new.snr_db]),
    )


def extracted(settings: ExtractedSettings, context: StageContext) -> Extracted:
    """Return the extractor, the seen windows and the vectors that settings name.

    Raises:
        ExperimentError: they don't belong together, or the extractor has seen an unseen class.
    """
    data, vectors = split_data(context, settings.data), class_vectors(context, settings.vectors)
    if vectors.classes[: vectors.seen] != data.classes:
        raise ExperimentError(
            f"stage {settings.vectors} has vectors for {', '.join(vectors.classes[: vectors.seen])}"
            f" as seen, the data have {', '.join(data.classes)}"
        )
    for name in sorted(_data_behind(context, settings.network)):
        _refuse_leaks(settings, name, split_data(context, name), data, vectors)
    return Extracted(data, asked_network(context, settings.network, data), vectors)


def _data_behind(context: StageContext, name: str) -> set[str]:
    """Return the stages `dataset` that a stage depends on, through whatever stages it names."""
    settings = context.stages[name]
    if isinstance(settings, DatasetSettings):
        return {name}
    named = {value for _, value in settings if isinstance(value, str) and value in context.outputs}
    return {data for stage in named - {name} for data in _data_behind(context, stage)}


def _refuse_leaks(
    settings: ExtractedSettings,
    name: str,
    learnt: SplitData,
    data: SplitData,
    vectors: ClassVectors,
) -> None:
    """Check a dataset that the extractor has learnt from.

    Raises:
        ExperimentError: it has unseen classes, or the windows of the test.
    """
    known = sorted(set(learnt.classes) & set(vectors.unseen))
    if known and not settings.taught_unseen:
        raise ExperimentError(
            f"stage {settings.network} has learnt from {', '.join(known)} of stage {name}, which "
            f"should be unseen; take it out of its data, or say taught_unseen: true"
        )
    if set(learnt.identity) & set(data.identity) and learnt.description != data.description:
        raise ExperimentError(
            f"stages {name} and {settings.data} split the same windows in different ways: the test "
            f"would not be on what is new to the extractor; give one of them another seed"
        )


@stage("generate-features", GenerateSettings, per_seed=True)
def generate_features(settings: GenerateSettings, context: StageContext) -> StageOutcome:
    """Learn to generate features of seen classes from their vectors (Wasserstein GAN)."""
    known = extracted(settings, context)
    train, validation = known.part("train"), known.part("validation")
    features, labels = train.features, train.labels
    centre = torch.from_numpy(features.mean(axis=0))
    scale = float(np.sqrt(np.mean(np.square(features - features.mean(axis=0))))) or 1.0
    torch.manual_seed(context.seed)
    model = _fresh(settings, known.vectors, centre, scale)
    means = torch.stack(
        [torch.from_numpy(features[labels == one].mean(axis=0)) for one in np.unique(labels)]
    )
    learner = FeatureGanLearner(
        model,
        known.vectors.seen,
        settings.learning_rate,
        model.normalised(means),
        penalty=settings.penalty,
        critic_steps=settings.critic_steps,
        head=_head(settings, context, known) if settings.head_weight else None,
        head_weight=settings.head_weight,
    )
    rows, others = (
        FeatureRows(part.features, part.labels, known.level(part.snr_db))
        for part in (train, validation)
    )
    result = fit_network(settings, context, learner, rows, Mixed(others))
    name = stage_name(context)
    context.log(f"{name}: {100 * result.best_accuracy:.2f}% of seen features generated rightly")
    told = {"generated_rightly": result.best_accuracy, "epochs": result.epochs}
    return StageOutcome(metrics={name: {**told, "history": figures(learner, context.folder)}})


def _head(settings: GenerateSettings, context: StageContext, known: Extracted) -> nn.Module:
    """Return what the extractor makes logits of the seen classes by.

    Raises:
        ExperimentError: it has none, or was taught other classes.
    """
    head = getattr(known.network, "head", None)
    learnt = split_data(context, source_of(context, settings.network).data)
    if not isinstance(head, nn.Module) or learnt.classes != known.data.classes:
        raise ExperimentError(
            f"head_weight: stage {settings.network} doesn't classify the seen classes by a head on "
            f"its embedding; leave it out"
        )
    return head


def generator_of(context: StageContext, name: str) -> tuple[Extracted, FeatureGan]:
    """Return what an earlier stage `generate-features` learnt from, and what it has learnt.

    Raises:
        ExperimentError: the stage is none of these.
    """
    folder, settings = context.output(name), context.stages[name]
    if not isinstance(settings, GenerateSettings):
        raise ExperimentError(
            f"stage {name!r} is of kind {settings.kind!r}, expected 'generate-features'"
        )
    known = extracted(settings, context)
    (length,) = stored_shapes(folder / WEIGHTS)["centre"]
    model = _fresh(settings, known.vectors, torch.zeros(length), 1.0)
    load_safetensors(model, folder / WEIGHTS)
    return known, model.eval()


def _fresh(
    settings: GenerateSettings, vectors: ClassVectors, centre: torch.Tensor, scale: float
) -> FeatureGan:
    return FeatureGan(
        torch.from_numpy(vectors.vectors),
        centre,
        scale,
        settings.noise,
        with_level=settings.with_level,
    )
