"""Detections as a table on the terminal and as CSV."""

import csv
import os
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from hertzian.recordings import atomic_path
from hertzian.report.cells import percent, protocol_cell, time_and_band
from hertzian.report.entries import ReportEntry
from hertzian.report.text import printable, shown_path

CSV_COLUMNS: tuple[str, ...] = (
    *("file", "start", "count", "start_s", "duration_s", "center_hz", "bandwidth_hz", "snr_db"),
    *("modulation", "family", "confidence", "family_confidence"),
    *("protocol", "protocol_confidence"),
)
"""Heads of `write_csv`; `center_hz` is the offset from the recording's centre, as in the JSON."""


def detections_table(entries: Sequence[ReportEntry]) -> Table:
    """Return what was found in recordings as a table for the terminal.

    Protocols have a column where there are any. File names and labels are shown as they are:
    neither markup nor control sequences take effect.
    """
    table = Table(header_style="bold", expand=False)
    table.add_column("File", overflow="fold")
    for title in ("Start", "Duration", "Centre", "Bandwidth", "SNR"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Modulation", no_wrap=True)
    table.add_column("Confidence", justify="right", no_wrap=True)
    table.add_column("Family", no_wrap=True)
    protocols = any(one.protocol is not None for entry in entries for one in entry.detections)
    if protocols:
        table.add_column("Protocol", no_wrap=True)
    for entry in entries:
        file = shown_path(entry.recording.path)
        for detection in entry.detections:
            style = _confidence_style(detection.confidence)
            table.add_row(
                Text(file),
                *(Text(cell) for cell in time_and_band(entry.recording, detection)),
                Text(printable(detection.modulation), style="bold"),
                Text(percent(detection.confidence), style=style),
                Text(f"{printable(detection.family)} {percent(detection.family_confidence)}"),
                *([Text(protocol_cell(detection))] if protocols else []),
            )
            file = ""
        if not entry.detections:
            table.add_row(Text(file), *[""] * 5, Text("no signal", style="dim"), "", "")
    return table


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
            name, rate = _harmless(shown_path(entry.recording.path)), entry.recording.sample_rate_hz
            for d in entry.detections:
                times = (d.start, d.count, d.start / rate, d.count / rate)
                labels = (_harmless(printable(d.modulation)), _harmless(printable(d.family)))
                band = (d.center_hz, d.bandwidth_hz, d.snr_db)
                protocol = (_harmless(printable(d.protocol or "")), d.protocol_confidence)
                sure = (d.confidence, d.family_confidence)
                writer.writerow([name, *times, *band, *labels, *sure, *protocol])


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|", "%")) else text
