"""Comparisons of stages that saw the same test examples: a recipe's `compare`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.evaluation import bootstrap_interval
from hertzian.experiments.arrays import read_arrays
from hertzian.experiments.recipe import Compare
from hertzian.experiments.result import over_seeds
from hertzian.experiments.stages import ExperimentError

COMPARISONS = "comparisons"
"""Key of the comparisons in the metrics of result.json, by their names."""

PREDICTIONS = "predictions.npz"
"""A stage's predictions of its test examples, in its folder: `probabilities` [n, classes], `truth`
int [n] and `snr_db` [n], with the names `classes` and, as a string, which `examples` they are."""


@dataclass(frozen=True)
class Repetition:
    """What a finished stage measured for one seed, and the folder with its predictions."""

    metrics: Mapping[str, Any]
    folder: Path


def compare_stages(compare: Compare, stages: Mapping[str, Sequence[Repetition]]) -> dict[str, Any]:
    """Return by how much the accuracy of one stage exceeds that of another, seed by seed.

    Args:
        compare: which stages.
        stages: name -> its repetitions, in the order of the seeds; a stage that is not repeated
            has one, which stands beside each of the other's.

    Returns:
        `difference`, as a number in `over_seeds`, its interval that of paired differences; `by`,
        the expected margin or None; `over_examples`, the 95% bootstrap interval of each seed's
        difference over test examples, None where a stage left no predictions.

    Raises:
        ExperimentError: a stage measured no accuracy, its predictions cannot be read, or the two
            were not measured on the same examples.
    """
    better, worse = stages[compare.better], stages[compare.worse]
    pairs = [
        (better[place % len(better)], worse[place % len(worse)])
        for place in range(max(len(better), len(worse)))
    ]
    differences = [
        {"difference": _accuracy(compare.better, one) - _accuracy(compare.worse, other)}
        for one, other in pairs
    ]
    return {
        **over_seeds(differences),
        "by": compare.by,
        "over_examples": [_over_examples(compare, one, other) for one, other in pairs],
    }


def _accuracy(stage: str, repetition: Repetition) -> float:
    block = repetition.metrics.get(stage)
    found = block.get("accuracy") if isinstance(block, Mapping) else None
    if not isinstance(found, int | float):
        raise ExperimentError(
            f"compare: stage {stage} measured no accuracy of its own; take it out of the "
            f"comparison, and run again: nothing that is finished is lost"
        )
    return float(found)


def _over_examples(compare: Compare, better: Repetition, worse: Repetition) -> list[float] | None:
    paths = [repetition.folder / PREDICTIONS for repetition in (better, worse)]
    if not all(path.is_file() for path in paths):
        return None
    (right, examples), (wrong, others) = map(_right, paths)
    if examples != others or right.shape != wrong.shape:
        raise ExperimentError(
            f"compare: {compare.name} were not measured on the same examples "
            f"({paths[0]} and {paths[1]}); take it out of the recipe's comparisons"
        )
    return list(bootstrap_interval(right.astype(np.int64) - wrong))


def _right(path: Path) -> tuple[npt.NDArray[np.bool_], str]:
    """Return which predictions are right [n], and of which examples they are."""
    wanted = ("probabilities", "truth", "examples")
    found = read_arrays(path, "the predictions of a stage", wanted)
    probabilities, truth = found["probabilities"], found["truth"]
    if probabilities.ndim != 2 or not len(truth) or truth.shape != probabilities.shape[:1]:
        raise ExperimentError(
            f"{path}: probabilities {list(probabilities.shape)} and labels {list(truth.shape)} "
            f"do not belong together"
        )
    return probabilities.argmax(axis=1) == truth, str(found["examples"])
