"""Stages of deep transfer clustering, and of what it is measured beside.

A `dataset` of one part, `test`, is what is clustered; its labels are looked at when all is done.
Each stage that clusters has a block of metrics under its own name, and leaves `clusters.npz`.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator
from torch import nn

from hertzian.deployment.export import save_safetensors
from hertzian.evaluation.clusters import COLLAPSED_SHARE, cluster_block, refuse_collapse
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.tested import columns, logits, size_of
from hertzian.experiments.classifiers.train import (
    WEIGHTS,
    NetworkSettings,
    TrainSettings,
    fit_network,
    fresh_network,
    source_of,
    stage_name,
    trained,
)
from hertzian.experiments.stages import StageContext, StageOutcome, StageSettings, stage
from hertzian.models import build
from hertzian.recordings import atomic_path
from hertzian.training import Mixed, PairClassifier, PairClustering, Precision, Settling, history

CLUSTERS = "clusters.npz"

Assigned = npt.NDArray[np.int64]

_KEYS = ("nmi", "ari", "acc")


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
        return build(self.model, [f"cluster {n}" for n in range(count)], protocols=(), **options)


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
    training = {"epochs": result.epochs, "history": columns(history(context.folder))}
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


class ClusterSettings(NetworkSettings):
    """`network` is the stage of the network that is taught by its own confident pairs.

    The rest as `training.PairClustering` has it. A cluster with more than `collapsed_share` of the
    windows is an error.
    """

    network: str
    data: str = "data"
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    upper: float = Field(default=0.95, gt=0, le=1)
    lower: float = Field(default=0.7, ge=0, lt=1)
    closing: float = Field(default=0.0, ge=0)
    balance: float = Field(default=100.0, ge=0)
    settled: float = Field(default=0.999, gt=0, le=1)
    settled_epochs: int = Field(default=3, ge=1)
    collapsed_share: float = Field(default=COLLAPSED_SHARE, gt=0, le=1)
    precision: Precision | Literal["auto"] = "auto"
    threads: int | None = Field(default=None, ge=1)

    def source(self, context: StageContext) -> TrainSettings:
        """Return those of the network that was pre-trained."""
        return source_of(context, self.network)


@stage("cluster", ClusterSettings, per_seed=True)
def cluster(settings: ClusterSettings, context: StageContext) -> StageOutcome:
    """Cluster windows by deep transfer clustering (Xuan et al. 2021, eq. 7-9)."""
    data, model = split_data(context, settings.data), trained(context, settings.network)
    windows = data.part("test")
    learner = PairClustering(
        model,
        _outputs(model, data.samples),
        settings.learning_rate,
        upper=settings.upper,
        lower=settings.lower,
        closing=settings.closing,
        balance=settings.balance,
        settling=Settling(settings.settled, settings.settled_epochs),
    )
    result = fit_network(settings, context, learner, windows, Mixed(windows))
    assigned = logits(model, windows).argmax(axis=1)
    training = {"epochs": result.epochs, "history": columns(history(context.folder))}
    refuse_collapse(assigned, settings.collapsed_share)
    return clusters_outcome(context, data, assigned, training)


class AssignSettings(StageSettings):
    """The windows of `data` that a network is asked about, as `network` left it."""

    network: str
    data: str = "data"


@stage("assign-clusters", AssignSettings, per_seed=True)
def assign(settings: AssignSettings, context: StageContext) -> StageOutcome:
    """Take the largest of a network's answers for the cluster, without further learning."""
    data = split_data(context, settings.data)
    answers = logits(trained(context, settings.network), data.part("test"))
    return clusters_outcome(context, data, answers.argmax(axis=1), {})


def _outputs(model: nn.Module, samples: int) -> int:
    with torch.no_grad():
        return int(model.eval()(torch.zeros(1, 2, samples)).shape[1])


def clusters_outcome(
    context: StageContext, data: SplitData, assigned: Assigned, told: dict[str, Any]
) -> StageOutcome:
    """Write `CLUSTERS`, and compare with the labels."""
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
    levels = sorted({float(level) for level in snr_db})
    cuts = {level: cluster_block(*_from(level, snr_db, truth, assigned)) for level in levels}
    block["acc_by_least_snr"] = {f"{level:g}": cut["acc"] for level, cut in cuts.items()}
    heard = _from(0.0, snr_db, truth, assigned)
    if len(heard[0]):
        block["snr_ge_0"] = cluster_block(*heard)
    context.log(f"{name}: " + ", ".join(f"{key.upper()} {block[key]:.4f}" for key in _KEYS))
    return StageOutcome(metrics={name: {**block, **told}})


def _from(
    level: float, snr_db: npt.NDArray[np.float32], truth: Assigned, assigned: Assigned
) -> tuple[Assigned, Assigned]:
    heard = snr_db >= level
    return truth[heard], assigned[heard]
