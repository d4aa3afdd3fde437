"""The stage that groups windows nobody has labelled, by what a taught network says of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from hertzian.deployment import DatasetIdentity
from hertzian.deployment.export import save_safetensors
from hertzian.deployment.stored import MOST_CLUSTERS, Structure, load_network, weights_of
from hertzian.evaluation.clusters import COLLAPSED_SHARE, cluster_block, refuse_collapse
from hertzian.experiments.classifiers.data import split_data
from hertzian.experiments.classifiers.tested import answers_of, logits
from hertzian.experiments.classifiers.train import WEIGHTS, fit_network, source_of, trained
from hertzian.experiments.clustering import OutputsSettings, SettlingSettings, figures, output_names
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    contents_digest,
    stage,
)
from hertzian.experiments.unlabelled.heard import Unlabelled, unlabelled
from hertzian.experiments.unlabelled.points import Int64, Points, by_signal, map_of, typical
from hertzian.models import MultiHead
from hertzian.models.clusters import Clusters, take_centres
from hertzian.recordings import atomic_path
from hertzian.signal import MODULATION
from hertzian.training import Mixed, PairClustering
from hertzian.training.kmeans import estimate_clusters, k_means, prediction_strengths

GROUPS, RECORD = "groups.npz", "groups.json"
_STARTS = 20
_SLACK = 0.05
_PAIRED_SHARE = 0.15
"""Of the sampling rate: what signals fill in datasets such as RadioML's."""


class GroupSettings(SettlingSettings):
    """By which network, into how many clusters, and how these are taught.

    Attributes:
        pretrained: the stage `pretrain-pairs` whose embedding is clustered, and which learns on by
            its own confident pairs, see `training.PairClustering`, for `epochs`.
        model: or a stored model whose answers are clustered; it stays as it is.
        clusters: their number; None estimates it, up to `most`.
    """

    pretrained: str | None = None
    model: str | None = None
    clusters: int | None = Field(default=None, ge=2, le=MOST_CLUSTERS)
    most: int = Field(default=20, ge=2, le=MOST_CLUSTERS)
    epochs: int = Field(default=10, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)

    @model_validator(mode="after")
    def _one_network(self) -> "GroupSettings":
        if (self.pretrained is None) == (self.model is None):
            raise ValueError("expected a pretrained stage or a model, and not both")
        return self

    def named_files(self) -> dict[str, str]:
        """Return the digest of the model's weights."""
        if self.model is None:
            return {}
        return {"weights": contents_digest(weights_of(self.model))}


