"""Recipes: experiments as YAML, checked to the last key before anything runs.

A recipe has a `name`, a `title`, the `paper` that it follows or null, `seeds`, and `stages`: name
-> settings, in the order of the run, each with the `kind` that says which settings there are. It
may have `published`, the figures that the paper prints for a stage, `compare`, which stage should
be better than which, `studies`, figures over a setting, and `full_run`, what the full scale takes;
no stage depends on these. A value that depends on the scale is a mapping of `smoke`, `small` and
`full`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from hertzian.deployment.validation import explain
from hertzian.experiments.stages import SCALES, ExperimentError, Scale, StageSettings, find_kind
from hertzian.experiments.yaml_values import parse_yaml

_PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS: tuple[Path, ...] = (_PACKAGE.parents[1] / "recipes", _PACKAGE / "recipes")
"""Where recipes are found by name: in a checkout, then in the installed package."""

LARGEST_RECIPE_BYTES = 256_000
_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Name = Annotated[str, Field(pattern=_NAME, max_length=100)]
Seed = Annotated[int, Field(ge=0, lt=1 << 63)]
Share = Annotated[float, Field(ge=0, le=1)]
WholeDecibels = Annotated[str, Field(pattern=r"^(0|-?[1-9][0-9]{0,2})$")]


class Published(BaseModel):
    """What a paper prints for a stage; None where it prints nothing.

    Attributes:
        accuracy: share of all test examples that are right.
        accuracy_snr_ge_0: the same of those at 0 dB and above.
        peak: the best accuracy at one SNR.
        accuracy_by_snr: SNR in whole decibels -> accuracy, where printed.
        parameters: trainable ones.
        nmi, ari, acc: of clusters, as `cluster_block` has them.
        seen, unseen, harmonic_mean: mean recall of seen and of unseen classes, and of the two.
        source: where in the paper, such as "table 4".
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    accuracy: Share | None = None
    accuracy_snr_ge_0: Share | None = None
    peak: Share | None = None
    accuracy_by_snr: dict[WholeDecibels, Share] = {}
    parameters: int | None = Field(default=None, ge=1)
    nmi: Share | None = None
    ari: Share | None = None
    acc: Share | None = None
    seen: Share | None = None
    unseen: Share | None = None
    harmonic_mean: Share | None = None
    source: str | None = Field(default=None, min_length=1, max_length=200)


class Compare(BaseModel):
    """A comparison of two stages on the same test examples.

    Attributes:
        better: the stage that should be right more often.
        worse: the other.
        by: the margin of accuracy that is expected, 0.01 for a point of percent; None for any.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    better: Name
    worse: Name
    by: Share | None = None

    @property
    def name(self) -> str:
        """`BETTER - WORSE`."""
        return f"{self.better} - {self.worse}"


class Study(BaseModel):
    """How the accuracy of networks depends on a setting; the report draws it.

    Attributes:
        title: of the figure.
        setting: what is varied, for the axis.
        curves: name of a curve -> value of the setting -> stage that measured it.
        snr: at which the accuracies are taken; None draws them over the SNR, one figure a curve.
            Of stages that cluster the ACC is drawn.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    title: str = Field(min_length=1)
    setting: str = Field(min_length=1)
    curves: dict[str, Annotated[dict[str, Name], Field(min_length=1)]] = Field(min_length=1)
    snr: float | None = None


