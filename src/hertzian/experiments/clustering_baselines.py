"""Stages of other ways to cluster, which deep transfer clustering is measured beside."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from sklearn.cluster import KMeans
from torch import nn

from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.tested import answers_of, columns, embeddings, logits
from hertzian.experiments.classifiers.train import (
    fit_network,
    fresh_network,
    source_of,
    stage_name,
    trained,
)
from hertzian.experiments.clustering import OutputsSettings, clusters_outcome
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.training import BatchSource, Learner, Mixed, Precision, Settling, fit, history
from hertzian.training.embedded import (
    Autoencoder,
    Autoencoding,
    EmbeddedClustering,
    EmbeddedClusters,
)
from hertzian.training.semantic import (
    Contrast,
    Neighbours,
    SemanticClustering,
    nearest_neighbours,
)


class KMeansSettings(StageSettings):
    """`network` gives its embedding of each window; without one the windows themselves are taken.

    `starts` is how often the best of several is sought.
    """

    data: str = "data"
    network: str | None = None
    clusters: int = Field(ge=2)
    starts: int = Field(default=10, ge=1)


@stage("k-means", KMeansSettings, per_seed=True)
def k_means(settings: KMeansSettings, context: StageContext) -> StageOutcome:
    """Cluster by K-means (MacQueen 1967)."""
    data = split_data(context, settings.data)
    if settings.network is None:
        points = _flat(data)
    else:
        points = embeddings(trained(context, settings.network), data.part("test"))
    found = KMeans(settings.clusters, n_init=settings.starts, random_state=context.seed)
    assigned = found.fit_predict(points).astype(np.int64)
    return clusters_outcome(context, data, assigned, {})


class EmbeddedSettings(StageSettings):
    """`coder_epochs` are those of the autoencoder, `starts` those of the K-means in its code."""

    data: str = "data"
    clusters: int = Field(ge=2)
    coder_epochs: int = Field(ge=1)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=256, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    starts: int = Field(default=20, ge=1)
    settled: float = Field(default=0.999, gt=0, le=1)
    settled_epochs: int = Field(default=1, ge=1)
    precision: Precision | Literal["auto"] = "auto"
    threads: int | None = Field(default=None, ge=1)


def _fit_unlabelled(
    learner: Learner,
    windows: BatchSource,
    epochs: int,
    settings: EmbeddedSettings,
    context: StageContext,
) -> int:
    """Train in a folder of its own; return the number of epochs."""
    result = fit(
        learner,
        windows,
        windows,
        epochs=epochs,
        batch_size=settings.batch_size,
        directory=context.folder / type(learner).__name__.lower(),
        precision=settings.precision,
        accelerator="auto",
        seed=context.seed,
        threads=settings.threads,
    )
    return result.epochs


@stage("embedded-clustering", EmbeddedSettings, per_seed=True)
def embedded_clustering(settings: EmbeddedSettings, context: StageContext) -> StageOutcome:
    """Cluster by an autoencoder and centres in its code (DEC: Xie et al. 2016)."""
    data = split_data(context, settings.data)
    windows = data.part("test")
    torch.manual_seed(context.seed)
    coder = Autoencoder(data.samples)
    coding = Autoencoding(coder, settings.learning_rate)
    coded = _fit_unlabelled(coding, windows, settings.coder_epochs, settings, context)
    points = answers_of(coder.encode, windows)
    found = KMeans(settings.clusters, n_init=settings.starts, random_state=context.seed).fit(points)
    model = EmbeddedClusters(coder, torch.from_numpy(found.cluster_centers_.astype(np.float32)))
    settling = Settling(settings.settled, settings.settled_epochs)
    clustering = EmbeddedClustering(model, settings.clusters, settings.learning_rate, settling)
    epochs = _fit_unlabelled(clustering, windows, settings.epochs, settings, context)
    assigned = logits(model, windows).argmax(axis=1)
    return clusters_outcome(context, data, assigned, {"coder_epochs": coded, "epochs": epochs})


def _flat(data: SplitData) -> npt.NDArray[np.float32]:
    """Return windows of unit power as points, [n, 2 samples]."""
    x = data.dataset.x.rows(data.split.parts["test"])
    level = np.sqrt(np.square(x).mean(axis=(1, 2), keepdims=True))
    level[level == 0] = 1
    points: npt.NDArray[np.float32] = (x / level).reshape(len(x), -1)
    return points


class ContrastSettings(OutputsSettings):
    """`clusters` is the length of the embedding that is compared."""

    clusters: int | None = Field(default=128, ge=2)
    temperature: float = Field(default=0.1, gt=0)


@stage("contrast", ContrastSettings, per_seed=True)
def contrast(settings: ContrastSettings, context: StageContext) -> StageOutcome:
    """Learn without labels to tell windows apart whatever their phase (SimCLR)."""
    data = split_data(context, settings.data)
    windows, model = data.part("test"), fresh_network(settings, context, data)
    learner = Contrast(
        model,
        settings.learning_rate,
        temperature=settings.temperature,
        stop_after=settings.stop_after,
        seed=context.seed,
    )
    result = fit_network(settings, context, learner, windows, Mixed(windows))
    name = stage_name(context)
    context.log(f"{name}: {100 * result.best_accuracy:.2f}% found their other view")
    told = {"views_found": result.best_accuracy, "epochs": result.epochs}
    return StageOutcome(metrics={name: {**told, "history": columns(history(context.folder))}})


class SemanticSettings(StageSettings):
    """`network` is the stage `contrast`; the rest as `training.semantic` has it."""

    network: str
    data: str = "data"
    clusters: int = Field(ge=2)
    neighbours: int = Field(default=20, ge=1)
    entropy: float = Field(default=5.0, ge=0)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-4, gt=0)
    settled: float = Field(default=0.999, gt=0, le=1)
    settled_epochs: int = Field(default=3, ge=1)
    precision: Precision | Literal["auto"] = "auto"
    threads: int | None = Field(default=None, ge=1)


@stage("semantic-clustering", SemanticSettings, per_seed=True)
def semantic_clustering(settings: SemanticSettings, context: StageContext) -> StageOutcome:
    """Cluster by what neighbours in an embedding share (SCAN: Van Gansbeke et al. 2020)."""
    data, taught = split_data(context, settings.data), trained(context, settings.network)
    windows = data.part("test")
    near = nearest_neighbours(embeddings(taught, windows), settings.neighbours)
    model = _with_clusters(taught, settings, context)
    settling = Settling(settings.settled, settings.settled_epochs)
    learner = SemanticClustering(
        model, settings.clusters, settings.learning_rate, settling, settings.entropy
    )
    result = fit_network(settings, context, learner, Neighbours(windows, near), windows)
    assigned = logits(model, windows).argmax(axis=1)
    training = {"epochs": result.epochs, "history": columns(history(context.folder))}
    return clusters_outcome(context, data, assigned, training)


def _with_clusters(
    taught: nn.Module, settings: SemanticSettings, context: StageContext
) -> nn.Module:
    """Return a taught network whose last layer is fresh, and has an output for each cluster."""
    source = source_of(context, settings.network)
    if not isinstance(source, ContrastSettings):
        raise ExperimentError(
            f"stage {settings.network!r} is of kind {source.kind!r}, expected 'contrast'"
        )
    torch.manual_seed(context.seed)
    model = source.with_outputs(settings.clusters)
    fresh = model.state_dict()
    kept = {k: v for k, v in taught.state_dict().items() if v.shape == fresh[k].shape}
    model.load_state_dict({**fresh, **kept})
    return model
