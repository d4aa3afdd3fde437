"""The stage that makes a user's own labelled recordings into windows, split by recording."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from hertzian.datasets.by_recording import split_digest, split_recordings
from hertzian.datasets.jobs import run_jobs
from hertzian.datasets.labelled import (
    LabelledFolder,
    LabelledRecording,
    describe,
    folder_digest,
    read_labelled,
    sample_digest,
)
from hertzian.datasets.scenes import Scene
from hertzian.datasets.shards import Shard, has_shard, read_shards, write_shard, write_shards
from hertzian.datasets.shown import learnt_from
from hertzian.deployment import load_predictor
from hertzian.detection import Baseband
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.recognition import WINDOWS_PER_PIECE
from hertzian.recognition.keying import pulses_carry_data
from hertzian.recognition.memory import repeats_at
from hertzian.recordings import RecordingError, atomic_path
from hertzian.signal import LABELS

SHIPPED_MODEL = "field"
PARTS = ("training", "validation", "test")
REHEARSAL = "rehearsal"
_REHEARSAL_SEED = 800_000
_RECORD = "recordings.json"
# starting another process takes as long as reading these
_FEW_SAMPLES = 50_000_000
Part = Annotated[float, Field(gt=0, lt=1)]


class RecordingsSettings(StageSettings):
    """Which recordings, and how they are shared out.

    Attributes:
        folder: every .sigmf-meta below it is read; without it nothing can run.
        training, validation, test: shares of the recordings; they sum to 1.
        group: what comes whole into one part: a recording, or all recordings of one folder, such as
            the files of one session. Recordings with the same samples are one in any case.
        names: label as it is written -> its name in the label table.
        leave_out: labels that are not learnt.
        bad_files: whether a recording that cannot be used ends the run, or is skipped.
        windows_per_detection: in training; validation has as many as recognition looks at.
        windows_per_label: of one label in one recording, at most.
        rehearsal: synthetic recordings of the `field` preset that are learnt beside them, lest what
            they lack be forgotten.
    """

    folder: str | None = None
    training: Part = 0.6
    validation: Part = 0.2
    test: Part = 0.2
    group: Literal["recording", "folder"] = "recording"
    names: dict[str, str] = Field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    bad_files: Literal["refuse", "skip"] = "refuse"
    windows_per_detection: int = Field(default=8, ge=1)
    windows_per_label: int = Field(default=200, ge=1)
    rehearsal: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> "RecordingsSettings":
        total = self.training + self.validation + self.test
        if not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"training, validation and test sum to {total:g}, expected 1")
        return self

    @property
    def path(self) -> Path:
        """The folder.

        Raises:
            ExperimentError: none is given.
        """
        if self.folder is None:
            raise ExperimentError(
                "no recordings are given; name the folder of your labelled SigMF recordings with "
                "--set stages.data.folder=/path/to/captures"
            )
        return Path(self.folder)

    def named_files(self) -> dict[str, str]:
        """Return the digest of the recordings' metadata and sizes."""
        return {"recordings": folder_digest(self.path)}


def known_classes() -> tuple[str, ...]:
    """Return the classes of the shipped model, in the order of its logits."""
    return load_predictor(SHIPPED_MODEL, 1).metadata.classes


def read_record(folder: Path) -> dict[str, Any]:
    """Return what the stage wrote of its recordings: `classes`, `recordings`, `asked`."""
    record: dict[str, Any] = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    return record


def read_folder(settings: RecordingsSettings) -> LabelledFolder:
    """Return the labelled recordings that the settings speak of, by name.

    Raises:
        DatasetError: see `read_labelled`.
    """
    return read_labelled(
        settings.path,
        names=settings.names,
        leave_out=settings.leave_out,
        skip_bad=settings.bad_files == "skip",
    )


