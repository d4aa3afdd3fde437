"""A folder of recordings that their owner labelled: what the annotations say is on the air."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from hertzian.datasets.dataset import DatasetError
from hertzian.recordings import (
    Annotation,
    Recording,
    RecordingError,
    find_recordings,
    open_recording,
)
from hertzian.recordings.metadata import GENERATOR, META_SUFFIX
from hertzian.signal import HertzianError, canonical

_SHOWN_FILES = 3


@dataclass(frozen=True)
class Labelled:
    """What an annotation says is on the air; frequencies in cycles per sample.

    Attributes:
        label: canonical, or as it is written where it is left out.
        start: first sample.
        count: number of samples, at least one.
        center: centre of its band; 0 without edges.
        bandwidth: of its band; 1, all of it, without edges.
        edged: whether the annotation has frequency edges.
        taught: whether it is to be learnt; what is not still is in the way of others.
    """

    label: str
    start: int
    count: int
    center: float
    bandwidth: float
    edged: bool
    taught: bool = True

    @property
    def stop(self) -> int:
        """First sample after it."""
        return self.start + self.count


@dataclass(frozen=True)
class LabelledRecording:
    """A recording and what is known of it.

    Attributes:
        name: path from the folder on, with slashes.
        recording: its samples.
        signals: what the annotations say, in their order.
        guesses: annotations that Hertzian itself made, which nobody has checked.
    """

    name: str
    recording: Recording
    signals: tuple[Labelled, ...]
    guesses: int = 0

    @property
    def labels(self) -> Counter[str]:
        """How many signals there are of each label that is taught."""
        return Counter(signal.label for signal in self.signals if signal.taught)


@dataclass(frozen=True)
class LabelledFolder:
    """The recordings of a folder.

    Attributes:
        recordings: those with something to learn, by name.
        bad: what is wrong with those that are skipped, a line each.
        unlabelled: names of those without anything to learn.
        guesses: annotations left alone, as Hertzian made them.
    """

    recordings: tuple[LabelledRecording, ...]
    bad: tuple[str, ...]
    unlabelled: tuple[str, ...]
    guesses: int


def read_labelled(
    folder: str | Path,
    *,
    names: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
    skip_bad: bool = False,
) -> LabelledFolder:
    """Read the metadata of every SigMF recording below a folder; samples stay unread.

    An annotation without frequency edges speaks of the whole band, one without a length of the rest
    of the recording. Labels are matched without regard to case.

    Args:
        folder: hidden files in it are left alone, links out of it are refused.
        names: label as it is written -> label or alias of the table, for those that are not in it.
        leave_out: labels not to be learnt, as they are written or by their name in the table.
        skip_bad: go on without recordings that cannot be used.

    Raises:
        DatasetError: no such folder, nothing labelled in it, a label that is not in the table, or,
            unless `skip_bad`, a recording that cannot be used.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"{root}: expected a folder of SigMF recordings, found none")
    naming = _Naming.of(names or {}, leave_out)
    good: list[LabelledRecording] = []
    bad: list[str] = []
    for meta in _metadata_files(root):
        try:
            good.append(_read(root, meta, naming))
        except RecordingError as error:
            bad.append(str(error))
            if not skip_bad:
                raise DatasetError(
                    f"{error}; mend it, or skip such recordings with --set "
                    "stages.data.bad_files=skip"
                ) from None
    useful = tuple(one for one in good if one.labels)
    guesses = sum(one.guesses for one in good)
    if not useful:
        raise DatasetError(_nothing(root, len(good) + len(bad), len(bad), guesses))
    unlabelled = tuple(one.name for one in good if not one.labels)
    return LabelledFolder(useful, tuple(bad), unlabelled, guesses)


def sample_digest(recording: Recording) -> str:
    """Return SHA-256, in hex, of a recording's samples, however they are stored.

    Raises:
        RecordingError: they cannot be read, are not finite, or are all zero.
    """
    digest = hashlib.sha256()
    for chunk in recording.chunks():
        digest.update(chunk.tobytes())
    return digest.hexdigest()


