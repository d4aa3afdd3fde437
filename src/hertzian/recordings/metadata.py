"""Reading SigMF metadata that somebody else wrote: liberal in form, never trusting."""

import json
import math
import reprlib
import stat
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from hertzian.recordings.errors import RecordingError
from hertzian.recordings.recording import Annotation
from hertzian.recordings.samples import FORMATS, datatype_of

META_SUFFIX = ".sigmf-meta"
DATA_SUFFIX = ".sigmf-data"
GENERATOR = "hertzian"
_HIGHEST_HZ = 1e12  # the largest frequency and sample rate that SigMF's schema admits
_LARGEST_META_BYTES = 64 << 20
_LARGEST_INDEX = 2**63 - 1

Json = dict[str, Any]


@dataclass(frozen=True)
class SigmfFacts:
    """What metadata says that reading needs; None for what it leaves open.

    `retuned` is where the first capture of another centre frequency than the first one's starts,
    counted from the first sample of the file, and that frequency.
    """

    format: str
    sample_rate_hz: float | None
    center_frequency_hz: float | None
    retuned: tuple[int, float] | None
    first_sample: int
    header_bytes: int
    trailing_bytes: int
    annotations: tuple[Annotation, ...]


def file_bytes(path: Path) -> int:
    """Return the size of a regular, readable file.

    Raises:
        RecordingError: there is none.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise RecordingError(f"{path} is a folder; a file is expected")
        if not stat.S_ISREG(status.st_mode):
            raise RecordingError(f"{path} is not a regular file")
        path.open("rb").close()
    except FileNotFoundError:
        raise RecordingError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RecordingError(f"cannot read {path}: {reason}") from error
    return status.st_size


def checked_rate(path: Path, rate_hz: float | None) -> float | None:
    """Return a sample rate, None being one not known; `path` is for messages.

    Raises:
        RecordingError: it is not a number from 1 Hz to 1 THz.
    """
    if rate_hz is None:
        return None
    if not 1.0 <= rate_hz <= _HIGHEST_HZ:
        raise RecordingError(
            f"{path}: a sample rate of {rate_hz:g} Hz is not possible; from 1 to 1e12 is"
        )
    return float(rate_hz)


def checked_frequency(path: Path, center_hz: float | None) -> float | None:
    """Return a centre frequency, None being one not known; `path` is for messages.

    Raises:
        RecordingError: it is not a number within 1 THz.
    """
    if center_hz is None:
        return None
    if not abs(center_hz) <= _HIGHEST_HZ:
        raise RecordingError(
            f"{path}: a centre frequency of {center_hz:g} Hz is not possible; within 1e12 is"
        )
    return float(center_hz)


def load_metadata(path: Path) -> Json:
    """Return a metadata file's JSON, its three parts being there and of the right kind.

    A missing `captures` or `annotations` becomes an empty list.

    Raises:
        RecordingError: no such file, more than 64 MB, not JSON, or not SigMF.
    """
    size = file_bytes(path)
    if size > _LARGEST_META_BYTES:
        raise RecordingError(f"{path} has {size >> 20} MB; metadata has at most 64 MB")
    try:
        metadata = json.loads(path.read_bytes().decode("utf-8-sig"))
    except RecursionError:
        raise RecordingError(f"{path} is not valid SigMF: nested too deeply") from None
    except ValueError as error:
        raise RecordingError(f"{path} is not valid JSON: {error}") from error
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    if not isinstance(metadata, dict) or not isinstance(metadata.get("global"), dict):
        raise RecordingError(f"{path} is not SigMF: it has no 'global' object")
    for part in ("captures", "annotations"):
        if metadata.get(part) is None:
            metadata[part] = []
        entries = metadata[part]
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise RecordingError(f"{path} is not valid SigMF: '{part}' is not a list of objects")
    return metadata


def sigmf_facts(path: Path, metadata: Json, *, format: str | None = None) -> SigmfFacts:
    """Return what loaded metadata says; `path` is for messages, `format` overrules core:datatype.

    Raises:
        RecordingError: a field has the wrong type, or asks for what is not read: real or unknown
            sample types, several channels, headers between captures.
    """
    head, captures = metadata["global"], metadata["captures"]
    channels = _integer(path, head, "core:num_channels")
    if channels not in (None, 1):
        raise RecordingError(f"{path} has {channels} channels (core:num_channels); 1 is expected")
    first_sample = _integer(path, head, "core:offset") or 0
    headers = [_integer(path, capture, "core:header_bytes") or 0 for capture in captures]
    if any(headers[1:]):
        raise RecordingError(
            f"{path} has headers between its captures (core:header_bytes), which are not read"
        )
    return SigmfFacts(
        format=format or _format(path, metadata),
        sample_rate_hz=_number(path, head, "core:sample_rate"),
        center_frequency_hz=_number(path, captures[0], "core:frequency") if captures else None,
        retuned=_retuned(path, captures, first_sample),
        first_sample=first_sample,
        header_bytes=headers[0] if headers else 0,
        trailing_bytes=_integer(path, head, "core:trailing_bytes") or 0,
        annotations=tuple(
            _annotation(path, entry, first_sample) for entry in metadata["annotations"]
        ),
    )


def _retuned(path: Path, captures: list[Json], first_sample: int) -> tuple[int, float] | None:
    tuned = [_number(path, one, "core:frequency") for one in captures]
    for capture, hertz in zip(captures[1:], tuned[1:], strict=False):
        if hertz not in (None, tuned[0]):
            return (_integer(path, capture, "core:sample_start") or 0) - first_sample, hertz
    return None


def stated_format(metadata: Json) -> str | None:
    """Return the format that core:datatype says, None where it says none that is read."""
    datatype = metadata["global"].get("core:datatype")
    known = datatype_of(datatype) if isinstance(datatype, str) else None
    return None if known is None else known.name


def data_file_of(path: Path, metadata: Json) -> Path:
    """Return the file that holds the samples of a metadata file.

    It is the one that `core:dataset` names, or the one of the same name ending in `.sigmf-data`.

    Raises:
        RecordingError: `core:dataset` leads out of the folder, or there is no data file.
    """
    conforming = path.with_name(path.name[: -len(META_SUFFIX)] + DATA_SUFFIX)
    head = metadata["global"]
    name = head.get("core:dataset")
    if head.get("core:metadata_only") is True:
        raise RecordingError(f"{path} is metadata only (core:metadata_only); there are no samples")
    if name is not None:
        named = _within_folder(path, name)
        # a pair that was renamed keeps its old name in here
        if named.is_file() or not conforming.is_file():
            conforming = named
    if not conforming.exists():
        raise RecordingError(f"{path} has no data file: {conforming} does not exist")
    return conforming


def _within_folder(path: Path, name: object) -> Path:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.encode()) <= 255:
        raise RecordingError(f"{path}: core:dataset is not a file name: {reprlib.repr(name)}")
    if name in (".", "..") or PureWindowsPath(name).name != name:
        raise RecordingError(
            f"{path}: core:dataset leads out of the folder; a plain file name is expected, not"
            f" {reprlib.repr(name)}"
        )
    named = path.parent / name
    try:
        inside = named.resolve().is_relative_to(path.parent.resolve())
    except (OSError, RuntimeError) as error:
        raise RecordingError(f"{path}: core:dataset cannot be followed: {name}") from error
    if not inside:
        raise RecordingError(
            f"{path}: core:dataset {name} is a link out of the folder; put the data itself there"
        )
    return named


def _format(path: Path, metadata: Json) -> str:
    known = stated_format(metadata)
    if known is None:
        datatype = metadata["global"].get("core:datatype")
        raise RecordingError(
            f"{path}: core:datatype {reprlib.repr(datatype)} is not read; complex"
            f" {', '.join(FORMATS)} are, with _le or _be"
        )
    return known


def _annotation(path: Path, entry: Json, first_sample: int) -> Annotation:
    start = (_integer(path, entry, "core:sample_start") or 0) - first_sample
    generator = entry.get("core:generator")
    count = _integer(path, entry, "core:sample_count")
    if start < 0:
        # the part of it that lies in an earlier file of a split recording
        count = None if count is None else max(0, count + start)
        start = 0
    return Annotation(
        start=start,
        count=count,
        lower_hz=_number(path, entry, "core:freq_lower_edge"),
        upper_hz=_number(path, entry, "core:freq_upper_edge"),
        label=_text(path, entry, "core:label"),
        comment=_text(path, entry, "core:comment"),
        # who wrote it matters too little to refuse a recording
        generator=generator if isinstance(generator, str) else None,
    )


def _number(path: Path, entry: Json, key: str) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if abs(number) <= _HIGHEST_HZ:
            return number
    raise RecordingError(
        f"{path}: {key} is {reprlib.repr(value)}; a number within 1e12 is expected"
    )


def _integer(path: Path, entry: Json, key: str) -> int | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_INDEX:
        return value
    raise RecordingError(
        f"{path}: {key} is {reprlib.repr(value)}; an integer from 0 on is expected"
    )


def _text(path: Path, entry: Json, key: str) -> str | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordingError(f"{path}: {key} is {reprlib.repr(value)}; text is expected")
    # JSON can hold half of a surrogate pair, which no output could encode
    return value.encode("utf-8", errors="replace").decode()