class Grouped(BaseModel):
    """What is to be known of the network of the clusters, in `groups.json`.

    Attributes:
        structure: the network whose answers or embedding are clustered.
        answers: the classes that it was built with.
        width: how many numbers are clustered.
        bare: whether these are its embedding.
        samples: length of a window.
        sizes: how many signals each cluster has.
        occupied_share: as in `ModelMetadata`.
        temperature, biases, noise_confidence: of the stored model, as in `ModelMetadata`.
        strengths: number of clusters -> prediction strength, where it was estimated.
        origin: the model or the stage.
        trained_on: as in `ModelMetadata`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    structure: Structure
    answers: tuple[str, ...]
    width: int
    bare: bool
    samples: int
    sizes: tuple[int, ...]
    occupied_share: float
    temperature: float = 1.0
    biases: tuple[float, ...] = ()
    noise_confidence: float = 0.5
    strengths: dict[int, float] = {}
    origin: str
    trained_on: tuple[DatasetIdentity, ...] = ()


@dataclass(frozen=True)
class Source:
    """The network that is asked, and what `Grouped` keeps of it."""

    network: nn.Module
    facts: dict[str, Any]


@stage("group-windows", GroupSettings)
def group(settings: GroupSettings, context: StageContext) -> StageOutcome:
    """Group signals: K-means, and of a network taught by pairs deep transfer clustering on it."""
    data = unlabelled(context, settings.data)
    source = _taught_by_pairs(settings.pretrained, context) or stored_source(str(settings.model))
    if source.facts["samples"] != data.samples:
        raise ExperimentError(
            f"{source.facts['origin']} takes windows of {source.facts['samples']} samples, these "
            f"data have {data.samples}; give another --model, or labelled data as --auxiliary"
        )
    model, strengths = find_clusters(source, data, settings.clusters, settings.most, context.seed)
    count = model.clusters.out_features
    if strengths:
        context.log(_estimated(estimate_clusters(strengths)))
    before = _largest_share(model, data)
    training = _teach(model, count, settings, context, data) if settings.pretrained else {}
    assigned = in_order_of_size(model, data)
    if settings.pretrained:
        refuse_collapse(assigned, max(COLLAPSED_SHARE, before + _SLACK))
    save_safetensors(model, context.folder / WEIGHTS)
    record = grouped_by(model, source, assigned, strengths)
    seen = tuple(dict.fromkeys((*record.trained_on, *data.identity)))
    record = record.model_copy(update={"trained_on": seen})
    with atomic_path(context.folder / RECORD) as partial:
        partial.write_text(record.model_dump_json(indent=2), encoding="utf-8")
    _store(context, assigned, by_signal(answers_of(model.points, data.windows), data.signal))
    context.log(f"{count} clusters of {', '.join(map(str, record.sizes))} signals")
    share = max(record.sizes) / len(assigned)
    block: dict[str, Any] = {"signals": len(assigned), "clusters": count, "largest_share": share}
    if data.truth is not None:
        block |= cluster_block(data.truth[0], assigned)
    return StageOutcome({context.folder.name: {**block, **training}}, trained_on=seen)


def _estimated(count: int) -> str:
    if count > 1:
        return f"number of clusters: {count}, estimated"
    return (
        "warning: no number of clusters above one is found again in other halves of the signals; "
        "two are made. Give --k if you know better"
    )


def _largest_share(model: Clusters, data: Unlabelled) -> float:
    assigned = by_signal(logits(model, data.windows), data.signal).argmax(axis=1)
    return float(np.bincount(assigned).max() / len(assigned))


def grouped_by(
    model: Clusters, source: Source, assigned: Int64, strengths: dict[int, float] | None = None
) -> Grouped:
    """Return what is to be known of clusters to which signals are assigned."""
    sizes = np.bincount(assigned, minlength=model.clusters.out_features)
    return Grouped(
        sizes=tuple(map(int, sizes)),
        width=model.clusters.in_features,
        strengths=strengths or {},
        **source.facts,
    )


def _taught_by_pairs(name: str | None, context: StageContext) -> Source | None:
    """Return the network of a stage `pretrain-pairs`."""
    if name is None:
        return None
    source = source_of(context, name)
    if not isinstance(source, OutputsSettings):
        raise ExperimentError(
            f"stage {name!r} is of kind {source.kind!r}, expected one that learns from pairs"
        )
    data = split_data(context, source.data)
    facts = {
        "structure": Structure(name=source.model, options=source.options),
        "answers": output_names(source.clusters or len(data.classes)),
        "bare": True,
        "samples": data.samples,
        "occupied_share": _PAIRED_SHARE,
        "origin": source.model,
        "trained_on": data.identity,
    }
    return Source(trained(context, name), facts)


def stored_source(model: str) -> Source:
    """Return the network of a stored model, with the one head that names modulations.

    Raises:
        ExperimentError: it was pruned, or its answers are names of clusters.
    """
    stored = load_network(model)
    if stored.structure.pruned or stored.structure.clusters is not None:
        raise ExperimentError(
            f"{model}: is pruned, or itself made of clusters; give the model it was made of"
        )
    module, metadata = stored.module, stored.metadata
    facts = {
        "structure": stored.structure,
        "answers": metadata.classes,
        "bare": False,
        "samples": metadata.samples,
        "occupied_share": metadata.occupied_share,
        "temperature": metadata.temperature,
        "biases": metadata.biases,
        "noise_confidence": metadata.noise_confidence,
        "origin": metadata.name,
        "trained_on": metadata.trained_on,
    }
    alone = module.alone(MODULATION) if isinstance(module, MultiHead) else module
    return Source(alone.eval(), facts)


def find_clusters(
    source: Source, data: Unlabelled, count: int | None, most: int, seed: int
) -> tuple[Clusters, dict[int, float]]:
    """Return the network with clusters where K-means finds them, and the prediction strengths.

    Args:
        source: of the network.
        data: what is grouped, each signal by the mean over its windows.
        count: number of clusters; None estimates it, and only then there are strengths.
        most: the largest estimate.
        seed: of the halves and of K-means.
    """
    bare = source.facts["bare"]
    asked = Clusters(source.network, 1, 1, bare=bare).eval()
    points = by_signal(answers_of(asked.points, data.windows), data.signal)
    strengths = prediction_strengths(points, most, seed) if count is None else {}
    wanted = count or max(2, estimate_clusters(strengths))
    found = k_means(points, wanted, _STARTS, seed)
    centres = torch.from_numpy(found.cluster_centers_.astype(np.float32))
    torch.manual_seed(seed)
    # a head that was taken off is not missed
    model = Clusters(source.network, points.shape[1], wanted, bare=bare)
    take_centres(model.clusters, centres, float(found.inertia_) / len(points))
    return model.eval(), strengths


def _teach(
    model: Clusters,
    count: int,
    settings: GroupSettings,
    context: StageContext,
    data: Unlabelled,
) -> dict[str, Any]:
    """Let the network learn from the pairs that it is sure of; the model ends as it learnt."""
    learner = PairClustering(model, count, settings.learning_rate, settling=settings.settling)
    result = fit_network(settings, context, learner, data.windows, Mixed(data.windows))
    model.eval()
    return {"epochs": result.epochs, "history": figures(learner, context.folder)}


def in_order_of_size(model: Clusters, data: Unlabelled) -> Int64:
    """Number the clusters from the largest on, and return the one of each signal."""
    count = model.clusters.out_features
    answers = by_signal(logits(model, data.windows), data.signal)
    sizes = np.bincount(answers.argmax(axis=1), minlength=count)
    order = np.argsort(-sizes, kind="stable")
    model.reorder([int(number) for number in order])
    assigned: Int64 = answers[:, order].argmax(axis=1)
    return assigned


def _store(context: StageContext, assigned: Int64, points: Points) -> None:
    """Write the cluster of each signal, who is typical, and the map."""
    shown, places = map_of(points, context.seed)
    members = typical(points, assigned, int(assigned.max()) + 1)
    with atomic_path(context.folder / GROUPS) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            assigned=assigned,
            typical=np.concatenate(members),
            shown=shown,
            places=places,
        )