@stage("labelled-recordings", RecordingsSettings)
def make_windows(settings: RecordingsSettings, context: StageContext) -> StageOutcome:
    """Split the recordings and cut the windows of training and validation; the test stays whole."""
    found = read_folder(settings)
    describe(found, context.log)
    recordings, groups, unread = _grouped(found.recordings, settings, context)
    names = [one.name for one in recordings]
    fractions = {part: float(getattr(settings, part)) for part in PARTS}
    parts = split_recordings([r.labels for r in recordings], groups, names, fractions, context.seed)
    base = known_classes()
    taught = {label for one in recordings for label in one.labels}
    classes = (*base, *(label for label in LABELS if label in taught and label not in base))
    told = _cut(recordings, parts, classes, frozenset(base), settings, context)
    digest = split_digest(names, groups, parts)
    _store(
        context.folder / _RECORD,
        {
            "classes": list(classes),
            "recordings": [
                {"name": name, "part": part, "labels": dict(one.labels)}
                for name, part, one in zip(names, parts, recordings, strict=True)
            ],
            "asked": _added([one["asked"] for one in told]),
            "digest": digest,
        },
    )
    if settings.rehearsal:
        _rehearse(settings.rehearsal, base, context)
    windows = {
        part: _windows_of(context.folder / part, classes) for part in ("training", "validation")
    }
    _tell(recordings, parts, windows, context)
    _refuse_unheard(taught, windows)
    missed = sum(one["missed"] for one in told)
    if missed:
        context.log(f"{missed} labelled signals are too weak, or too mixed with others, to learn")
    return StageOutcome(
        metrics={
            "recordings": {part: parts.count(part) for part in PARTS},
            "recordings_skipped": len(found.bad) + len(unread),
            "windows": {part: sum(counts.values()) for part, counts in windows.items()},
            "signals_not_learnt": missed,
        },
        split_hash=digest,
    )


def _grouped(
    recordings: Sequence[LabelledRecording], settings: RecordingsSettings, context: StageContext
) -> tuple[list[LabelledRecording], list[str], list[str]]:
    """Return the recordings, the group of each, and what is wrong with those that can't be read."""
    kept, groups, unread = [], [], []
    same: dict[str, str] = {}
    for one in recordings:
        try:
            digest = sample_digest(one.recording)
        except RecordingError as error:
            if settings.bad_files == "refuse":
                raise ExperimentError(
                    f"{error}; mend it, or skip such recordings with --set "
                    "stages.data.bad_files=skip"
                ) from None
            context.log(f"warning: skipped: {error}")
            unread.append(str(error))
            continue
        folder = str(Path(one.name).parent)
        group = digest if settings.group == "recording" else folder
        # a copy goes where the first one does, whatever folder it is in
        groups.append(same.setdefault(digest, group))
        kept.append(one)
    return kept, groups, unread


def _cut(
    recordings: Sequence[LabelledRecording],
    parts: Sequence[str],
    classes: tuple[str, ...],
    base: frozenset[str],
    settings: RecordingsSettings,
    context: StageContext,
) -> list[dict[str, Any]]:
    """Cut the windows of training and validation; finished recordings are kept."""
    for part in ("training", "validation"):
        (context.folder / part).mkdir(exist_ok=True)
    wanted = [place for place, part in enumerate(parts) if part != "test"]
    missing = [p for p in wanted if not has_shard(context.folder / parts[p], p)]
    jobs = [
        partial(
            _cut_one,
            recordings[place],
            context.folder / parts[place],
            place,
            classes,
            base,
            WINDOWS_PER_PIECE if parts[place] == "validation" else settings.windows_per_detection,
            settings.windows_per_label,
        )
        for place in missing
    ]
    samples = sum(recordings[place].recording.samples for place in missing)
    for done in run_jobs(jobs, 1 if samples < _FEW_SAMPLES else os.cpu_count() or 1):
        context.log(f"recordings: {done} of {len(jobs)}")
    files = [_told_file(context.folder / parts[place], place) for place in wanted]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _told_file(folder: Path, place: int) -> Path:
    return folder / f"{place:07d}.json"


