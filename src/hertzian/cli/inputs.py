"""What the user names: quantities with prefixes, pages, datasets, recordings, folders of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hertzian.cli import output
from hertzian.datasets.dataset import Dataset
from hertzian.datasets.opening import open_dataset
from hertzian.recordings import Recording, find_recordings, open_recording
from hertzian.signal import HertzianError

_PREFIXES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
_SCALED = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)([kKMG]?)", re.ASCII)
_PREFIX_AS_POINT = re.compile(r"([+-]?\d+)([kKMG])(\d+)", re.ASCII)
_UNIT = re.compile(r"(?:hz|sps)$", re.IGNORECASE)


def hertz(text: str) -> float:
    """Return a number of hertz from 250000, 250k, 2.4e6 or 1M6 (1.6 MHz).

    Raises:
        typer.BadParameter: it is none of these.
    """
    number = _UNIT.sub("", text.strip())
    if spelled := _PREFIX_AS_POINT.fullmatch(number):
        mantissa, prefix = f"{spelled[1]}.{spelled[3]}", spelled[2]
    elif spelled := _SCALED.fullmatch(number):
        mantissa, prefix = spelled[1], spelled[2]
    else:
        raise typer.BadParameter(f"{text!r} is no number of hertz; write 250000, 250k or 1M6")
    # 433.92 x 1e6 is not quite 433920000
    return round(float(mantissa) * _PREFIXES[prefix], 6)


FormatOption = Annotated[
    str | None,
    typer.Option("--format", metavar="F", help="Raw format: cu8, ci8, ci16, cf32 or cf64."),
]
SampleRateOption = Annotated[
    float | None,
    typer.Option(parser=hertz, metavar="HZ", help="Complex samples per second, as 250k, 1M6."),
]
CenterFrequencyOption = Annotated[
    float | None,
    typer.Option(parser=hertz, metavar="HZ", help="Radio frequency at the band's centre."),
]


def page(text: str) -> Path:
    """Return the path of a page to write, which browsers know by its ending.

    Raises:
        typer.BadParameter: it does not end in .html or .htm.
    """
    path = Path(text)
    if path.suffix.casefold() not in (".html", ".htm"):
        raise typer.BadParameter(f"{text!r} will be a page; give it a name that ends in .html")
    return path


def open_data(path: Path) -> Dataset:
    """Open a dataset of any known format; what it warns of is printed.

    Raises:
        DatasetError: it is none, or damaged.
    """
    with output.warnings_as_lines():
        return open_dataset(path)


@dataclass(frozen=True)
class Given:
    """What the user says of recordings that do not say it themselves."""

    format: str | None = None
    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None


@dataclass(frozen=True)
class Source:
    """A recording to work on, and its name relative to what the user named."""

    recording: Recording
    name: Path


def open_sources(paths: Sequence[Path], given: Given) -> tuple[list[Source], list[HertzianError]]:
    """Open the recordings of files and folders; return them, and what is wrong with the others.

    A recording that is named twice, as a shell's wildcard names both files of a SigMF pair, is
    opened once.
    """
    sources: dict[Path, Source] = {}
    errors: list[HertzianError] = []
    with output.warnings_as_lines():
        for path in paths:
            try:
                files = find_recordings(path)
            except HertzianError as error:
                errors.append(error)
                continue
            for file in files:
                try:
                    recording = open_recording(
                        file,
                        format=given.format,
                        sample_rate_hz=given.sample_rate_hz,
                        center_frequency_hz=given.center_frequency_hz,
                    )
                except HertzianError as error:
                    errors.append(error)
                    continue
                name = file.relative_to(path) if path.is_dir() else Path(file.name)
                sources.setdefault(recording.data_path.resolve(), Source(recording, name))
    return list(sources.values()), errors
