"""Recordings with known contents, listed in a CSV file, against what recognition says of them."""

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hertzian.evaluation.classes import EvaluationError
from hertzian.evaluation.metrics import accuracy, bootstrap_interval, confusion, recall
from hertzian.signal import (
    FAMILIES,
    Detection,
    HertzianError,
    Summary,
    canonical,
    family_of,
    merged,
    summarise,
)

COLUMNS = ("file", "format", "sample_rate_hz", "modulation", "family")
"""Columns that a manifest has; others are left alone."""

CONFIDENT = 0.9
"""Answers above this confidence count as sure."""

FEWEST_FILES = 5
"""A class of fewer files counts for no mean recall."""

_LARGEST_MANIFEST_BYTES = 20_000_000

Classify = Callable[[Path, str | None, float | None], Sequence[Detection]]
"""(path, format, sample_rate_hz) -> detections; None where the manifest says nothing."""


@dataclass(frozen=True)
class Entry:
    """A recording and what is known of it.

    Attributes:
        file: as the manifest names it.
        path: where it lies.
        format: raw format; None leaves it to the file.
        sample_rate_hz: samples a second; None leaves it to the file.
        modulation: canonical label, or None.
        family: the modulation's, or given alone, or None.
    """

    file: str
    path: Path
    format: str | None
    sample_rate_hz: float | None
    modulation: str | None
    family: str | None


def read_manifest(path: str | Path, root: str | Path | None = None) -> list[Entry]:
    """Read a manifest: CSV, UTF-8, with `COLUMNS` in its first row; empty cells are unknown.

    Args:
        path: the manifest.
        root: folder that the files are named from and must lie in; None takes the manifest's own.

    Raises:
        EvaluationError: unreadable, a column is missing, or a row is wrong; it is named by number.
    """
    manifest = Path(path)
    folder = (manifest.parent if root is None else Path(root)).resolve()
    return [_entry(manifest, line, row, folder) for line, row in _rows(manifest)]


