"""Stages of deep transfer clustering, and of what it is measured beside.

A `dataset` of one part, `test`, is what is clustered; its labels are looked at when all is done.
Each stage that clusters has a block of metrics under its own name, and leaves `clusters.npz`.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator
from torch import nn

from hertzian.deployment.export import save_safetensors
from hertzian.evaluation.clusters import COLLAPSED_SHARE, cluster_block, refuse_collapse
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.tested import columns, embeddings, logits, size_of
from hertzian.experiments.classifiers.train import (
    WEIGHTS,
    NetworkSettings,
    TrainSettings,
    fit_network,
    fresh_network,
    network_settings,
    refuse_other_windows,
    source_of,
    stage_name,
    trained,
)
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models import MultiHead, build
from hertzian.models.clusters import take_centres
from hertzian.recordings import atomic_path
from hertzian.training import (
    BatchSource,
    Learner,
    Mixed,
    PairClassifier,
    PairClustering,
    Precision,
    Settling,
    history,
)
from hertzian.training.kmeans import k_means

CLUSTERS = "clusters.npz"

Assigned = npt.NDArray[np.int64]

_KEYS = ("nmi", "ari", "acc")
_STARTS = 20


class OutputsSettings(TrainSettings):
    """A network of `clusters` outputs; without them it has as many as the data have classes."""

    clusters: int | None = Field(default=None, ge=2)
    batch_size: int = Field(default=128, ge=2)
    halve_after: int | None = Field(default=None, ge=1)
    stop_after: int | None = Field(default=5, ge=1)

    @model_validator(mode="after")
    def _not_compiled(self) -> "OutputsSettings":
        if self.compiled:
            raise ValueError("compiled: what compares the windows of a batch can't be")
        return self

    def network(self, data: SplitData) -> nn.Module:
        """Return the network with fresh weights."""
        return self.with_outputs(self.clusters or len(data.classes))

    def with_outputs(self, count: int) -> nn.Module:
        """Return the network with fresh weights and so many outputs."""
        options: dict[str, Any] = dict(self.options)
        return build(self.model, output_names(count), protocols=(), **options)


def output_names(count: int) -> tuple[str, ...]:
    """Return a name for each output of a network that clusters."""
    return tuple(f"cluster {number}" for number in range(count))


class PairSettings(OutputsSettings):
    """`balance` is the weight of pairs apart."""

    balance: float = Field(default=0.1, ge=0)


@stage("pretrain-pairs", PairSettings, per_seed=True)
def pretrain_pairs(settings: PairSettings, context: StageContext) -> StageOutcome:
    """Learn from labelled windows which belong together (Xuan et al. 2021, eq. 5)."""
    data = split_data(context, settings.data)
    model = fresh_network(settings, context, data)
    learner = PairClassifier(
        model,
        settings.clusters or len(data.classes),
        settings.learning_rate,
        balance=settings.balance,
        **settings.schedule(),
    )
    validation = Mixed(data.part("validation"))
    result = fit_network(settings, context, learner, data.part("train"), validation)
    name = stage_name(context)
    context.log(
        f"{name}: {100 * result.best_accuracy:.2f}% of pairs told rightly, {result.epochs} epochs"
    )
    told = {"pairs_right": result.best_accuracy, "loss": result.best_loss}
    training = {"epochs": result.epochs, "history": figures(learner, context.folder)}
    return StageOutcome(metrics={name: {**told, **training, **size_of(model, data.samples)}})


class FreshSettings(OutputsSettings):
    """A network that nothing was taught; training settings don't count."""

    epochs: int = 1


@stage("fresh-network", FreshSettings, per_seed=True)
def fresh(settings: FreshSettings, context: StageContext) -> StageOutcome:
    """Leave a network with its first weights, for clustering without pre-training."""
    model = fresh_network(settings, context, split_data(context, settings.data))
    save_safetensors(model, context.folder / WEIGHTS)
    return StageOutcome()


class SettlingSettings(StageSettings):
    """How long and how clusters are learnt; they settle as `training.Settling` has it."""

    data: str = "data"
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    settled: float = Field(default=0.999, gt=0, le=1)
    settled_epochs: int = Field(default=3, ge=1)
    precision: Precision | Literal["auto"] = "auto"
    threads: int | None = Field(default=None, ge=1)

    @property
    def settling(self) -> Settling:
        """When training ends."""
        return Settling(self.settled, self.settled_epochs)


