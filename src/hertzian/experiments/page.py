"""The page of a finished run: report.html."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hertzian.experiments.comparisons import COMPARISONS
from hertzian.experiments.page_clusters import cluster_section, find_clusterings
from hertzian.experiments.page_generated import generated_section
from hertzian.experiments.page_networks import find_networks, network_sections, repetitions_of
from hertzian.experiments.page_numbers import Row, measured
from hertzian.experiments.page_possible import find_possible, possible_sections
from hertzian.experiments.page_studies import study_section
from hertzian.experiments.result import Result
from hertzian.report import Plot, Section, Table, duration, experiment_page, training_history


def write_page(result: Result, path: Path) -> None:
    """Write a result as one self-contained HTML file.

    Feature maps are shown where the page's folder has `features.npz`, see `network_sections`.

    Raises:
        HertzianError: it cannot be written, or the feature maps cannot be read.
    """
    recipe = result.recipe
    lead = f"Recipe {recipe['name']}, scale {result.scale}, {_seeds(result)}."
    if result.scale != "full":
        lead += " The scale is reduced: these numbers are not those of the published protocol."
    if recipe.get("paper"):
        lead += f" After {recipe['paper']}."
    networks, clusterings = find_networks(result), find_clusterings(result)
    possible = find_possible(result)
    shown = {**networks, **clusterings, **possible}
    others = {
        name: value
        for name, value in result.metrics.items()
        if name not in shown and name != COMPARISONS
    }
    sections = (
        *study_section(result, shown),
        *possible_sections(possible),
        *cluster_section(result, clusterings),
        *network_sections(result, networks, path.parent),
        *generated_section(path.parent),
        *([Section("Measured", _others(others, result.seeds))] if others or not shown else []),
        Section("How it was measured", (Table(("", ""), tuple(_provenance(result))),)),
        Section("Stages", (_stages(result),)),
        Section("Recipe", (Table(("setting", "value"), tuple(_settings(recipe))),)),
    )
    experiment_page(path, str(recipe["title"]), sections, lead)


def _others(blocks: Mapping[str, Any], seeds: Sequence[int]) -> tuple[Table | Plot, ...]:
    """Return what is no network's accuracy: numbers, and the training of several heads."""
    histories = {
        name: repetitions_of(block.get("history"), seeds)
        for name, block in blocks.items()
        if isinstance(block, Mapping)
    }
    plots = (
        Plot(training_history(history), f"Training of {name}")
        for name, history in histories.items()
        if history
    )
    return (*measured(blocks), *plots)


def _seeds(result: Result) -> str:
    if len(result.seeds) == 1:
        return f"seed {result.seeds[0]}"
    return f"seeds {', '.join(map(str, result.seeds))}"


def _provenance(result: Result) -> Iterator[Row]:
    hardware = result.hardware
    yield "command", result.command
    yield "date", result.date.isoformat()
    commit = result.commit or "not a checkout"
    yield "commit", f"{commit}, with changes" if result.modified else commit
    yield "processor", f"{hardware.processor}, {hardware.cores} cores"
    if hardware.memory_bytes is not None:
        yield "memory", f"{hardware.memory_bytes / 2**30:.1f} GiB"
    yield "accelerator", hardware.accelerator or "none"
    yield "python", result.python
    yield "packages", ", ".join(f"{name} {v}" for name, v in result.packages.items())
    if result.split_hash is not None:
        yield "split", result.split_hash
    for seen in result.trained_on:
        yield "trained on", f"preset {seen.preset}, seed {seen.seed}"


def _stages(result: Result) -> Table:
    rows = [
        (name, duration(stage.wall_time_s), stage.date.isoformat(), stage.commit)
        for name, stage in result.stages.items()
    ]
    return Table(("stage", "wall time", "finished", "commit"), rows)


def _settings(value: Any, key: str = "") -> Iterator[Row]:
    """Yield a row for each setting, under its dotted key; mappings in lists under their place."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _settings(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for place, inner in enumerate(value):
            yield from _settings(inner, f"{key}.{place}")
    elif isinstance(value, list):
        yield key, ", ".join(map(str, value)) or "none"
    else:
        yield key, "" if value is None else str(value)
