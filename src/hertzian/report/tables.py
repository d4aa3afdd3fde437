"""Detections as a table on the terminal and as CSV."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from hertzian.recordings import Recording, atomic_path
from hertzian.report.cells import percent, protocol_cell, time_and_band
from hertzian.report.entries import ReportEntry
from hertzian.report.text import printable, shown_path
from hertzian.signal import Detection

CSV_COLUMNS: tuple[str, ...] = (
    *("file", "start", "count", "start_s", "duration_s"),
    *("center_hz", "bandwidth_hz", "snr_db"),
    *("modulation", "family", "confidence", "family_confidence"),
    *("protocol", "protocol_confidence", "center_frequency_hz"),
)
"""Heads of `write_csv`. `center_hz` is the offset from the recording's centre, which is
`center_frequency_hz`, 0 where nobody knows it; both as in the JSON."""

_LEFT_OUT_FIRST = ("Family", "Duration", "SNR", "Start")
"""Columns that a narrow terminal does without, in this order."""

_RIGHT = frozenset({"Start", "Duration", "Centre", "Bandwidth", "SNR"})
_GAP = "  "


class DetectionsTable:
    """What was found in recordings, as a table that fits the terminal it is printed on.

    Each of several recordings has its name on a line of its own. Protocols have a column where
    there are any. Columns that a narrow terminal has no room for are named below. File names and
    labels are shown as they are: neither markup nor control sequences take effect.

    Args:
        entries: what was found in each recording.
    """

    def __init__(self, entries: Sequence[ReportEntry]) -> None:
        self._entries = entries
        self._rows = [
            [_cells(entry.recording, one) for one in entry.detections] for entry in entries
        ]
        every = [row for rows in self._rows for row in rows]
        protocols = any(one.protocol is not None for entry in entries for one in entry.detections)
        titles = [t for t in (every[0] if every else ()) if protocols or t != "Protocol"]
        self._widths = {t: max(len(t), *(row[t].cell_len for row in every)) for t in titles}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of the table."""
        shown = self._fitting(options.max_width)
        if shown:
            yield self._line({title: Text(title, "bold") for title in shown}, shown)
        for entry, rows in zip(self._entries, self._rows, strict=True):
            if len(self._entries) > 1:
                yield Text(shown_path(entry.recording.path), "cyan", overflow="fold")
            for row in rows:
                yield self._line(row, shown)
            if not rows:
                yield Text("no signal", "dim")
        left_out = [title for title in self._widths if title not in shown]
        if left_out:
            yield Text(f"no room for {', '.join(left_out)}; a CSV has all", "dim")

    def _fitting(self, width: int) -> list[str]:
        """Return the titles of the columns that there is room for."""
        shown = list(self._widths)
        for title in _LEFT_OUT_FIRST:
            if sum(self._widths[t] + len(_GAP) for t in shown) - len(_GAP) <= width:
                break
            shown = [t for t in shown if t != title]
        return shown

    def _line(self, cells: Mapping[str, Text], shown: Sequence[str]) -> Text:
        return _aligned(cells, {title: self._widths[title] for title in shown})


class DetectionLines:
    """Detections of a stream, a line each, under a heading before the first."""

    _WIDTHS: ClassVar[Mapping[str, int]] = {
        **{"Start": 11, "Duration": 9, "Centre": 14, "Bandwidth": 9, "SNR": 8},
        **{"Modulation": 16, "Family": 14, "Protocol": 8},
    }

    def __init__(self) -> None:
        self._begun = False

    def of(self, recording: Recording, detection: Detection) -> Text:
        """Return the line of a detection; the first has the heading above it."""
        line = _aligned(_cells(recording, detection), self._WIDTHS)
        if self._begun:
            return line
        self._begun = True
        titles = {title: Text(title, "bold") for title in self._WIDTHS}
        return Text("\n").join([_aligned(titles, self._WIDTHS), line])


def _aligned(cells: Mapping[str, Text], widths: Mapping[str, int]) -> Text:
    """Return the cells of a line, by the titles of their columns, at the widths of these."""
    line = Text(overflow="fold")
    for title, width in widths.items():
        padding = " " * (width - cells[title].cell_len)
        line.append(_GAP if line else "")
        line.append(padding if title in _RIGHT else "")
        line.append_text(cells[title])
        line.append("" if title in _RIGHT else padding)
    line.rstrip()
    return line


def _cells(recording: Recording, detection: Detection) -> dict[str, Text]:
    """Return a row's cells by the title of their column."""
    places = ("Start", "Duration", "Centre", "Bandwidth", "SNR")
    sure = Text(percent(detection.confidence), _confidence_style(detection.confidence))
    family = f"{printable(detection.family)} {percent(detection.family_confidence)}"
    return {
        **dict(zip(places, map(Text, time_and_band(recording, detection)), strict=True)),
        "Modulation": Text.assemble((printable(detection.modulation), "bold"), " ", sure),
        "Family": Text(family),
        "Protocol": Text(protocol_cell(detection)),
    }


def _confidence_style(confidence: float) -> str:
    return "green" if confidence >= 0.9 else "yellow" if confidence >= 0.6 else "red"


def write_csv(path: str | os.PathLike[str], entries: Iterable[ReportEntry]) -> None:
    """Write what was found in recordings as CSV (RFC 4180, UTF-8), one row per detection.

    Numbers have all their digits. A text that a spreadsheet would take for a formula is led by an
    apostrophe (OWASP, CSV injection). The file appears whole or not at all.

    Raises:
        RecordingError: the file cannot be written.
    """
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        for entry in entries:
            recording = entry.recording
            name, rate = _harmless(shown_path(recording.path)), recording.sample_rate_hz
            for d in entry.detections:
                times = (d.start, d.count, d.start / rate, d.count / rate)
                labels = (_harmless(printable(d.modulation)), _harmless(printable(d.family)))
                band = (d.center_hz, d.bandwidth_hz, d.snr_db)
                protocol = (_harmless(printable(d.protocol or "")), d.protocol_confidence)
                sure = (d.confidence, d.family_confidence)
                base = recording.center_frequency_hz
                writer.writerow([name, *times, *band, *labels, *sure, *protocol, base])


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|", "%")) else text
