"""The report on recordings: what was found, where, how sure, and what it looks like."""

import os
from collections.abc import Sequence

from hertzian.report.cells import percent, protocol_cell, time_and_band
from hertzian.report.engineering import duration, engineering
from hertzian.report.entries import ReportEntry
from hertzian.report.figures import constellation, spectrogram, spectrum
from hertzian.report.markup import Markup, element
from hertzian.report.page import Column, Plot, Section, Table, experiment_page, render
from hertzian.report.svg import inline_svg
from hertzian.report.text import printable, shown_path
from hertzian.signal import Detection, HertzianError

DETAILED = 40
"""Detections of a report that are shown in detail: the strongest, as many of each recording."""

_SCORES_SHOWN = 6


def write_report(path: str | os.PathLike[str], entries: Sequence[ReportEntry]) -> None:
    """Write what was found in recordings as one HTML page that needs nothing else.

    Each recording has its facts, a spectrogram with a box per detection, a table of all detections
    and, for those of most energy, spectrum, I/Q density, envelope and probabilities: 40 where it
    is one recording, otherwise 40 shared evenly, at least one of each.

    Raises:
        RecordingError: a recording cannot be read, or the page cannot be written.
    """
    found = sum(len(entry.detections) for entry in entries)
    limit = max(DETAILED // max(len(entries), 1), 1)
    sections = [_recording_section(i, e, limit) for i, e in enumerate(entries, start=1)]
    if len(entries) == 1:
        title = f"Signals in {entries[0].recording.path.name}"
    else:
        title = f"Signals in {len(entries)} recordings"
        sections.insert(0, Section("Recordings", [_overview(entries)]))
    models = ", ".join(dict.fromkeys(printable(entry.model) for entry in entries))
    lead = f"{_counted(found, 'detection')}" + (f" by the model {models}" if models else "")
    experiment_page(path, title, sections, lead)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _overview(entries: Sequence[ReportEntry]) -> Table:
    rows = [
        (
            element("a", shown_path(entry.recording.path), href=f"#file-{i}"),
            duration(entry.recording.samples / entry.recording.sample_rate_hz),
            engineering(entry.recording.sample_rate_hz, "Hz"),
            len(entry.detections),
            printable(entry.summary.modulation),
            _bar(entry.summary.confidence),
        )
        for i, entry in enumerate(entries, start=1)
    ]
    right = [Column(title, "right") for title in ("Duration", "Sample rate", "Detections")]
    return Table(["File", *right, "Strongest signal", "Confidence"], rows, wide=True)


def _recording_section(number: int, entry: ReportEntry, limit: int) -> Section:
    recording = entry.recording
    shown = _strongest(entry.detections, limit)
    links = {index: f"#file-{number}-signal-{index + 1}" for index in shown}
    overview = inline_svg(spectrogram(recording, entry.detections, links), "Spectrogram")
    parts: list[str | Plot | Table] = [_facts(entry), element("figure", overview, class_="wide")]
    if entry.detections:
        parts.append(_detections_table(entry, links))
        left_out = len(entry.detections) - len(shown)
        if left_out:
            parts.append(
                f"Details follow for the {len(shown)} strongest; "
                f"{_counted(left_out, 'weaker detection')} left out."
            )
        parts += [_details(entry, index, links[index], index == shown[0]) for index in shown]
    else:
        parts.append("No signal was found.")
    return Section(shown_path(recording.path), parts, f"file-{number}")


def _strongest(detections: Sequence[Detection], limit: int) -> list[int]:
    """Return the indices of the detections of most energy, in their given order."""
    order = sorted(range(len(detections)), key=lambda i: detections[i].energy, reverse=True)
    return sorted(order[:limit])


def _facts(entry: ReportEntry) -> Markup:
    recording, summary = entry.recording, entry.summary
    center = recording.center_frequency_hz
    facts = {
        "Strongest signal": f"{summary.modulation} · {percent(summary.confidence)}",
        "Family": f"{summary.family} · {percent(summary.family_confidence)}",
        "Duration": duration(recording.samples / recording.sample_rate_hz),
        "Sample rate": engineering(recording.sample_rate_hz, "Hz", 6),
        "Centre frequency": engineering(center, "Hz", 9) if center else "unknown",
        "Format": recording.format,
        "Model": entry.model,
    }
    pairs = (
        element("div", element("dt", name), element("dd", printable(fact)))
        for name, fact in facts.items()
    )
    return element("dl", *pairs, class_="facts")


def _detections_table(entry: ReportEntry, links: dict[int, str]) -> Table:
    rows = []
    for index, detection in enumerate(entry.detections):
        number = str(index + 1)
        rows.append(
            (
                element("a", number, href=links[index]) if index in links else number,
                *time_and_band(entry.recording, detection),
                element("strong", printable(detection.modulation)),
                _bar(detection.confidence),
                f"{printable(detection.family)} {percent(detection.family_confidence)}",
                *((protocol_cell(detection),) if _has_protocols(entry) else ()),
            )
        )
    right = [Column(t, "right") for t in ("", "Start", "Duration", "Centre", "Bandwidth", "SNR")]
    protocol: list[Column | str] = ["Protocol"] if _has_protocols(entry) else []
    return Table([*right, "Modulation", "Confidence", "Family", *protocol], rows, wide=True)


def _has_protocols(entry: ReportEntry) -> bool:
    return any(detection.protocol is not None for detection in entry.detections)


def _details(entry: ReportEntry, index: int, link: str, opened: bool) -> Markup:
    """Return the collapsible section of one detection, drawn where there are samples."""
    detection = entry.detections[index]
    start, length, center, bandwidth, snr = time_and_band(entry.recording, detection)
    heading = element("strong", f"{index + 1} {printable(detection.modulation)}")
    facts = f"{percent(detection.confidence)} · {center} · {bandwidth} wide · {snr}"
    when = f" · {length} at {start}"
    body = element("div", *_panels(entry, detection), class_="panels", id=link[1:])
    summary = element("summary", heading, element("span", facts + when, class_="soft"))
    return element("details", summary, body, **({"open": ""} if opened else {}))


def _panels(entry: ReportEntry, detection: Detection) -> list[Markup]:
    view = entry.view(detection)
    scores = render(_scores_table(detection))
    if view is None:
        return [scores]
    try:
        band = spectrum(view.iq, view.sample_rate_hz, detection.bandwidth_hz)
        baseband = constellation(view.iq, view.sample_rate_hz)
    except HertzianError:  # too short, or silent within a recording's gaps: nothing to draw
        return [scores]
    drawn = inline_svg(band, "Spectrum"), inline_svg(baseband, "I/Q, envelope and frequency")
    return [element("figure", drawn[0]), scores, element("figure", drawn[1])]


def _scores_table(detection: Detection) -> Table:
    """Return the most probable labels with their probabilities, and what is left for the others."""
    ranked = sorted(detection.scores.items(), key=lambda item: item[1], reverse=True)
    rows: list[tuple[str, str]] = [(printable(n), _bar(p)) for n, p in ranked[:_SCORES_SHOWN]]
    rest = ranked[_SCORES_SHOWN:]
    if rest:
        rows.append((f"{_counted(len(rest), 'other')}", _bar(sum(p for _, p in rest))))
    return Table(["Modulation", "Probability"], rows)


def _bar(probability: float) -> Markup:
    """Return a probability as text on a bar of that length."""
    share = min(max(probability, 0.0), 1.0) if probability == probability else 0.0
    return element("span", percent(probability), class_="bar", style=f"--share:{100 * share:.1f}%")
