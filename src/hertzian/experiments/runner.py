"""Run a recipe stage by stage; started again on the same folder, it goes on where it stopped.

The folder of a run holds `run.json` (which recipe, which scale), `stages/NAME/` or, for stages that
each seed repeats, `stages/NAME/seed-N/`, each with a stamp; and in the end `result.json`,
`report.html` and what stages publish, such as `model.onnx`.
"""

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from hertzian.deployment import DatasetIdentity
from hertzian.deployment.validation import explain
from hertzian.evaluation import json_safe
from hertzian.experiments.comparisons import COMPARISONS, Repetition, compare_stages
from hertzian.experiments.page import write_page
from hertzian.experiments.provenance import Provenance, gather_provenance
from hertzian.experiments.recipe import Recipe
from hertzian.experiments.result import Result, StageRecord, over_seeds, write_result
from hertzian.experiments.stages import (
    ExperimentError,
    Scale,
    StageContext,
    StageKind,
    StageOutcome,
    find_kind,
)
from hertzian.recordings import atomic_path

_STAMP = "stage.json"
_NOTED_EVERY_S = 20.0
_LONGEST_TOLD = 100

_RecordT = TypeVar("_RecordT", bound=BaseModel)


class _Run(BaseModel):
    """Contents of run.json."""

    model_config = ConfigDict(extra="forbid")

    recipe: str
    scale: Scale


class _Stamp(BaseModel):
    """What a stage's folder says of it.

    `digest` covers all settings that its results depend on; `finished` is None until it is.
    """

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, JsonValue]
    digest: str
    finished: Provenance | None = None
    wall_time_s: float = 0.0
    metrics: dict[str, JsonValue] = {}
    trained_on: tuple[DatasetIdentity, ...] = ()
    split_hash: str | None = None


@dataclass(frozen=True)
class _Step:
    """One execution of a stage: for one seed, or for all."""

    name: str
    kind: StageKind
    seed: int
    folder: Path
    digest: str
    context: StageContext

    @property
    def title(self) -> str:
        return f"{self.name} (seed {self.seed})" if self.kind.per_seed else self.name

    @property
    def settings(self) -> dict[str, Any]:
        return self.context.stages[self.name].model_dump(mode="json")


def run_recipe(
    recipe: Recipe,
    scale: Scale,
    out: Path,
    *,
    command: str,
    log: Callable[[str], None] = lambda line: None,
) -> Result:
    """Run every stage that is not finished yet, and write result.json and report.html.

    Args:
        recipe: resolved for `scale`.
        scale: goes into the result.
        out: the run's folder, made if missing.
        command: what to type for the same run; goes into the result.
        log: takes a line on each stage.

    Raises:
        ExperimentError: the folder belongs to another run, or is no run's folder.
        HertzianError: a stage failed.
    """
    gather_provenance()  # now, before anybody commits what isn't loaded here
    steps = _plan(recipe, scale, out, log)
    _claim(recipe, scale, out)
    for step in steps:
        _refuse_other_results(step, out)
    stamps = []
    for place, step in enumerate(steps, start=1):
        stamp = _read_stamp(step.folder)
        if stamp is not None and stamp.finished is not None:
            log(f"[{place}/{len(steps)}] {step.title}: finished before")
        else:
            log(f"[{place}/{len(steps)}] {step.title}")
            stamp = _execute(step)
        stamps.append(stamp)
    result = _collect(recipe, scale, command, steps, stamps)
    write_page(result, out / "report.html")
    write_result(result, out / "result.json")
    return result


