"""What an experiment measured, and everything needed to measure it again: result.json."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from scipy.special import stdtrit

from hertzian.deployment import DatasetIdentity
from hertzian.deployment.validation import explain
from hertzian.evaluation import json_safe
from hertzian.experiments.provenance import Hardware, Provenance
from hertzian.experiments.stages import ExperimentError, Scale
from hertzian.recordings import atomic_path

_CONFUSION = {"classes", "counts"}


class StageRecord(BaseModel):
    """When and where a stage was finished, and how long all its repetitions took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wall_time_s: float
    date: datetime
    commit: str | None
    modified: bool
    hardware: Hardware


class Result(Provenance):
    """The contents of result.json; where they come from is said by `Provenance`, its base.

    Attributes:
        recipe: resolved for the scale, defaults filled in.
        scale: smoke, small or full.
        seeds: of the repetitions.
        command: what to type to measure it again.
        metrics: as in `evaluate --json`; each number is `{"mean", "interval", "values"}` over the
            seeds, see `over_seeds`.
        wall_time_s: of all stages, interrupted attempts included but for their last seconds.
        stages: name -> when, where and for how long it ran; earlier than the rest if resumed.
        split_hash: of the split that was used, or None.
        trained_on: datasets that the model has seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: dict[str, JsonValue]
    scale: Scale
    seeds: tuple[int, ...]
    command: str
    metrics: dict[str, JsonValue]
    wall_time_s: float
    stages: dict[str, StageRecord]
    split_hash: str | None
    trained_on: tuple[DatasetIdentity, ...]


def write_result(result: Result, path: Path) -> None:
    """Write result.json, whole or not at all.

    Raises:
        HertzianError: it cannot be written.
    """
    with atomic_path(path) as partial:
        partial.write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_result(path: str | Path) -> Result:
    """Read a result.json.

    Raises:
        ExperimentError: unreadable, or not the result of a run.
    """
    try:
        return Result.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise ExperimentError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise ExperimentError(f"{path}: not the result of a run: {explain(error)}") from None


def over_seeds(repetitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the metrics of repetitions into one document with the keys of all.

    A number becomes `{"mean", "interval", "values"}`: the mean, its 95% interval (None for one
    seed, see `interval_of_mean`), and the value of each seed, None where it has none. Counts of a
    confusion are added up. What is no number stays if it is the same in all, or else becomes
    `{"values"}`.
    """
    keys = dict.fromkeys(key for repetition in repetitions for key in repetition)
    return {key: _merged([json_safe(r.get(key)) for r in repetitions]) for key in keys}


def _merged(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, dict) for value in known):
        if all(set(value) == _CONFUSION for value in known):
            return _added(known)
        return over_seeds([value or {} for value in values])
    if known and all(_is_number(value) for value in known):
        interval = interval_of_mean(known)
        mean = math.fsum(known) / len(known)
        return {"mean": mean, "interval": interval and list(interval), "values": values}
    return values[0] if all(value == values[0] for value in values) else {"values": values}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _added(confusions: list[Any]) -> dict[str, Any]:
    classes = list(dict.fromkeys(name for one in confusions for name in one["classes"]))
    total = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for one in confusions:
        places = [classes.index(name) for name in one["classes"]]
        total[np.ix_(places, places)] += np.asarray(one["counts"], dtype=np.int64)
    return {"classes": classes, "counts": total.tolist()}


def interval_of_mean(values: Sequence[float], share: float = 0.95) -> tuple[float, float] | None:
    """Return the t interval of the mean: mean -+ t(n-1) * s / sqrt(n); None for fewer than two.

    Student, "The probable error of a mean", Biometrika 6 (1908); `share` is its coverage.
    """
    if len(values) < 2:
        return None
    sample = np.asarray(values, dtype=np.float64)
    error = sample.std(ddof=1) / math.sqrt(len(sample))
    half = float(stdtrit(len(sample) - 1, (1 + share) / 2)) * error
    return float(sample.mean() - half), float(sample.mean() + half)