class Outline(BaseModel):
    """A recipe whose stages are not checked yet: their kinds know their settings.

    Attributes are those of `Recipe`, but for `stages`: name -> settings as they were read.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: Name
    title: str = Field(min_length=1, max_length=200)
    paper: str | None = None
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1, max_length=100)
    stages: dict[Name, dict[str, JsonValue]] = Field(min_length=1)
    published: dict[Name, Published] = {}
    compare: tuple[Compare, ...] = ()
    studies: tuple[Study, ...] = ()
    full_run: str | None = Field(default=None, min_length=1, max_length=200)


@dataclass(frozen=True)
class Recipe:
    """A recipe for one scale, with every setting checked.

    Attributes:
        name: lower case, with hyphens.
        title: one line.
        paper: citation of what it reproduces, or None.
        seeds: of the repetitions, all different.
        stages: name -> settings, in the order of the run.
        published: stage -> what the paper prints for it.
        compare: which stages to compare when all are finished.
        studies: what the report draws over a setting.
    """

    name: str
    title: str
    paper: str | None
    seeds: tuple[int, ...]
    stages: Mapping[str, StageSettings]
    published: Mapping[str, Published] = field(default_factory=dict)
    compare: tuple[Compare, ...] = ()
    studies: tuple[Study, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved recipe as JSON has it; defaults are filled in."""
        return {
            "name": self.name,
            "title": self.title,
            "paper": self.paper,
            "seeds": list(self.seeds),
            "stages": {name: s.model_dump(mode="json") for name, s in self.stages.items()},
            "published": {
                name: p.model_dump(exclude_defaults=True) for name, p in self.published.items()
            },
            "compare": [compare.model_dump() for compare in self.compare],
            "studies": [study.model_dump() for study in self.studies],
        }


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with Hertzian, sorted."""
    return tuple(sorted({path.stem for folder in FOLDERS for path in folder.glob("*.yaml")}))


def find_recipe(recipe: str | Path) -> Path:
    """Return the file of a recipe, by its name or its path.

    Raises:
        ExperimentError: there is none.
    """
    for folder in FOLDERS:
        if isinstance(recipe, str) and recipe in {path.stem for path in folder.glob("*.yaml")}:
            return folder / f"{recipe}.yaml"
    path = Path(recipe)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    known = ", ".join(recipe_names()) or "none"
    raise ExperimentError(f"{recipe}: no such recipe; known are {known}, or give a .yaml file")


def load_recipe(recipe: str | Path, scale: Scale = "full", overrides: Iterable[str] = ()) -> Recipe:
    """Read, resolve and check a recipe.

    Args:
        recipe: its name, or a path.
        scale: which of the scaled values count.
        overrides: `dotted.key=value` each, such as `stages.train.epochs=3`; values are YAML.

    Raises:
        ExperimentError: not found, or wrong; the message names the key.
    """
    path = find_recipe(recipe)
    with _naming(path):
        return _checked(_outlined(path, scale, overrides))


def read_outline(recipe: str | Path) -> Outline:
    """Read a recipe for the full scale, without what its stages need installed.

    Raises:
        ExperimentError: not found, or wrong outside its stages; the message names the key.
    """
    path = find_recipe(recipe)
    with _naming(path):
        return _outlined(path, "full", ())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put a recipe's file before what is wrong with it."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: cannot be read ({error})") from None
    except ExperimentError as error:
        raise ExperimentError(f"{path}: {error}") from None


def _outlined(path: Path, scale: Scale, overrides: Iterable[str]) -> Outline:
    if path.stat().st_size > LARGEST_RECIPE_BYTES:
        raise ExperimentError(f"a recipe may have up to {LARGEST_RECIPE_BYTES // 1000} kB")
    raw = _resolve(parse_yaml(path.read_text(encoding="utf-8")), scale, "recipe")
    for override in overrides:
        _override(raw, override)
    try:
        # through JSON, strict checking still takes a list for a tuple and 1 for 1.0
        outline = Outline.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise ExperimentError(explain(error)) from None
    if len(set(outline.seeds)) != len(outline.seeds):
        raise ExperimentError(f"seeds: {list(outline.seeds)} has one twice")
    _check_names(outline)
    return outline


def _resolve(value: Any, scale: Scale, where: str) -> Any:
    """Replace every mapping of scales by its value for this scale."""
    if isinstance(value, list):
        return [_resolve(inner, scale, f"{where}.{place}") for place, inner in enumerate(value)]
    if not isinstance(value, dict):
        return value
    scaled = set(value) & set(SCALES)
    if not scaled:
        return {key: _resolve(inner, scale, f"{where}.{key}") for key, inner in value.items()}
    if set(value) != set(SCALES):
        raise ExperimentError(f"{where}: expected a value for each of {', '.join(SCALES)}")
    return _resolve(value[scale], scale, where)


def _override(raw: Any, override: str) -> None:
    key, equals, text = override.partition("=")
    *parents, last = key.strip().split(".")
    if not equals or not last:
        raise ExperimentError(f"--set {override!r}: expected key=value")
    place = raw
    for depth, name in enumerate(parents):
        if not isinstance(place, dict) or name not in place:
            known = ", ".join(place) if isinstance(place, dict) else "none"
            above = ".".join(parents[:depth]) or "the recipe"
            raise ExperimentError(f"--set {key}: {above} has no {name!r}; known are {known}")
        place = place[name]
    if not isinstance(place, dict):
        above = ".".join(parents) or "the recipe"
        raise ExperimentError(f"--set {key}: {above} holds no keys")
    place[last] = parse_yaml(text)


def _checked(outline: Outline) -> Recipe:
    return Recipe(
        name=outline.name,
        title=outline.title,
        paper=outline.paper,
        seeds=outline.seeds,
        stages={name: _settings(name, value) for name, value in outline.stages.items()},
        published=outline.published,
        compare=outline.compare,
        studies=outline.studies,
    )


def _check_names(outline: Outline) -> None:
    """Check that what names stages names some, and that no comparison comes twice."""
    named = [("published", name) for name in outline.published]
    for place, compare in enumerate(outline.compare):
        named += [(f"compare.{place}.better", compare.better)]
        named += [(f"compare.{place}.worse", compare.worse)]
        if compare.better == compare.worse:
            raise ExperimentError(f"compare.{place}: {compare.better} is compared with itself")
        if compare.name in {earlier.name for earlier in outline.compare[:place]}:
            raise ExperimentError(f"compare.{place}: {compare.name} comes twice")
    for place, study in enumerate(outline.studies):
        for curve, points in study.curves.items():
            named += [(f"studies.{place}.curves.{curve}", name) for name in points.values()]
    for where, name in named:
        if name not in outline.stages:
            known = ", ".join(outline.stages)
            raise ExperimentError(f"{where}: no stage {name!r}; stages are {known}")


def _settings(name: str, value: Mapping[str, JsonValue]) -> StageSettings:
    try:
        kind = find_kind(value.get("kind"))
        return kind.settings.model_validate_json(json.dumps(value), strict=True)
    except ExperimentError as error:
        raise ExperimentError(f"stages.{name}.kind: {error}") from None
    except ValidationError as error:
        raise ExperimentError(f"stages.{name}: {explain(error)}") from None
