"""Stages that map features to vectors of classes, which zero-shot recognition is measured by."""

import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from hertzian.experiments.classifiers.train import stage_name
from hertzian.experiments.stages import StageContext, StageOutcome, stage
from hertzian.experiments.zeroshot.decision import DecisionSettings, Rows, decided
from hertzian.experiments.zeroshot.features import (
    Extracted,
    ExtractedSettings,
    Features,
    Labels,
    extracted,
)
from hertzian.recordings import atomic_path

Doubles = npt.NDArray[np.float64]

_MAP = "map.npz"
_SEEDS = 1 << 32  # of scikit-learn


class LinearSettings(ExtractedSettings, DecisionSettings):
    """A linear map between features and vectors of classes.

    `method` is "eszsl" (Romera-Paredes and Torr, An embarrassingly simple approach to zero-shot
    learning, 2015, eq. 5; `ridge` and `vector_ridge` are its gamma and lambda), or "projection":
    features are mapped to vectors by ridge regression, and the nearest vector is taken.
    """

    method: Literal["eszsl", "projection"]
    ridge: float = Field(default=1.0, gt=0)
    vector_ridge: float = Field(default=1.0, gt=0)


@stage("zero-shot-linear", LinearSettings, per_seed=True)
def zero_shot_linear(settings: LinearSettings, context: StageContext) -> StageOutcome:
    """Recognise seen and unseen classes by a linear map that seen ones have taught."""
    known = extracted(settings, context)
    train, vectors = known.part("train"), _unit_vectors(known)
    mean, scale = _units(train.features)
    x = (train.features - mean) / scale
    weights = _linear_map(settings, x, train.labels, vectors[: known.vectors.seen])
    with atomic_path(context.folder / _MAP) as partial, partial.open("wb") as file:
        np.savez(file, weights=weights, mean=mean, scale=scale)

    def score(features: Features) -> Rows:
        found = (features - mean) / scale @ weights
        return found @ vectors.T if settings.method == "eszsl" else _nearness(found, vectors)

    block, _ = decided(settings, known, score, context)
    return StageOutcome(metrics={stage_name(context): block})


class NearestSettings(ExtractedSettings, DecisionSettings):
    """A network of one hidden layer of `units` that tells a window's attributes.

    The class is the one whose vector is nearest (after Lampert et al., Learning to detect unseen
    object classes by between-class attribute transfer, 2009, whose attributes are yes or no).
    """

    units: int = Field(default=128, ge=1)
    epochs: int = Field(default=30, ge=1)


@stage("nearest-attribute", NearestSettings, per_seed=True)
def nearest_attribute(settings: NearestSettings, context: StageContext) -> StageOutcome:
    """Estimate attributes of windows, and take the class that has the nearest."""
    known = extracted(settings, context)
    train = known.part("train")
    mean, scale = _units(train.features)
    vectors = known.vectors.vectors.astype(np.float64)
    model = MLPRegressor(
        hidden_layer_sizes=(settings.units,),
        max_iter=settings.epochs,
        n_iter_no_change=settings.epochs,
        random_state=context.seed % _SEEDS,
    )
    x = (train.features - mean) / scale
    with threadpool_limits(1), warnings.catch_warnings():
        # it ends after `epochs`, settled or not
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, vectors[train.labels])
    with atomic_path(context.folder / _MAP) as partial, partial.open("wb") as file:
        np.savez(file, *model.coefs_, *model.intercepts_, mean=mean, scale=scale)

    def score(features: Features) -> Rows:
        with threadpool_limits(1):
            found = model.predict((features - mean) / scale)
        return _nearness(found.reshape(len(features), -1), vectors)

    block, _ = decided(settings, known, score, context)
    return StageOutcome(metrics={stage_name(context): block})


def _units(features: Features) -> tuple[Doubles, float]:
    """Return the mean [length], and the root mean square of what deviates from it."""
    x = features.astype(np.float64)
    mean = x.mean(axis=0)
    return mean, float(np.sqrt(np.mean(np.square(x - mean)))) or 1.0


def _unit_vectors(known: Extracted) -> Doubles:
    vectors = known.vectors.vectors.astype(np.float64)
    unit: Doubles = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return unit


def _nearness(found: Rows, vectors: Doubles) -> Doubles:
    """Return minus the squared distance of each row to each vector, [n, classes]."""
    nearness: Doubles = -np.square(found[:, None] - vectors[None]).sum(axis=2)
    return nearness


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