def folder_digest(folder: str | Path) -> str:
    """Return SHA-256, in hex, over the metadata below a folder, and the sizes of their data.

    Raises:
        DatasetError: there is no such folder, or no metadata in it.
        RecordingError: a file cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"{root}: expected a folder of SigMF recordings, found none")
    digest = hashlib.sha256()
    for meta in _metadata_files(root):
        digest.update(meta.relative_to(root).as_posix().encode("utf-8", "surrogateescape"))
        try:
            digest.update(hashlib.sha256(meta.read_bytes()).digest())
            digest.update(str(open_recording(meta).samples).encode())
        except (OSError, RecordingError) as error:
            # reading it will say what is wrong; here it only has to count as what it is
            digest.update(str(error).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _metadata_files(root: Path) -> list[Path]:
    try:
        found = find_recordings(root)
    except RecordingError:
        found = []
    metas = [path for path in found if path.name.casefold().endswith(META_SUFFIX)]
    if not metas:
        raise DatasetError(
            f"{root}: expected SigMF recordings ({META_SUFFIX} beside .sigmf-data), found none"
        )
    return metas


def _nothing(root: Path, files: int, bad: int, guesses: int) -> str:
    told = f"{root}: none of its {files} recordings has an annotation with a core:label to learn"
    if bad:
        told += f", {bad} of them cannot be used"
    if guesses:
        told += (
            f"; {guesses} annotations are Hertzian's own answers (core:generator): check them, "
            "and remove that key from those that are right"
        )
    return told


@dataclass(frozen=True)
class _Naming:
    """How labels are spelled, and which are left out; keys without case."""

    names: Mapping[str, str]
    left_out: frozenset[str]

    @classmethod
    def of(cls, names: Mapping[str, str], leave_out: Collection[str]) -> "_Naming":
        known: dict[str, str] = {}
        for written, label in names.items():
            try:
                known[_folded(written)] = canonical(label)
            except HertzianError as error:
                raise DatasetError(f"names: {written!r} is to be {error}") from None
        return cls(known, frozenset(map(_folded, leave_out)))

    def resolve(self, written: str) -> tuple[str, bool]:
        """Return the label, and whether it is taught.

        Raises:
            HertzianError: it is in no table and not left out.
        """
        spelled = _folded(written)
        if spelled in self.left_out:
            return written.strip(), False
        label = self.names.get(spelled) or canonical(written)
        return label, _folded(label) not in self.left_out


def _folded(name: str) -> str:
    return name.strip().casefold()


def _read(root: Path, meta: Path, naming: _Naming) -> LabelledRecording:
    recording = open_recording(meta)
    for path in (meta, recording.data_path):
        if not path.resolve().is_relative_to(root.resolve()):
            raise RecordingError(f"{path} is a link out of {root}; put the file itself there")
    written = [one for one in recording.annotations if one.label and one.label.strip()]
    theirs = [one for one in written if one.generator != GENERATOR]
    signals = (_signal(meta, recording, one, naming) for one in theirs)
    return LabelledRecording(
        name=meta.relative_to(root).as_posix(),
        recording=recording,
        signals=tuple(signal for signal in signals if signal is not None),
        guesses=len(written) - len(theirs),
    )


def _signal(
    meta: Path, recording: Recording, annotation: Annotation, naming: _Naming
) -> Labelled | None:
    """Return what an annotation says, or None where it is of no samples of this file."""
    written = annotation.label or ""
    try:
        label, taught = naming.resolve(written)
    except HertzianError:
        raise DatasetError(
            f"{meta}: label {written.strip()[:100]!r} is not in the label table; say which of its "
            "labels it is, --set 'stages.data.names={WRITTEN: LABEL}', or leave it out, "
            "--set 'stages.data.leave_out=[WRITTEN]'"
        ) from None
    count = recording.samples - annotation.start if annotation.count is None else annotation.count
    if count == 0:
        return None
    stop = annotation.start + count
    if count < 0 or stop > recording.samples:
        raise RecordingError(
            f"{meta}: the annotation {label!r} of samples {annotation.start} to {stop} lies outside"
            f" the recording, which has {recording.samples}"
        )
    low, high = _band(meta, recording, annotation)
    return Labelled(
        label=label,
        start=annotation.start,
        count=count,
        center=(low + high) / 2,
        bandwidth=high - low,
        edged=annotation.lower_hz is not None,
        taught=taught,
    )


def _band(meta: Path, recording: Recording, annotation: Annotation) -> tuple[float, float]:
    """Return the edges in cycles per sample, within the recording's band."""
    lower, upper = annotation.lower_hz, annotation.upper_hz
    if lower is None and upper is None:
        return -0.5, 0.5
    if lower is None or upper is None:
        raise RecordingError(
            f"{meta}: the annotation {annotation.label!r} at sample {annotation.start} has one "
            "frequency edge; expected both (core:freq_lower_edge, core:freq_upper_edge) or none"
        )
    low = (lower - recording.center_frequency_hz) / recording.sample_rate_hz
    high = (upper - recording.center_frequency_hz) / recording.sample_rate_hz
    if low > high or high <= -0.5 or low >= 0.5:
        half = recording.sample_rate_hz / 2
        raise RecordingError(
            f"{meta}: the annotation {annotation.label!r} at sample {annotation.start} reaches "
            f"from {lower:g} to {upper:g} Hz; expected a band within "
            f"{recording.center_frequency_hz - half:g} to "
            f"{recording.center_frequency_hz + half:g} Hz (core:frequency of the capture)"
        )
    return max(low, -0.5), min(high, 0.5)


def few_of(names: Collection[str]) -> str:
    """Return a few of some names, for a message."""
    shown = ", ".join(list(names)[:_SHOWN_FILES])
    left = len(names) - _SHOWN_FILES
    return f"{shown} and {left} more" if left > 0 else shown


def describe(folder: LabelledFolder, log: Callable[[str], None]) -> None:
    """Tell what is skipped in a folder, line by line."""
    for line in folder.bad:
        log(f"warning: skipped: {line}")
    if folder.bad:
        log(f"warning: {len(folder.bad)} recordings cannot be used and are skipped")
    if folder.unlabelled:
        log(f"{len(folder.unlabelled)} recordings without a label: {few_of(folder.unlabelled)}")
    if folder.guesses:
        log(f"{folder.guesses} annotations are Hertzian's own answers, which are not learnt")
