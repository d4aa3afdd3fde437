"""Recipes: experiments as YAML, checked to the last key before anything runs.

A recipe has a `name`, a `title`, the `paper` that it follows or null, `seeds`, and `stages`: name
-> settings, in the order of the run, each with the `kind` that says which settings there are. A
value that depends on the scale is a mapping of `smoke`, `small` and `full`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


class _File(BaseModel):
    """A recipe's outline; the settings of its stages are checked by their kinds."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: Name
    title: str = Field(min_length=1, max_length=200)
    paper: str | None = None
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1, max_length=100)
    stages: dict[Name, dict[str, JsonValue]] = Field(min_length=1)


@dataclass(frozen=True)
class Recipe:
    """A recipe for one scale, with every setting checked.

    Attributes:
        name: lower case, with hyphens.
        title: one line.
        paper: citation of what it reproduces, or None.
        seeds: of the repetitions, all different.
        stages: name -> settings, in the order of the run.
    """

    name: str
    title: str
    paper: str | None
    seeds: tuple[int, ...]
    stages: Mapping[str, StageSettings]

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved recipe as JSON has it; defaults are filled in."""
        return {
            "name": self.name,
            "title": self.title,
            "paper": self.paper,
            "seeds": list(self.seeds),
            "stages": {name: s.model_dump(mode="json") for name, s in self.stages.items()},
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
    try:
        if path.stat().st_size > LARGEST_RECIPE_BYTES:
            raise ExperimentError(f"a recipe may have up to {LARGEST_RECIPE_BYTES // 1000} kB")
        raw = _resolve(parse_yaml(path.read_text(encoding="utf-8")), scale, "recipe")
        for override in overrides:
            _override(raw, override)
        return _checked(raw)
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: cannot be read ({error})") from None
    except ExperimentError as error:
        raise ExperimentError(f"{path}: {error}") from None


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


def _checked(raw: Any) -> Recipe:
    # through JSON, strict checking still takes a list for a tuple and 1 for 1.0
    try:
        outline = _File.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise ExperimentError(explain(error)) from None
    if len(set(outline.seeds)) != len(outline.seeds):
        raise ExperimentError(f"seeds: {list(outline.seeds)} has one twice")
    stages = {name: _settings(name, value) for name, value in outline.stages.items()}
    return Recipe(outline.name, outline.title, outline.paper, outline.seeds, stages)


def _settings(name: str, value: Mapping[str, JsonValue]) -> StageSettings:
    try:
        kind = find_kind(value.get("kind"))
        return kind.settings.model_validate_json(json.dumps(value), strict=True)
    except ExperimentError as error:
        raise ExperimentError(f"stages.{name}.kind: {error}") from None
    except ValidationError as error:
        raise ExperimentError(f"stages.{name}: {explain(error)}") from None
