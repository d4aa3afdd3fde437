"""The experiment behind `hertzian cluster`: a recipe for a user's own data."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from hertzian.datasets.dataset import Dataset
from hertzian.deployment.cards import read_card
from hertzian.deployment.finding import SHIPPED, shipped_names
from hertzian.detection import WINDOW
from hertzian.experiments.classifiers.data import DatasetSettings
from hertzian.experiments.clustering import PairSettings
from hertzian.experiments.recipe import Recipe
from hertzian.experiments.stages import ExperimentError, StageSettings
from hertzian.experiments.unlabelled.group import GroupSettings
from hertzian.experiments.unlabelled.heard import RecordingsSettings
from hertzian.experiments.unlabelled.show import ShowSettings
from hertzian.models import spec

DEFAULT_MODEL = "field"
NAME = "cluster"


@dataclass(frozen=True)
class Wanted:
    """What the user asks for, beside the data.

    Attributes:
        clusters: their number; None estimates it.
        most: the largest estimate.
        auxiliary: a labelled dataset that `network`, of the registry, learns from first.
        network: which.
        model: without these data, the stored model that is asked; None takes the one that fits.
        epochs: of clustering after that.
        seed: of everything.
    """

    clusters: int | None = None
    most: int = 20
    auxiliary: Path | None = None
    network: str = "dtc"
    model: str | None = None
    epochs: int = 10
    seed: int = 0


def of_recordings(recordings: RecordingsSettings, wanted: Wanted) -> Recipe:
    """Return the recipe that clusters what is heard in recordings."""
    return _recipe(recordings, WINDOW, f"Signals in {_some(recordings.files)}", wanted)


def of_dataset(file: Path, dataset: Dataset, wanted: Wanted) -> Recipe:
    """Return the recipe that clusters a dataset's windows; their labels don't count."""
    data = DatasetSettings(kind="dataset", file=str(file), split="random", fractions={"test": 1.0})
    return _recipe(data, int(dataset.x.shape[2]), f"Windows of {file.name}", wanted)


def _recipe(data: StageSettings, samples: int, title: str, wanted: Wanted) -> Recipe:
    stages: dict[str, StageSettings] = {"data": data}
    if wanted.auxiliary is None:
        given: dict[str, Any] = {"model": wanted.model or _fitting(samples)}
    else:
        stages["auxiliary"] = DatasetSettings(
            kind="dataset",
            file=str(wanted.auxiliary),
            split="random",
            fractions={"train": 0.8, "validation": 0.2},
            samples=samples,
        )
        stages["pretrained"] = PairSettings(
            kind="pretrain-pairs",
            data="auxiliary",
            model=wanted.network,
            options=_options(wanted.network, samples),
            epochs=60,
        )
        given = {"pretrained": "pretrained", "epochs": wanted.epochs}
    stages["clusters"] = GroupSettings(
        kind="group-windows", clusters=wanted.clusters, most=wanted.most, **given
    )
    stages["page"] = ShowSettings(kind="show-clusters", title=title)
    return Recipe(name=NAME, title=title, paper=None, seeds=(wanted.seed,), stages=stages)


def _options(network: str, samples: int) -> dict[str, JsonValue]:
    """Return what a network has to be told of the length of the windows."""
    told = "samples" in inspect.signature(spec(network).factory).parameters
    return {"samples": samples} if told else {}


def _fitting(samples: int) -> str:
    """Return the shipped model that takes windows of this length.

    Raises:
        ExperimentError: none does.
    """
    lengths = {name: _length(name) for name in (DEFAULT_MODEL, *shipped_names())}
    for name, length in lengths.items():
        if length == samples:
            return name
    told = ", ".join(f"{name} {length}" for name, length in lengths.items())
    raise ExperimentError(
        f"no shipped model takes windows of {samples} samples ({told}); give labelled data to "
        f"learn from as --auxiliary, or a model as --model"
    )


def _length(name: str) -> int:
    return int(read_card(SHIPPED / f"{name}.json")["samples"])


def _some(files: Sequence[str]) -> str:
    return Path(files[0]).name if len(files) == 1 else f"{len(files)} recordings"