def _plan(recipe: Recipe, scale: Scale, out: Path, log: Callable[[str], None]) -> list[_Step]:
    """Return the steps: stage by stage, the repeated ones seed by seed."""
    kinds = {name: find_kind(settings.kind) for name, settings in recipe.stages.items()}
    chains = dict.fromkeys(recipe.seeds, _digest(recipe.name, scale))
    outputs: dict[int, dict[str, Path]] = {seed: {} for seed in recipe.seeds}
    steps = []
    for name, kind in kinds.items():
        described = {**recipe.stages[name].said(), **recipe.stages[name].named_files()}
        # equal digests count once, so that one more seed leaves what all of them share as it is
        shared = _digest(name, described, recipe.seeds[0], *dict.fromkeys(chains.values()))
        for seed in recipe.seeds if kind.per_seed else recipe.seeds[:1]:
            folder = out / "stages" / name
            folder = folder / f"seed-{seed}" if kind.per_seed else folder
            digest = _digest(name, described, seed, chains[seed]) if kind.per_seed else shared
            context = StageContext(
                folder=folder,
                seed=seed,
                scale=scale,
                stages=recipe.stages,
                outputs=dict(outputs[seed]),
                run_folder=out,
                first=seed == recipe.seeds[0],
                log=log,
            )
            steps.append(_Step(name, kind, seed, folder, digest, context))
            followers = (seed,) if kind.per_seed else recipe.seeds
            chains |= dict.fromkeys(followers, digest)
            for follower in followers:
                outputs[follower][name] = folder
    return steps


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _claim(recipe: Recipe, scale: Scale, out: Path) -> None:
    """Make the folder this run's, or check that it is."""
    ours = _Run(recipe=recipe.name, scale=scale)
    record = out / "run.json"
    if record.is_file():
        theirs = _load(_Run, record)
        if theirs != ours:
            raise ExperimentError(
                f"{out} holds a run of {theirs.recipe} at scale {theirs.scale}, not of "
                f"{ours.recipe} at {ours.scale}; give another --out"
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExperimentError(f"{out} is not the folder of a run; give a new or empty one to --out")
    out.mkdir(parents=True, exist_ok=True)
    _store(ours, record)


def _refuse_other_results(step: _Step, out: Path) -> None:
    """Check that a finished step was finished with these very settings."""
    stamp = _read_stamp(step.folder)
    if stamp is None or stamp.finished is None or stamp.digest == step.digest:
        return
    ours, theirs = step.settings, stamp.settings
    keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    said = "; ".join(
        f"{key} was {_short(theirs.get(key))} and is {_short(ours.get(key))}" for key in keys[:3]
    )
    raise ExperimentError(
        f"{out}: stage {step.title} is finished with other settings "
        f"({said or 'of an earlier stage, or another file'}); give another --out, or delete "
        f"{step.folder} and what follows from it"
    )


def _short(value: Any) -> str:
    """Return a value as a message shows it: how long a long list is, the beginning of all else."""
    told = repr(value)
    if len(told) <= _LONGEST_TOLD:
        return told
    return f"a list of {len(value)}" if isinstance(value, list) else f"{told[:_LONGEST_TOLD]}..."


def _execute(step: _Step) -> _Stamp:
    before = _read_stamp(step.folder)
    if before is None or before.digest != step.digest:
        if step.folder.exists():
            step.context.log(f"{step.title}: begun with other settings, starts again")
            shutil.rmtree(step.folder)
        before = _Stamp(settings=step.settings, digest=step.digest)
        step.folder.mkdir(parents=True)
        _store(before, step.folder / _STAMP)
    with _stopwatch(before, step.folder) as elapsed_s:
        outcome = step.kind.run(step.context.stages[step.name], step.context)
    after = _stamp_of(outcome, before, elapsed_s())
    _store(after, step.folder / _STAMP)
    return after


@contextmanager
def _stopwatch(stamp: _Stamp, folder: Path) -> Iterator[Callable[[], float]]:
    """Time a stage; what an attempt took that fails or is killed stays in its stamp."""
    start = time.monotonic()
    over = threading.Event()

    def elapsed_s() -> float:
        return stamp.wall_time_s + time.monotonic() - start

    def note() -> None:
        _store(stamp.model_copy(update={"wall_time_s": elapsed_s()}), folder / _STAMP)

    def note_now_and_then() -> None:
        while not over.wait(_NOTED_EVERY_S):
            note()

    thread = threading.Thread(target=note_now_and_then, daemon=True)
    thread.start()
    try:
        yield elapsed_s
    except BaseException:
        note()
        raise
    finally:
        over.set()
        thread.join()


def _stamp_of(outcome: StageOutcome, before: _Stamp, wall_time_s: float) -> _Stamp:
    return before.model_copy(
        update={
            "finished": gather_provenance(),
            "wall_time_s": wall_time_s,
            "metrics": json_safe(outcome.metrics),
            "trained_on": outcome.trained_on,
            "split_hash": outcome.split_hash,
        }
    )


def _collect(
    recipe: Recipe, scale: Scale, command: str, steps: list[_Step], stamps: list[_Stamp]
) -> Result:
    stages: dict[str, StageRecord] = {}
    metrics: dict[str, JsonValue] = {}
    repetitions: dict[str, list[Repetition]] = {}
    for name in recipe.stages:
        own = [
            (step, stamp) for step, stamp in zip(steps, stamps, strict=True) if step.name == name
        ]
        stages[name] = _record([stamp for _, stamp in own])
        repetitions[name] = [Repetition(stamp.metrics, step.folder) for step, stamp in own]
        found = over_seeds([stamp.metrics for _, stamp in own])
        clashes = sorted(set(found) & {*metrics, COMPARISONS})
        if clashes:
            raise ExperimentError(
                f"stage {name} measures {clashes[0]!r}, as one before it or the run itself does"
            )
        metrics |= found
    if recipe.compare:
        metrics[COMPARISONS] = {c.name: compare_stages(c, repetitions) for c in recipe.compare}
    hashes = dict.fromkeys(stamp.split_hash for stamp in stamps if stamp.split_hash)
    return Result(
        recipe=recipe.to_dict(),
        scale=scale,
        seeds=recipe.seeds,
        command=command,
        metrics=metrics,
        wall_time_s=sum(record.wall_time_s for record in stages.values()),
        stages=stages,
        split_hash=" ".join(hashes) or None,
        trained_on=tuple(dict.fromkeys(seen for stamp in stamps for seen in stamp.trained_on)),
        **dict(gather_provenance()),
    )


def _record(stamps: list[_Stamp]) -> StageRecord:
    last = stamps[-1].finished
    if last is None:
        raise ExperimentError("a stage that is not finished has no result")
    return StageRecord(
        wall_time_s=sum(stamp.wall_time_s for stamp in stamps),
        date=last.date,
        commit=last.commit,
        modified=last.modified,
        hardware=last.hardware,
    )


def _read_stamp(folder: Path) -> _Stamp | None:
    path = folder / _STAMP
    return _load(_Stamp, path) if path.is_file() else None


def _load(model: type[_RecordT], path: Path) -> _RecordT:
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ExperimentError(f"{path}: not the record of a run: {explain(error)}") from None


def _store(record: BaseModel, path: Path) -> None:
    with atomic_path(path) as partial:
        partial.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