def _cut_one(
    recording: LabelledRecording,
    folder: Path,
    place: int,
    classes: tuple[str, ...],
    base: frozenset[str],
    per_detection: int,
    most: int,
) -> None:
    """Write the shard of a recording, and what its signals of new labels answer when asked more."""
    asked: dict[str, list[int]] = {}

    def watch(label: str, found: Baseband) -> None:
        if label not in base and not (found.plateau or found.faint):
            own = asked.setdefault(label, [0, 0, 0])
            repeats = repeats_at(found.iq) is not None
            answers = (1, repeats, pulses_carry_data(found.iq))
            asked[label] = [had + new for had, new in zip(own, answers, strict=True)]

    learnt = learnt_from(
        recording, classes, place, per_detection=per_detection, most=most, watch=watch
    )
    _store(_told_file(folder, place), {"missed": learnt.missed, "asked": asked})
    write_shard(folder, place, learnt.windows)


def _added(asked: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """Add up [detections, those that repeat themselves, those whose pulses carry data]."""
    total: dict[str, list[int]] = {}
    for one in asked:
        for label, counts in one.items():
            own = total.get(label, [0, 0, 0])
            total[label] = [a + b for a, b in zip(own, counts, strict=True)]
    return total


def _rehearse(count: int, classes: tuple[str, ...], context: StageContext) -> None:
    write_shards(
        context.folder / REHEARSAL,
        seed=rehearsal_seed(context.seed),
        recordings=count,
        classes=classes,
        scene=Scene(),
        workers=os.cpu_count() or 1,
        per_detection=8,
        progress=lambda done, of: context.log(f"{REHEARSAL}: shard {done} of {of}"),
    )


def rehearsal_seed(seed: int) -> int:
    """Return the preset's seed of what is learnt beside the user's recordings."""
    return _REHEARSAL_SEED + seed


def _windows_of(folder: Path, classes: tuple[str, ...]) -> Counter[str]:
    shards: list[Shard] = read_shards(folder)
    labels = np.concatenate([np.empty(0, np.uint8), *(shard.label for shard in shards)])
    counts = np.bincount(labels, minlength=len(classes))
    return Counter({name: int(n) for name, n in zip(classes, counts, strict=True) if n})


def _tell(
    recordings: Sequence[LabelledRecording],
    parts: Sequence[str],
    windows: Mapping[str, Counter[str]],
    context: StageContext,
) -> None:
    for line in _table(recordings, parts, windows):
        context.log(line)


def _table(
    recordings: Sequence[LabelledRecording],
    parts: Sequence[str],
    windows: Mapping[str, Counter[str]],
) -> Iterator[str]:
    """Yield how many recordings each label has in each part, and how many windows."""
    yield f"{len(recordings)} recordings; of each label, recordings (windows) in each part:"
    for label in sorted({label for one in recordings for label in one.labels}):
        cells = []
        for part in PARTS:
            own = sum(
                label in one.labels
                for one, place in zip(recordings, parts, strict=True)
                if place == part
            )
            cut = f" ({windows[part][label]})" if part in windows else ""
            cells.append(f"{part} {own}{cut}")
        yield f"  {label}: {', '.join(cells)}"


def _refuse_unheard(taught: set[str], windows: Mapping[str, Counter[str]]) -> None:
    for part, counts in windows.items():
        for label in sorted(taught):
            if not counts[label]:
                raise ExperimentError(
                    f"nothing could be learnt of {label} in the {part} recordings: its signals are "
                    "too weak there, or overlap others; record more of it, or leave it out with "
                    f"--set stages.data.leave_out=[{label}]"
                )


def _store(file: Path, document: Mapping[str, Any]) -> None:
    with atomic_path(file) as partial:
        partial.write_text(json.dumps(document), encoding="utf-8")
