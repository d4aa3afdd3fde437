"""Opening a recording of any kind, and finding recordings in folders."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from hertzian.recordings.errors import RecordingError, RecordingWarning
from hertzian.recordings.metadata import (
    DATA_SUFFIX,
    META_SUFFIX,
    checked_frequency,
    checked_rate,
    data_file_of,
    file_bytes,
    load_metadata,
    sigmf_facts,
    stated_format,
)
from hertzian.recordings.names import format_of_name, name_facts
from hertzian.recordings.recording import FEWEST_SAMPLES, Annotation, Recording
from hertzian.recordings.samples import FORMATS, SAMPLE_TYPES, named_format
from hertzian.recordings.wav import is_wav, read_wav_header

_WAV_SUFFIXES = (".wav", ".wave", ".rf64")


def open_recording(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    sample_rate_hz: float | None = None,
    center_frequency_hz: float | None = None,
) -> Recording:
    """Open SigMF (either file of the pair), WAV with I and Q as its channels, or raw samples.

    What the caller gives counts before what metadata says, of which a `RecordingWarning` tells
    where the two differ, and that before what the file's name says. One tells as well of a
    recording that is tuned anew on its way: all of it counts as of one centre frequency. Samples
    are not read yet.

    Args:
        path: the file.
        format: raw format, one of `FORMATS` or a usual alias; None: by extension or metadata.
        sample_rate_hz: complex samples per second.
        center_frequency_hz: radio frequency at the centre of the band.

    Raises:
        RecordingError: the file is missing, empty, truncated or of unknown format, its metadata is
            invalid, it has fewer than 64 samples, or its sample rate is not known.
    """
    source = Path(path)
    given = _Given(
        None if format is None else named_format(format),
        checked_rate(source, sample_rate_hz),
        checked_frequency(source, center_frequency_hz),
    )
    suffix = source.suffix.casefold()
    if suffix == META_SUFFIX:
        file_bytes(source)
        return _open_sigmf(source, source, None, given)
    if file_bytes(source) == 0:
        raise RecordingError(f"{source} is empty")
    if suffix == DATA_SUFFIX:
        meta = source.with_name(source.name[: -len(DATA_SUFFIX)] + META_SUFFIX)
        if meta.exists() or given.format is None:
            return _open_sigmf(source, meta, source, given)
    if suffix in _WAV_SUFFIXES and (given.format is None or is_wav(source)):
        return _open_wav(source, given)
    if suffix.startswith(".sigmf") and given.format is None:
        raise RecordingError(
            f"{source} is a SigMF archive or collection; unpack it first (tar -xf)"
        )
    return _open_raw(source, given)


@dataclass(frozen=True)
class _Given:
    """What the caller said, checked, or a file states; None for what was left open."""

    format: str | None
    sample_rate_hz: float | None
    center_hz: float | None


def _warn_of_differing(source: Path, given: _Given, stated: _Given) -> None:
    pairs = (
        ("format", given.format, stated.format),
        ("sample rate", _shown(given.sample_rate_hz), _shown(stated.sample_rate_hz)),
        ("centre frequency", _shown(given.center_hz), _shown(stated.center_hz)),
    )
    for what, taken, said in pairs:
        if None not in (taken, said) and taken != said:
            warnings.warn(
                f"{source}: {what} {taken} is taken as given; the recording itself says {said}",
                RecordingWarning,
                stacklevel=4,
            )


def _shown(hertz: float | None) -> str | None:
    return None if hertz is None else f"{hertz:,.15g} Hz"


def _open_raw(source: Path, given: _Given) -> Recording:
    name = given.format or format_of_name(source.name)
    if name is None:
        raise RecordingError(
            f"{source} is of unknown format; give --format with one of {', '.join(FORMATS)}"
        )
    return _recording(source, given, name=name, data_bytes=file_bytes(source))


def _open_wav(source: Path, given: _Given) -> Recording:
    header = read_wav_header(source)
    if given.format not in (None, header.format):
        raise RecordingError(
            f"{source} is a WAV file of {header.format} samples, not {given.format}; leave --format"
        )
    rate = header.sample_rate_hz
    _warn_of_differing(source, given, _Given(None, rate or None, header.center_frequency_hz))
    return _recording(
        source,
        given,
        name=header.format,
        data_bytes=header.data_bytes,
        offset_bytes=header.data_offset_bytes,
        rate_hz=None if given.sample_rate_hz else checked_rate(source, rate),
        center_hz=header.center_frequency_hz,
    )


def _open_sigmf(source: Path, meta: Path, data: Path | None, given: _Given) -> Recording:
    if data is not None and not meta.exists():
        raise RecordingError(
            f"{source} has no metadata beside it ({meta.name}); give --format and --sample-rate to"
            " read it as raw samples"
        )
    metadata = load_metadata(meta)
    facts = sigmf_facts(meta, metadata, format=given.format)
    stated = stated_format(metadata), facts.sample_rate_hz, facts.center_frequency_hz
    _warn_of_differing(meta, given, _Given(*stated))
    data = data or data_file_of(meta, metadata)
    data_bytes = file_bytes(data) - facts.header_bytes - facts.trailing_bytes
    if data_bytes < 0:
        raise RecordingError(
            f"{data} is truncated: it is shorter than the header and trailer in {meta.name}"
        )
    recording = _recording(
        source,
        given,
        name=facts.format,
        data_bytes=data_bytes,
        data=data,
        offset_bytes=facts.header_bytes,
        rate_hz=None if given.sample_rate_hz else checked_rate(meta, facts.sample_rate_hz),
        center_hz=facts.center_frequency_hz,
        annotations=facts.annotations,
        metadata_path=meta,
        first_sample=facts.first_sample,
    )
    _warn_of_retuning(recording, facts.retuned)
    return recording


def _warn_of_retuning(recording: Recording, retuned: tuple[int, float] | None) -> None:
    if retuned is None:
        return
    (start, hertz), kept = retuned, recording.center_frequency_hz
    if start < recording.samples and _shown(hertz) != _shown(kept):
        warnings.warn(
            f"{recording.metadata_path}: from sample {start} on it is tuned to {_shown(hertz)}; "
            f"all frequencies are told as if that were {_shown(kept)}",
            RecordingWarning,
            stacklevel=4,
        )


def _recording(
    source: Path,
    given: _Given,
    *,
    name: str,
    data_bytes: int,
    data: Path | None = None,
    offset_bytes: int = 0,
    rate_hz: float | None = None,
    center_hz: float | None = None,
    annotations: tuple[Annotation, ...] = (),
    metadata_path: Path | None = None,
    first_sample: int = 0,
) -> Recording:
    """Put together what the caller, the metadata and the name say, and check the size."""
    data = data or source
    samples = _whole_samples(data, name, data_bytes)
    facts = name_facts(data.name)
    rate = given.sample_rate_hz or rate_hz or checked_rate(source, facts.sample_rate_hz)
    if rate is None:
        raise RecordingError(f"the sample rate of {source} is not known; give --sample-rate HZ")
    center = next(
        (c for c in (given.center_hz, center_hz, facts.center_frequency_hz) if c is not None), 0.0
    )
    return Recording(
        path=source,
        format=name,
        sample_rate_hz=rate,
        center_frequency_hz=center,
        samples=samples,
        annotations=annotations,
        data_path=data,
        data_offset_bytes=offset_bytes,
        metadata_path=metadata_path,
        first_sample=first_sample,
    )


def _whole_samples(data: Path, name: str, data_bytes: int) -> int:
    sample_bytes = SAMPLE_TYPES[name].sample_bytes
    if data_bytes == 0:
        raise RecordingError(f"{data} is empty: it has no samples")
    samples, rest = divmod(data_bytes, sample_bytes)
    if rest:
        raise RecordingError(
            f"{data} is truncated or not {name}: {data_bytes} bytes are not a whole number of"
            f" samples of {sample_bytes} bytes"
        )
    if samples < FEWEST_SAMPLES:
        raise RecordingError(
            f"{data} has {samples} sample{'s'[: samples > 1]}; at least {FEWEST_SAMPLES} are needed"
        )
    return samples


def find_recordings(path: str | os.PathLike[str]) -> list[Path]:
    """Return the recordings below a folder, sorted; for a file, itself.

    A SigMF pair is one entry, its metadata. Hidden files and folders are left out, and so are files
    whose extension says nothing.

    Raises:
        RecordingError: there is no such file or folder, or no recording in it.
    """
    root = Path(path)
    if not root.is_dir():
        file_bytes(root)
        return [root]
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += _in_folder(Path(folder), [name for name in names if not name.startswith(".")])
    if not found:
        raise RecordingError(f"{root} has no recordings in it")
    return sorted(found)


def _in_folder(folder: Path, names: list[str]) -> list[Path]:
    metas = [folder / name for name in names if name.casefold().endswith(META_SUFFIX)]
    described = {data for data in map(_described, metas) if data is not None}
    others = [folder / name for name in names if _looks_like_samples(name)]
    return metas + [data for data in others if data not in described]


def _described(meta: Path) -> Path | None:
    try:
        return data_file_of(meta, load_metadata(meta))
    except RecordingError:
        # opening it will say what is wrong; its data is still no entry of its own
        return meta.with_name(meta.name[: -len(META_SUFFIX)] + DATA_SUFFIX)


def _looks_like_samples(name: str) -> bool:
    suffix = Path(name).suffix.casefold()
    return suffix in (DATA_SUFFIX, ".iq", *_WAV_SUFFIXES) or format_of_name(name) is not None
