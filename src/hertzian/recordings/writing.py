"""Writing SigMF: whole recordings, and annotations beside what others wrote."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hertzian.recordings.atomic import atomic_path
from hertzian.recordings.errors import RecordingError
from hertzian.recordings.metadata import (
    DATA_SUFFIX,
    GENERATOR,
    META_SUFFIX,
    Json,
    checked_frequency,
    checked_rate,
    load_metadata,
)
from hertzian.recordings.recording import Annotation, Recording
from hertzian.recordings.samples import SampleType, datatype_of
from hertzian.signal import Detection

_SIGMF_VERSION = "1.2.0"
_OF_THE_FILE = (
    *("core:datatype", "core:dataset", "core:metadata_only", "core:num_channels"),
    *("core:offset", "core:sha512", "core:trailing_bytes"),
)
_BLOCK_BYTES = 1 << 20


def write_sigmf(
    path: str | os.PathLike[str],
    chunks: Iterable[npt.NDArray[np.complexfloating]],
    *,
    sample_rate_hz: float,
    center_frequency_hz: float = 0.0,
    annotations: Sequence[Annotation] = (),
    datatype: str = "cf32_le",
    description: str | None = None,
) -> None:
    """Write a SigMF pair; both files appear complete or not at all.

    Args:
        path: either file of the pair, or their name without the ending.
        chunks: complex arrays [samples]; integer types have a full scale of one and clip beyond.
        sample_rate_hz: complex samples per second.
        center_frequency_hz: radio frequency at the centre of the band.
        annotations: remarks on stretches of it.
        datatype: SigMF's, such as cf32_le, ci16_le or cu8.
        description: free text for `core:description`.

    Raises:
        RecordingError: the datatype is not known, a sample is not finite, there are no samples, or
            the sample rate or frequency is not possible, or the files cannot be written.
    """
    meta, data = _pair(Path(path))
    sample_type = datatype_of(datatype)
    if sample_type is None:
        raise RecordingError(f"cannot write {meta}: datatype {datatype!r} is not known")
    head: Json = {
        "core:datatype": sample_type.sigmf_datatype,
        "core:version": _SIGMF_VERSION,
        "core:sample_rate": checked_rate(meta, sample_rate_hz),
    }
    if description is not None:
        head["core:description"] = description
    entries = [_entry(annotation, 0) for annotation in annotations]
    capture = {
        "core:sample_start": 0,
        "core:frequency": checked_frequency(meta, center_frequency_hz),
    }
    with atomic_path(meta) as partial_meta, atomic_path(data) as partial_data:
        size, head["core:sha512"] = _write(partial_data, _encoded(data, chunks, sample_type))
        if size == 0:
            raise RecordingError(f"cannot write {data}: there are no samples")
        _dump(partial_meta, {"global": head, "captures": [capture], "annotations": entries})


def annotate_sigmf(
    recording: Recording, annotations: Sequence[Annotation], out: str | os.PathLike[str]
) -> None:
    """Write a recording's metadata with our annotations to `out`, and its data if it is elsewhere.

    Annotations, captures and global fields of others are carried over as they are; annotations that
    an earlier run wrote (`core:generator` is `hertzian`) are replaced. Where `out` is not the
    recording's own metadata, the samples are copied beside it, so that the pair is complete: byte
    for byte, without a header (WAV's, or `core:header_bytes`), and 24-bit words as cf32_le. For a
    raw or WAV input, annotations of others that `out` already has stay too.

    Raises:
        RecordingError: `out` does not end in .sigmf-meta, other data is already beside it, the
            metadata is invalid, or the files cannot be written.
    """
    meta = Path(out)
    if not meta.name.endswith(META_SUFFIX):
        raise RecordingError(f"cannot write {meta}: its name must end in {META_SUFFIX}")
    own = recording.metadata_path
    if own is not None and meta.exists() and meta.samefile(own):
        with atomic_path(meta) as partial_meta:
            _dump(partial_meta, _annotated(recording, load_metadata(own), annotations))
        return
    data = _pair(meta)[1]
    with atomic_path(meta) as partial_meta:
        metadata = load_metadata(own) if own is not None else _fresh_metadata(recording, meta)
        digest = _place_data(recording, data)
        _make_conforming(recording, metadata, data, digest)
        _dump(partial_meta, _annotated(recording, metadata, annotations))


def detections_to_annotations(
    detections: Sequence[Detection], recording: Recording
) -> list[Annotation]:
    """Return detections as annotations: the modulation as label, edges as absolute frequencies."""
    return [_annotation(detection, recording) for detection in detections]


def _annotation(detection: Detection, recording: Recording) -> Annotation:
    center_hz = recording.center_frequency_hz + detection.center_hz
    comment = (
        f"confidence {detection.confidence:.2f}, family {detection.family}"
        f" {detection.family_confidence:.2f}, SNR {detection.snr_db:.1f} dB"
    )
    if detection.protocol is not None:
        comment += f", protocol {detection.protocol}"
        if detection.protocol_confidence is not None:
            comment += f" {detection.protocol_confidence:.2f}"
    return Annotation(
        start=detection.start,
        count=detection.count,
        lower_hz=center_hz - detection.bandwidth_hz / 2,
        upper_hz=center_hz + detection.bandwidth_hz / 2,
        label=detection.modulation,
        comment=comment,
    )


def _pair(path: Path) -> tuple[Path, Path]:
    name = path.name.removesuffix(META_SUFFIX).removesuffix(DATA_SUFFIX)
    return path.with_name(name + META_SUFFIX), path.with_name(name + DATA_SUFFIX)


def _entry(annotation: Annotation, first_sample: int) -> Json:
    """Return an annotation as SigMF spells it; what is None is left out."""
    fields: Json = {
        "core:sample_start": int(annotation.start) + first_sample,
        "core:sample_count": None if annotation.count is None else int(annotation.count),
        "core:freq_lower_edge": None if annotation.lower_hz is None else float(annotation.lower_hz),
        "core:freq_upper_edge": None if annotation.upper_hz is None else float(annotation.upper_hz),
        "core:label": annotation.label,
        "core:comment": annotation.comment,
        "core:generator": annotation.generator,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _start(entry: Json) -> float:
    start = entry.get("core:sample_start")
    return start if isinstance(start, int | float) else 0


def _dump(path: Path, metadata: Json) -> None:
    # SigMF demands this order; the sort is stable, so equal starts stay as their writers had them
    metadata["annotations"].sort(key=_start)
    try:
        text = json.dumps(metadata, indent=4)
    except RecursionError:
        raise RecordingError("cannot write metadata that is nested this deeply") from None
    path.write_text(text + "\n", encoding="utf-8")


def _annotated(recording: Recording, metadata: Json, annotations: Sequence[Annotation]) -> Json:
    """Replace our annotations in loaded metadata, and fill in what only the caller knew."""
    head, captures = metadata["global"], metadata["captures"]
    stated = head.get("core:datatype")
    known = datatype_of(stated) if isinstance(stated, str) else None
    if known is None or known.sigmf_datatype != recording.sample_type.sigmf_datatype:
        head["core:datatype"] = recording.sample_type.sigmf_datatype
    for key, value in (
        ("core:version", _SIGMF_VERSION),
        ("core:sample_rate", recording.sample_rate_hz),
    ):
        if head.get(key) is None:
            head[key] = value
    if not captures:
        captures.append({"core:sample_start": recording.first_sample})
    if captures[0].get("core:frequency") is None and recording.center_frequency_hz:
        captures[0]["core:frequency"] = recording.center_frequency_hz
    ours = [
        _entry(annotation, recording.first_sample) | {"core:generator": GENERATOR}
        for annotation in annotations
    ]
    metadata["annotations"] = _of_others(metadata) + ours
    return metadata


def _of_others(metadata: Json) -> list[Json]:
    return [e for e in metadata["annotations"] if e.get("core:generator") != GENERATOR]


def _fresh_metadata(recording: Recording, meta: Path) -> Json:
    """Return metadata for raw or WAV input, with what others wrote at `meta` before."""
    earlier: Json = {"global": {}, "captures": [], "annotations": []}
    if meta.exists():
        earlier = load_metadata(meta)
    head = {
        "core:datatype": recording.sample_type.sigmf_datatype,
        "core:version": _SIGMF_VERSION,
        **{key: value for key, value in earlier["global"].items() if key not in _OF_THE_FILE},
        "core:sample_rate": recording.sample_rate_hz,
    }
    return {"global": head, "captures": [], "annotations": earlier["annotations"]}


def _make_conforming(recording: Recording, metadata: Json, data: Path, digest: str) -> None:
    """Adapt what describes the data file, now that its samples stand alone in `data`."""
    head, captures = metadata["global"], metadata["captures"]
    if head.get("core:dataset") not in (None, data.name):
        del head["core:dataset"]
    stripped = bool(recording.data_offset_bytes or head.get("core:trailing_bytes"))
    if stripped:
        head.pop("core:trailing_bytes", None)
        for capture in captures:
            capture.pop("core:header_bytes", None)
    if stripped or recording.metadata_path is None:
        head["core:sha512"] = digest


def _place_data(recording: Recording, data: Path) -> str:
    """Put the samples into `data` unless it has them, and return their SHA-512.

    What is there already and differs is never overwritten: it is somebody's recording.
    """
    if data.exists():
        digest = _digest_if_same(data, _stored(recording))
        if digest is None:
            raise RecordingError(
                f"cannot write {data}: it exists and holds other samples; choose another name"
            )
        return digest
    with atomic_path(data) as partial:
        return _write(partial, _stored(recording))[1]


def _stored(recording: Recording) -> Iterator[bytes]:
    """Yield the bytes of a recording's samples as SigMF stores them."""
    if recording.sample_type.sigmf_datatype == "cf32_le" and recording.format != "cf32":
        for chunk in recording.chunks():
            yield chunk.tobytes()
        return
    yield from recording.stored_bytes(_BLOCK_BYTES)


def _encoded(
    data: Path, chunks: Iterable[npt.NDArray[np.complexfloating]], sample_type: SampleType
) -> Iterator[bytes]:
    start = 0
    for chunk in chunks:
        if not np.isfinite(chunk).all():
            position = start + int(np.argmin(np.isfinite(chunk)))
            raise RecordingError(f"cannot write {data}: sample {position} is not finite")
        yield sample_type.encode(chunk).tobytes()
        start += chunk.size


def _write(path: Path, blocks: Iterator[bytes]) -> tuple[int, str]:
    """Write blocks to a file; return their number of bytes and their SHA-512."""
    digest, size = hashlib.sha512(), 0
    with path.open("wb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _digest_if_same(path: Path, blocks: Iterator[bytes]) -> str | None:
    """Return the SHA-512 of blocks if a file consists of just them, else None."""
    digest = hashlib.sha512()
    with path.open("rb") as file:
        for block in blocks:
            if file.read(len(block)) != block:
                return None
            digest.update(block)
        return digest.hexdigest() if not file.read(1) else None