class ClusterSettings(SettlingSettings, NetworkSettings):
    """`network` is the stage of the network that is taught by its own confident pairs.

    It begins with its own outputs for clusters or, `centred`, where K-means finds some in its
    embedding. The rest as `training.PairClustering` has it. A cluster with more than
    `collapsed_share` of the windows is an error.
    """

    network: str
    centred: Literal[True] | None = None
    learning_rate: float = Field(default=1e-4, gt=0)
    upper: float = Field(default=0.95, gt=0, le=1)
    lower: float = Field(default=0.7, ge=0, lt=1)
    closing: float = Field(default=0.0, ge=0)
    balance: float = Field(default=100.0, ge=0)
    collapsed_share: float = Field(default=COLLAPSED_SHARE, gt=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> "ClusterSettings":
        if self.lower >= self.upper:
            raise ValueError(f"lower: expected less than upper, {self.upper}")
        return self

    def source(self, context: StageContext) -> TrainSettings:
        """Return those of the network that was pre-trained."""
        return source_of(context, self.network)


@stage("cluster", ClusterSettings, per_seed=True)
def cluster(settings: ClusterSettings, context: StageContext) -> StageOutcome:
    """Cluster windows by deep transfer clustering (Xuan et al. 2021, eq. 7-9)."""
    data = split_data(context, settings.data)
    windows, model = data.part("test"), asked_network(context, settings.network, data)
    if settings.centred:
        _centre(model, windows, context.seed)
    learner = PairClustering(
        model,
        _outputs(model, data.samples),
        settings.learning_rate,
        upper=settings.upper,
        lower=settings.lower,
        closing=settings.closing,
        balance=settings.balance,
        settling=settings.settling,
    )
    result = fit_network(settings, context, learner, windows, Mixed(windows))
    assigned = logits(model, windows).argmax(axis=1)
    training = {"epochs": result.epochs, "history": figures(learner, context.folder)}
    refuse_collapse(assigned, settings.collapsed_share)
    return clusters_outcome(context, data, assigned, training)


def _centre(model: nn.Module, windows: BatchSource, seed: int) -> None:
    """Let the head of a network assign its embedding to the nearest of the centres of K-means.

    Its outputs stay as many; see `models.clusters.take_centres`.

    Raises:
        ExperimentError: its head is no dense layer on its embedding.
    """
    head = getattr(model, "head", None)
    points = embeddings(model, windows)
    if not isinstance(head, nn.Linear) or head.in_features != points.shape[1]:
        raise ExperimentError(
            f"{type(model).__name__} has no dense layer on its embedding, which `centred` needs"
        )
    found = k_means(points, head.out_features, _STARTS, seed)
    centres = torch.from_numpy(found.cluster_centers_.astype(np.float32))
    take_centres(head, centres, float(found.inertia_) / len(points))


class AssignSettings(StageSettings):
    """The windows of `data` that a network is asked about, as `network` left it."""

    network: str
    data: str = "data"


@stage("assign-clusters", AssignSettings, per_seed=True)
def assign(settings: AssignSettings, context: StageContext) -> StageOutcome:
    """Take the largest of a network's answers for the cluster, without further learning."""
    data = split_data(context, settings.data)
    answers = logits(asked_network(context, settings.network, data), data.part("test"))
    return clusters_outcome(context, data, answers.argmax(axis=1), {})


def asked_network(context: StageContext, name: str, data: SplitData) -> nn.Module:
    """Return the network of an earlier stage, which takes these windows and gives one answer.

    Raises:
        ExperimentError: it does not, or was pruned, so that no later stage could build it.
    """
    if network_settings(context, name).pruned:
        raise ExperimentError(f"stage {name} leaves a pruned network; give the one it was made of")
    model = trained(context, name)
    if isinstance(model, MultiHead):
        raise ExperimentError(f"stage {name} trains a network with several heads; give one of one")
    refuse_other_windows(model, source_of(context, name).model, data)
    return model


def figures(learner: Learner, folder: Path) -> dict[str, list[float | None]]:
    """Return what a training went through; its share has the name of what is measured."""
    told = columns(history(folder))
    named = {"validation_accuracy": learner.measured.replace(" ", "_")}
    return {named.get(name, name): values for name, values in told.items()}


def _outputs(model: nn.Module, samples: int) -> int:
    with torch.no_grad():
        return int(model.eval()(torch.zeros(1, 2, samples)).shape[1])


def clusters_outcome(
    context: StageContext, data: SplitData, assigned: Assigned, told: dict[str, Any]
) -> StageOutcome:
    """Write `CLUSTERS`, and compare with the labels; SNRs are rounded to whole decibels."""
    truth, snr_db = data.labels("test"), data.snr_db("test")
    with atomic_path(context.folder / CLUSTERS) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            assigned=assigned,
            truth=truth,
            snr_db=snr_db,
            classes=np.array(data.classes),
            examples=np.array(data.description),
        )
    name, block = stage_name(context), cluster_block(truth, assigned)
    levels = np.rint(snr_db)
    cuts = {int(least): levels >= least for least in np.unique(levels[np.isfinite(levels)])}
    block["acc_by_least_snr"] = {
        str(least): cluster_block(truth[heard], assigned[heard])["acc"]
        for least, heard in cuts.items()
    }
    heard = levels >= 0
    block["snr_ge_0"] = cluster_block(truth[heard], assigned[heard]) if heard.any() else None
    context.log(f"{name}: " + ", ".join(f"{key.upper()} {block[key]:.4f}" for key in _KEYS))
    return StageOutcome(metrics={name: {**block, **told}})
