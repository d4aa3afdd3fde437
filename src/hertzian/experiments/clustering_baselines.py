"""Stages of other ways to cluster, which deep transfer clustering is measured beside."""

import numpy as np
import torch
from pydantic import Field
from torch import nn

from hertzian.experiments.classifiers.data import split_data
from hertzian.experiments.classifiers.tested import answers_of, embeddings, logits
from hertzian.experiments.classifiers.train import (
    fit_network,
    fresh_network,
    source_of,
    stage_name,
)
from hertzian.experiments.clustering import (
    OutputsSettings,
    SettlingSettings,
    asked_network,
    clusters_outcome,
    figures,
)
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models.layers import Normalise
from hertzian.training import BatchSource, FitResult, Learner, Mixed, fit
from hertzian.training.embedded import (
    Autoencoder,
    Autoencoding,
    EmbeddedClustering,
    EmbeddedClusters,
)
from hertzian.training.kmeans import k_means
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
def k_means_stage(settings: KMeansSettings, context: StageContext) -> StageOutcome:
    """Cluster by K-means (MacQueen 1967)."""
    data = split_data(context, settings.data)
    windows = data.part("test")
    if settings.network is None:
        normalise = Normalise()
        points = answers_of(lambda x: normalise(x).flatten(1), windows)
    else:
        points = embeddings(asked_network(context, settings.network, data), windows)
    found = k_means(points, settings.clusters, settings.starts, context.seed)
    return clusters_outcome(context, data, found.labels_.astype(np.int64), {})


class EmbeddedSettings(SettlingSettings):
    """`coder_epochs` are those of the autoencoder, `starts` those of the K-means in its code."""

    clusters: int = Field(ge=2)
    coder_epochs: int = Field(ge=1)
    batch_size: int = Field(default=256, ge=2)
    starts: int = Field(default=20, ge=1)
    settled_epochs: int = Field(default=1, ge=1)


@stage("embedded-clustering", EmbeddedSettings, per_seed=True)
def embedded_clustering(settings: EmbeddedSettings, context: StageContext) -> StageOutcome:
    """Cluster by an autoencoder and centres in its code (DEC: Xie et al. 2016)."""
    data = split_data(context, settings.data)
    windows = data.part("test")
    torch.manual_seed(context.seed)
    coder = Autoencoder(data.samples)
    coding = Autoencoding(coder, settings.learning_rate)
    coded = _fit(coding, windows, windows, settings.coder_epochs, settings, context)
    points = answers_of(coder.encode, windows)
    found = k_means(points, settings.clusters, settings.starts, context.seed)
    model = EmbeddedClusters(coder, torch.from_numpy(found.cluster_centers_.astype(np.float32)))
    learner = EmbeddedClustering(
        model, settings.clusters, settings.learning_rate, settings.settling
    )
    result = _fit(learner, windows, windows, settings.epochs, settings, context)
    assigned = logits(model, windows).argmax(axis=1)
    told = {"coder_epochs": coded.epochs, "epochs": result.epochs}
    return clusters_outcome(context, data, assigned, told)


def _fit(
    learner: Learner,
    windows: BatchSource,
    assigned: BatchSource,
    epochs: int,
    settings: SettlingSettings,
    context: StageContext,
) -> FitResult:
    """Train without labels, in a folder of the learner's own."""
    return fit(
        learner,
        windows,
        Mixed(assigned),
        epochs=epochs,
        batch_size=settings.batch_size,
        directory=context.folder / type(learner).__name__.lower(),
        precision=settings.precision,
        accelerator="auto",
        seed=context.seed,
        threads=settings.threads,
    )


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
    return StageOutcome(metrics={name: {**told, "history": figures(learner, context.folder)}})


class SemanticSettings(SettlingSettings):
    """`network` is the stage `contrast`; the rest as `training.semantic` has it."""

    network: str
    clusters: int = Field(ge=2)
    neighbours: int = Field(default=20, ge=1)
    entropy: float = Field(default=5.0, ge=0)
    learning_rate: float = Field(default=1e-4, gt=0)


@stage("semantic-clustering", SemanticSettings, per_seed=True)
def semantic_clustering(settings: SemanticSettings, context: StageContext) -> StageOutcome:
    """Cluster by what neighbours in an embedding share (SCAN: Van Gansbeke et al. 2020)."""
    data = split_data(context, settings.data)
    windows, taught = data.part("test"), asked_network(context, settings.network, data)
    near = nearest_neighbours(embeddings(taught, windows), settings.neighbours)
    model = _with_clusters(taught, settings, context)
    learner = SemanticClustering(
        model, settings.clusters, settings.learning_rate, settings.settling, settings.entropy
    )
    pairs = Neighbours(windows, near)
    result = _fit(learner, pairs, windows, settings.epochs, settings, context)
    assigned = logits(model, windows).argmax(axis=1)
    return clusters_outcome(context, data, assigned, {"epochs": result.epochs})


def _with_clusters(
    taught: nn.Module, settings: SemanticSettings, context: StageContext
) -> nn.Module:
    """Return a taught network whose `head` is fresh, and has an output for each cluster."""
    source = source_of(context, settings.network)
    if not isinstance(source, ContrastSettings):
        raise ExperimentError(
            f"stage {settings.network!r} is of kind {source.kind!r}, expected 'contrast'"
        )
    torch.manual_seed(context.seed)
    model = source.with_outputs(settings.clusters)
    learnt = {k: v for k, v in taught.state_dict().items() if not k.startswith("head.")}
    model.load_state_dict({**model.state_dict(), **learnt})
    return model
