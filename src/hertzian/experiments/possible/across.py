"""The stage that tests models on every preset whose classes they share: what generalises."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field, field_validator

from hertzian.datasets.opening import open_dataset
from hertzian.datasets.presets import Preset, find_preset
from hertzian.datasets.synthesis import synthesise
from hertzian.deployment import ModelMetadata, Predictor, load_predictor
from hertzian.evaluation import evaluate_windows, refuse_seen
from hertzian.experiments.classifiers.data import bar
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.recordings import atomic_path
from hertzian.signal import HertzianError, canonical

_FEWEST = 2  # classes, of which one is to be told from another


class AcrossSettings(StageSettings):
    """`models` are shipped names or files; `per` windows of each (class, SNR) of each preset."""

    models: tuple[str, ...] = Field(min_length=1)
    presets: tuple[str, ...] = Field(min_length=1)
    per: int = Field(default=100, ge=1)
    seed: int = Field(default=1000, ge=0)

    @field_validator("presets")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                find_preset(name)
            except HertzianError as error:
                raise ValueError(str(error)) from None
        return names


@stage("across-presets", AcrossSettings)
def across(settings: AcrossSettings, context: StageContext) -> StageOutcome:
    """Test each model on each preset by the classes of both; finished presets are kept."""
    models = {name: load_predictor(name) for name in settings.models}
    found: dict[str, dict[str, Any]] = {name: {} for name in models}
    for name in settings.presets:
        preset = find_preset(name)
        shared = {
            model: common
            for model, predictor in models.items()
            if len(common := shared_classes(predictor.metadata, preset)) >= _FEWEST
        }
        if not shared:
            context.log(f"{name}: no model shares windows and classes with it")
            continue
        file = context.folder / f"{name}.json"
        if not file.exists():
            measured = _tested(settings, context, name, {one: models[one] for one in shared})
            with atomic_path(file) as partial:
                partial.write_text(json.dumps(measured), encoding="utf-8")
        for model, block in json.loads(file.read_text(encoding="utf-8")).items():
            found[model][name] = {**block, "classes": shared[model]}
        said = ", ".join(f"{model} {100 * found[model][name]['accuracy']:.1f}%" for model in shared)
        context.log(f"{name}: {said}")
    nothing = [model for model, blocks in found.items() if not blocks]
    if nothing:
        raise ExperimentError(
            f"{', '.join(nothing)}: no preset has windows of that length and two of its classes"
        )
    return StageOutcome(metrics={context.folder.name: {"across": found}})


def shared_classes(metadata: ModelMetadata, preset: Preset) -> list[str]:
    """Return the classes that a model knows and a preset has; none for windows of other length."""
    if metadata.samples != preset.samples:
        return []
    known = set(_labels(metadata.classes))
    return [name for name in _labels(preset.modulations) if name in known]


def _labels(names: Iterable[str]) -> Iterator[str]:
    """Yield canonical labels of the names that have any."""
    for name in names:
        with contextlib.suppress(HertzianError):
            yield canonical(name)


def _tested(
    settings: AcrossSettings,
    context: StageContext,
    name: str,
    models: Mapping[str, Predictor],
) -> dict[str, Any]:
    """Make the windows of a preset, and return model -> what it measured on them."""
    path = context.folder / "windows.h5"
    with bar(f"windows of {name}") as advance:
        synthesise(
            name,
            path,
            per=settings.per,
            seed=settings.seed,
            workers=os.cpu_count() or 1,
            advance=advance,
        )
    dataset = open_dataset(path)
    measured = {}
    for model, predictor in models.items():
        refuse_seen(dataset, predictor.metadata.trained_on, name)
        with bar(f"{model} on {name}", len(dataset)) as advance:
            block = evaluate_windows(predictor, dataset, data=name, common=True, advance=advance)
        block = block.get("heads", {"modulation": block})["modulation"]
        measured[model] = {
            key: block[key] for key in ("examples", "accuracy", "accuracy_snr_ge_0", "peak")
        }
    path.unlink()
    return measured
