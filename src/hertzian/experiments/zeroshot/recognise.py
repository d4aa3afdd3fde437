"""Stages that recognise seen and unseen classes together, and are tested on both.

`unseen` names a stage `dataset` of one part, `test`, whose windows are opened here alone, when all
is learnt.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from hertzian.evaluation import evaluation_block, evaluation_curves, softmax
from hertzian.experiments.classifiers.data import split_data
from hertzian.experiments.classifiers.tested import embeddings
from hertzian.experiments.classifiers.train import fit_network, stage_name
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.experiments.zeroshot.features import (
    Extracted,
    ExtractedSettings,
    Features,
    Labels,
    extracted,
    generator_of,
)
from hertzian.models.sigzslnet import FeatureClassifier, FeatureGan
from hertzian.recordings import atomic_path
from hertzian.training import Classifier, Mixed, Precision
from hertzian.training.feature_gan import FeatureRows

Doubles = npt.NDArray[np.float64]

_MAP = "map.npz"


class RecogniseSettings(StageSettings):
    """A classifier of real features of seen classes and generated ones of unseen classes.

    Of each unseen class it learns from `per` generated ones, by default as many as a seen class
    has windows in the mean.
    """

    generator: str
    unseen: str
    per: int | None = Field(default=None, ge=1)
    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    stop_after: int | None = Field(default=5, ge=1)
    precision: Precision | Literal["auto"] = "32-true"
    threads: int | None = Field(default=None, ge=1)
    confusion_at: tuple[int, ...] = ()


@stage("recognise-unseen", RecogniseSettings, per_seed=True)
def recognise_unseen(settings: RecogniseSettings, context: StageContext) -> StageOutcome:
    """Learn to tell seen and unseen classes apart, and test it on both (generalised setting)."""
    known, gan = generator_of(context, settings.generator)
    torch.manual_seed(context.seed)
    train, validation = (
        _with_generated(known, gan, part, settings.per) for part in ("train", "validation")
    )
    model = FeatureClassifier(train[0].shape[1], len(known.vectors.classes))
    learner = Classifier(
        model,
        len(known.vectors.classes),
        settings.learning_rate,
        stop_after=settings.stop_after,
    )
    result = fit_network(
        settings, context, learner, FeatureRows(*train), Mixed(FeatureRows(*validation))
    )
    features, truth, snr_db = _test(known, settings.unseen, context)
    model.cpu().eval()
    with torch.no_grad():
        scores = model(_normalised(gan, features)).numpy()
    block = _block(context, known, scores, truth, snr_db, settings.confusion_at)
    block["distances"] = _distances(known, gan, features, truth)
    return StageOutcome(metrics={stage_name(context): {**block, "epochs": result.epochs}})


class LinearSettings(ExtractedSettings):
    """A linear map between features and vectors of classes.

    `method` is "eszsl" (Romera-Paredes and Torr, An embarrassingly simple approach to zero-shot
    learning, 2015, eq. 5; `ridge` and `vector_ridge` are its gamma and lambda), or "projection":
    features are mapped to vectors by ridge regression, and the nearest vector is taken.
    """

    unseen: str
    method: Literal["eszsl", "projection"]
    ridge: float = Field(default=1.0, gt=0)
    vector_ridge: float = Field(default=1.0, gt=0)
    confusion_at: tuple[int, ...] = ()


@stage("zero-shot-linear", LinearSettings, per_seed=True)
def zero_shot_linear(settings: LinearSettings, context: StageContext) -> StageOutcome:
    """Recognise seen and unseen classes by a linear map that seen ones have taught."""
    known = extracted(settings, context)
    x = known.features("train").astype(np.float64)
    mean, scale = x.mean(axis=0), np.sqrt(np.mean(np.square(x - x.mean(axis=0)))) or 1.0
    vectors = known.vectors.vectors.astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    seen, labels = vectors[: known.vectors.seen], known.data.labels("train")
    weights = _linear_map(settings, (x - mean) / scale, labels, seen)
    with atomic_path(context.folder / _MAP) as partial, partial.open("wb") as file:
        np.savez(file, weights=weights, mean=mean, scale=scale)
    features, truth, snr_db = _test(known, settings.unseen, context)
    found = (features - mean) / scale @ weights
    if settings.method == "eszsl":
        scores = found @ vectors.T
    else:
        scores = -np.square(found[:, None] - vectors[None]).sum(axis=2)
    block = _block(context, known, scores, truth, snr_db, settings.confusion_at)
    return StageOutcome(metrics={stage_name(context): block})


def _linear_map(settings: LinearSettings, x: Doubles, labels: Labels, seen: Doubles) -> Doubles:
    """Return the map from features [n, features] to vectors: float64 [features, length]."""
    # means instead of sums, so that a ridge means the same for any number of windows
    covariance = x.T @ x / len(x) + settings.ridge * np.eye(x.shape[1])
    if settings.method == "projection":
        wanted: Doubles = x.T @ seen[labels] / len(x)
        projection: Doubles = np.linalg.solve(covariance, wanted).astype(np.float64)
        return projection
    signs = 2.0 * (labels[:, None] == np.arange(len(seen))) - 1
    inner = seen.T @ seen + settings.vector_ridge * np.eye(seen.shape[1])
    weights: Doubles = np.linalg.solve(covariance, x.T @ signs @ seen / len(x))
    return weights @ np.linalg.inv(inner)


def _with_generated(
    known: Extracted, gan: FeatureGan, part: str, per: int | None
) -> tuple[Features, Labels]:
    """Return normalised features and labels: real ones of seen classes, generated of unseen."""
    real, labels = known.features(part), known.data.labels(part)
    share = len(real) / len(known.data.labels("train"))
    count = len(real) // known.vectors.seen if per is None else max(1, round(per * share))
    level = torch.from_numpy(known.level(known.data.snr_db(part)))
    numbers = torch.arange(known.vectors.seen, len(known.vectors.classes)).repeat_interleave(count)
    chosen = level[torch.randint(len(level), (len(numbers),))]
    with torch.no_grad():
        drawn = gan.draw(numbers, chosen).numpy()
    both = np.concatenate([_normalised(gan, real).numpy(), drawn])
    return both, np.concatenate([labels, numbers.numpy()])


def _normalised(gan: FeatureGan, features: Features) -> torch.Tensor:
    return gan.normalised(torch.from_numpy(features))


def _test(
    known: Extracted, unseen: str, context: StageContext
) -> tuple[Features, Labels, npt.NDArray[np.float32]]:
    """Return features, labels and SNRs of the test part of seen classes, and of unseen windows.

    Raises:
        ExperimentError: the unseen windows are of other classes than were described.
    """
    other = split_data(context, unseen)
    if set(other.classes) != set(known.vectors.unseen):
        raise ExperimentError(
            f"stage {unseen} has windows of {', '.join(other.classes)}; described as unseen are "
            f"{', '.join(known.vectors.unseen)}"
        )
    numbers = np.array([known.vectors.classes.index(name) for name in other.classes])
    features = (known.features("test"), embeddings(known.network, other.part("test")))
    labels = (known.data.labels("test"), numbers[other.labels("test")])
    snr_db = (known.data.snr_db("test"), other.snr_db("test"))
    return np.concatenate(features), np.concatenate(labels), np.concatenate(snr_db)


def _block(
    context: StageContext,
    known: Extracted,
    scores: npt.NDArray[np.floating[Any]],
    truth: Labels,
    snr_db: npt.NDArray[np.float32],
    confusion_at: tuple[int, ...],
) -> dict[str, Any]:
    """Return the metrics of scores [n, classes]; `harmonic_mean` is eq. 8."""
    classes, probabilities = known.vectors.classes, softmax(scores)
    right = probabilities.argmax(axis=1) == truth
    shares = [float(right[truth == number].mean()) for number in range(len(classes))]
    seen, unseen = np.mean(shares[: known.vectors.seen]), np.mean(shares[known.vectors.seen :])
    harmonic = 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0
    name = stage_name(context)
    context.log(
        f"{name}: {100 * seen:.2f}% of seen, {100 * unseen:.2f}% of unseen classes, harmonic mean "
        f"{100 * harmonic:.2f}%"
    )
    common: dict[str, Any] = {
        **{"classes": classes, "probabilities": probabilities, "truth": truth, "snr_db": snr_db}
    }
    return {
        **evaluation_block(model=name, data="test parts, seen and unseen", **common),
        **evaluation_curves(confusion_at=confusion_at, **common),
        **{"seen": float(seen), "unseen": float(unseen), "harmonic_mean": float(harmonic)},
    }


def _distances(
    known: Extracted, gan: FeatureGan, features: Features, truth: Labels
) -> dict[str, dict[str, float]]:
    """Return how far the mean of an unseen class's generated features is from means of real ones.

    `own` is the distance to its own, `nearest_seen` the least to a seen class's.
    """
    real = _normalised(gan, features)
    count, level = 1000, torch.linspace(0, 1, 1000)
    means = torch.stack(
        [
            real[torch.from_numpy(truth == number)].mean(dim=0)
            for number in range(len(known.vectors.classes))
        ]
    )
    found = {}
    for number in range(known.vectors.seen, len(known.vectors.classes)):
        with torch.no_grad():
            drawn = gan.draw(torch.full((count,), number), level).mean(dim=0)
        apart = (means - drawn).norm(dim=1)
        nearest = float(apart[: known.vectors.seen].min())
        told = {"own": float(apart[number]), "nearest_seen": nearest}
        found[known.vectors.classes[number]] = told
    return found
