"""The steps that recipes are made of: their settings, what they see, and what they give back."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from hertzian.deployment import DatasetIdentity
from hertzian.recordings import atomic_path
from hertzian.signal import HertzianError

Scale = Literal["smoke", "small", "full"]

SCALES: dict[Scale, int | None] = {"smoke": 10, "small": 200, "full": None}
"""Scale -> examples per (class, SNR); None is the number that was published."""

# Importing one of these registers its stages.
_MODULES: tuple[str, ...] = (
    "hertzian.experiments.field",
    "hertzian.experiments.field_evidence",
    "hertzian.experiments.field_protocols",
    "hertzian.experiments.agreement.stages",
    "hertzian.experiments.classifiers.boosted",
    "hertzian.experiments.classifiers.data",
    "hertzian.experiments.classifiers.maps",
    "hertzian.experiments.classifiers.model",
    "hertzian.experiments.classifiers.multitask",
    "hertzian.experiments.classifiers.smaller",
    "hertzian.experiments.classifiers.train",
    "hertzian.experiments.clustering",
    "hertzian.experiments.clustering_baselines",
    "hertzian.experiments.fine_tuning",
    "hertzian.experiments.held_out",
    "hertzian.experiments.labelled_recordings",
    "hertzian.experiments.possible.across",
    "hertzian.experiments.possible.bound",
    "hertzian.experiments.possible.impairments",
    "hertzian.experiments.protocol_evidence",
    "hertzian.experiments.unlabelled.captures",
    "hertzian.experiments.unlabelled.group",
    "hertzian.experiments.unlabelled.heard",
    "hertzian.experiments.unlabelled.show",
    "hertzian.experiments.zeroshot.described",
    "hertzian.experiments.zeroshot.features",
    "hertzian.experiments.zeroshot.linear",
    "hertzian.experiments.zeroshot.recognise",
    "hertzian.experiments.zeroshot.shown",
    "hertzian.experiments.zeroshot.vectors",
)


class ExperimentError(HertzianError):
    """A recipe that is wrong, or a run that cannot go on."""


class StageSettings(BaseModel):
    """What a recipe says of one stage; each kind derives its own, all immutable and strict."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    kind: str

    def said(self) -> dict[str, Any]:
        """Return what the settings say; an option that says nothing, None, is left out.

        So a new option leaves earlier runs as they are.
        """
        told = self.model_dump(mode="json")
        return {key: value for key, value in told.items() if value is not None}

    def named_files(self) -> dict[str, str]:
        """Return a digest of each file that a setting names: it may change under its name."""
        return {}


def contents_digest(path: Path) -> str:
    """Return what tells a file of these contents from any other, for `named_files`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class StageContext:
    """What a stage may know.

    Attributes:
        folder: the stage's own; it may hold what an interrupted run with equal settings left.
        seed: of this repetition; stages that are not repeated get the recipe's first.
        scale: of the run.
        stages: settings of every stage of the recipe.
        outputs: folder of every stage before this one.
        run_folder: where `publish` puts files.
        first: whether this is the recipe's first seed.
        log: takes a line on how it goes.
    """

    folder: Path
    seed: int
    scale: Scale
    stages: Mapping[str, StageSettings]
    outputs: Mapping[str, Path]
    run_folder: Path
    first: bool
    log: Callable[[str], None]

    def output(self, stage: str) -> Path:
        """Return the folder of an earlier stage.

        Raises:
            ExperimentError: no stage of that name comes before.
        """
        if stage not in self.outputs:
            earlier = ", ".join(self.outputs) or "none"
            raise ExperimentError(f"no stage {stage!r} comes before; these do: {earlier}")
        return self.outputs[stage]

    def publish(self, file: Path, name: str | None = None) -> None:
        """Copy a file into the run's folder; of repeated stages, only the first seed's.

        Raises:
            HertzianError: it cannot be written.
        """
        if self.first:
            with atomic_path(self.run_folder / (name or file.name)) as partial:
                shutil.copyfile(file, partial)


@dataclass(frozen=True)
class StageOutcome:
    """What a stage found, beside the files in its folder.

    Attributes:
        metrics: entries for `metrics` of result.json, such as those of
            `evaluation.evaluation_block`; no two stages may have the same.
        trained_on: datasets that a model has now seen.
        split_hash: of the split that was used.
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    trained_on: tuple[DatasetIdentity, ...] = ()
    split_hash: str | None = None


@dataclass(frozen=True)
class StageKind:
    """A kind of stage: its settings, the function that runs it, whether each seed repeats it."""

    name: str
    settings: type[StageSettings]
    run: Callable[[Any, StageContext], StageOutcome]
    per_seed: bool


SettingsT = TypeVar("SettingsT", bound=StageSettings)
StageFunction = Callable[[SettingsT, StageContext], StageOutcome]

_KINDS: dict[str, StageKind] = {}


def stage(
    kind: str, settings: type[SettingsT], *, per_seed: bool = False
) -> Callable[[StageFunction[SettingsT]], StageFunction[SettingsT]]:
    """Return a decorator that registers a function as the stage `kind`.

    Args:
        kind: name, lower case with hyphens.
        settings: what a recipe says of it.
        per_seed: run it once for every seed of the recipe, instead of once.

    Raises:
        ExperimentError: the name is taken.
    """

    def register(function: StageFunction[SettingsT]) -> StageFunction[SettingsT]:
        if kind in _KINDS:
            raise ExperimentError(f"stage kind {kind!r} is registered twice; rename one of them")
        _KINDS[kind] = StageKind(kind, settings, function, per_seed)
        return function

    return register


def find_kind(name: object) -> StageKind:
    """Return a registered kind.

    Raises:
        ExperimentError: there is none of that name.
    """
    for module in _MODULES:
        import_module(module)
    if not isinstance(name, str) or name not in _KINDS:
        raise ExperimentError(f"unknown kind {name!r}; known are {', '.join(sorted(_KINDS))}")
    return _KINDS[name]
