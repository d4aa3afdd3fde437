"""Experiments: recipes, the runner that resumes, and what they measured."""

from hertzian.experiments.provenance import Hardware, Provenance, gather_provenance
from hertzian.experiments.recipe import (
    Compare,
    Published,
    Recipe,
    find_recipe,
    load_recipe,
    recipe_names,
)
from hertzian.experiments.result import (
    Result,
    StageRecord,
    interval_of_mean,
    over_seeds,
    read_result,
    write_result,
)
from hertzian.experiments.runner import run_recipe
from hertzian.experiments.stages import (
    SCALES,
    ExperimentError,
    Scale,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)

__all__ = [
    "SCALES",
    "Compare",
    "ExperimentError",
    "Hardware",
    "Provenance",
    "Published",
    "Recipe",
    "Result",
    "Scale",
    "StageContext",
    "StageOutcome",
    "StageRecord",
    "StageSettings",
    "find_recipe",
    "gather_provenance",
    "interval_of_mean",
    "load_recipe",
    "over_seeds",
    "read_result",
    "recipe_names",
    "run_recipe",
    "stage",
    "write_result",
]