def _rows(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if manifest.stat().st_size > _LARGEST_MANIFEST_BYTES:
            limit = _LARGEST_MANIFEST_BYTES // 1_000_000
            raise EvaluationError(f"{manifest}: a manifest may have up to {limit} MB")
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="", strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise EvaluationError(
                    f"{manifest}: lacks column {', '.join(missing)}; "
                    f"a manifest starts with {','.join(COLUMNS)}"
                )
            for row in reader:
                yield reader.line_num, {name: row[name].strip() for name in COLUMNS}
    except OSError as error:
        raise EvaluationError(f"{manifest}: cannot be read ({error.strerror})") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise EvaluationError(f"{manifest}: not a CSV file in UTF-8 ({error})") from None


def _entry(manifest: Path, line: int, row: dict[str, str], folder: Path) -> Entry:
    where = f"{manifest}, line {line}"
    path = (folder / row["file"]).resolve()
    if not row["file"] or "\0" in row["file"] or not path.is_relative_to(folder):
        raise EvaluationError(f"{where}: file {row['file']!r} does not lie in {folder}")
    if not path.is_file():
        raise EvaluationError(f"{where}: there is no {path}")
    modulation, family = _labels(where, row)
    return Entry(
        file=row["file"],
        path=path,
        format=row["format"] or None,
        sample_rate_hz=_rate(where, row["sample_rate_hz"]),
        modulation=modulation,
        family=family,
    )


def _rate(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise EvaluationError(f"{where}: sample_rate_hz is {text!r}, expected a number above 0")
    return rate


def _labels(where: str, row: dict[str, str]) -> tuple[str | None, str | None]:
    family = row["family"].lower() or None
    if family is not None and family not in FAMILIES:
        raise EvaluationError(f"{where}: family {family!r}; known are {', '.join(FAMILIES)}")
    if not row["modulation"]:
        return None, family
    try:
        modulation = canonical(row["modulation"])
    except HertzianError as error:
        raise EvaluationError(f"{where}: {error}") from None
    own = family_of(modulation)
    if family not in (None, own):
        raise EvaluationError(f"{where}: {modulation} is of family {own}, not {family}")
    return modulation, own


@dataclass(frozen=True)
class Outcome:
    """What recognition said of one file."""

    entry: Entry
    summary: Summary
    detections: int

    def to_dict(self) -> dict[str, Any]:
        """Return the file's row of `evaluate --json`."""
        return {
            "file": self.entry.file,
            "truth": {"modulation": self.entry.modulation, "family": self.entry.family},
            "summary": self.summary.to_dict(),
            "detections": self.detections,
        }


def evaluate_manifest(
    entries: Sequence[Entry],
    classify: Classify,
    *,
    model: str,
    data: str,
    noise_confidence: float,
    advance: Callable[[float], None] = lambda files: None,
) -> dict[str, Any]:
    """Recognise every file end to end and compare the summaries with the labels.

    Of the result, `family` and `modulation` each hold `files` (those labelled), `accuracy` and its
    95% bootstrap `interval`, `recall` of each class, `mean_recall` over the classes of 5 files or
    more, `confusion`, and `confidence`: `above_0.9`, the share of the files with an answer that
    sure, and `wrong_above_0.9`, the share of those that were wrong. On/off keying and pulse
    position count as one modulation, and so do 2FSK, GFSK, GMSK and MSK. `confidence` beside them
    is that of the modulation. Unlabelled files are listed but count nowhere, and those that can't
    be recognised are told of under `failed`, each with its `file` and `error`.

    Args:
        entries: from `read_manifest`.
        classify: gives the detections of one file.
        model: how to name the model.
        data: how to name the manifest.
        noise_confidence: of the answer for a file without a detection, see `ModelMetadata`.
        advance: told about each file done.

    Raises:
        EvaluationError: no file is labelled, or none of those that are can be recognised.
    """
    outcomes, failed = [], []
    if not any(entry.family for entry in entries):
        raise EvaluationError(f"{data}: no file has a label to compare with")
    for entry in entries:
        try:
            found = classify(entry.path, entry.format, entry.sample_rate_hz)
        except HertzianError as error:
            failed.append({"file": entry.file, "error": _naming(entry, error)})
        else:
            outcomes.append(Outcome(entry, summarise(found, noise_confidence), len(found)))
        advance(1)
    if not any(outcome.entry.family for outcome in outcomes):
        raise EvaluationError(
            f"{data}: no labelled file can be recognised; the first: {failed[0]['error']}"
        )
    families = [
        (o.entry.family, o.summary.family, o.summary.family_confidence)
        for o in outcomes
        if o.entry.family is not None
    ]
    modulations = [
        (_alike(o.entry.modulation), _alike(o.summary.modulation), o.summary.confidence)
        for o in outcomes
        if o.entry.modulation is not None
    ]
    modulation = _agreement(modulations)
    return {
        "model": model,
        "data": data,
        "examples": len(families),
        "family": _agreement(families),
        "modulation": modulation,
        "confidence": modulation["confidence"],
        "files": [outcome.to_dict() for outcome in outcomes],
        "failed": failed,
    }


def _naming(entry: Entry, error: HertzianError) -> str:
    told = str(error)
    return told if entry.path.name in told else f"{entry.path}: {told}"


def _alike(label: str) -> str:
    """Return one name for the labels that a recording's label can't tell apart.

    On/off keying and pulse position, and the kinds of two-level frequency shift keying: labels of
    real captures seldom say how exactly a device shapes its pulses.
    """
    return merged(label) if family_of(label) in ("ask", "fsk") else label


def _agreement(answers: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    """Compare (truth, answer, confidence) of the labelled files."""
    classes = sorted({name for truth, answer, _ in answers for name in (truth, answer)})
    index = {name: place for place, name in enumerate(classes)}
    truth = np.array([index[entry[0]] for entry in answers], dtype=np.int64)
    answer = np.array([index[entry[1]] for entry in answers], dtype=np.int64)
    sure = np.array([entry[2] > CONFIDENT for entry in answers], dtype=bool)
    right = truth == answer
    counts = confusion(truth, answer, len(classes))
    files = counts.sum(axis=1)
    found = recall(counts)
    many = files >= FEWEST_FILES
    return {
        "files": len(answers),
        "accuracy": accuracy(truth, answer) if answers else None,
        "interval": list(bootstrap_interval(right)) if answers else None,
        "mean_recall": float(found[many].mean()) if many.any() else None,
        "recall": {name: float(found[index[name]]) for name in classes if files[index[name]]},
        "confusion": {"classes": classes, "counts": counts.tolist()},
        "confidence": {
            f"above_{CONFIDENT}": float(sure.mean()) if answers else None,
            f"wrong_above_{CONFIDENT}": float(1 - right[sure].mean()) if sure.any() else None,
        },
    }
