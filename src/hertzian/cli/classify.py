"""`hertzian classify`: the signals in recordings."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hertzian.cli import output
from hertzian.cli.hearing import hear
from hertzian.cli.inputs import (
    CenterFrequencyOption,
    FormatOption,
    Given,
    SampleRateOption,
    Source,
    open_sources,
    page,
)
from hertzian.cli.live import STREAM, hear_stream
from hertzian.deployment.finding import load_predictor
from hertzian.deployment.runtime import Predictor
from hertzian.recognition import ReportRules, network_threads
from hertzian.recordings import Recording, annotate_sigmf, detections_to_annotations
from hertzian.recordings.metadata import DATA_SUFFIX, META_SUFFIX
from hertzian.recordings.samples import named_format
from hertzian.report import DetectionLines, DetectionsTable, ReportEntry, write_csv, write_report
from hertzian.report.cells import percent
from hertzian.report.detections import DETAILED
from hertzian.report.text import shown_path
from hertzian.signal import Detection, HertzianError


def classify(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="SigMF, raw samples, or WAV with I and Q as its channels; folders of these; - for "
            "raw samples on standard input.",
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="M", help="Shipped name, run folder, .onnx, .pte or .tflite.")
    ] = "field",
    form: FormatOption = None,
    sample_rate: SampleRateOption = None,
    center_frequency: CenterFrequencyOption = None,
    min_snr: Annotated[
        float | None,
        typer.Option(metavar="DB", help="Least in-band SNR.  [default: 9 if narrow, 3 if wide]"),
    ] = None,
    sigmf_out: Annotated[
        Path | None,
        typer.Option(metavar="P", help="Annotated SigMF: X.sigmf-meta; of several, a folder."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(parser=page, metavar="P.html", help="One page with figures of all of it."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="P", help="Detections as CSV.")] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Find the signals in recordings, and tell what they are.

    Format, sampling rate and frequency come from SigMF, WAV headers and the usual file names; say
    them where these don't. A file that cannot be read is told, and the others are still done. Of a
    stream on standard input each detection is told as it ends; Ctrl-C ends the stream.

    Examples:
    - `hertzian classify g001_433.92M_250k.cu8`
    - `hertzian classify capture.iq --format ci16 --sample-rate 2M4 --report capture.html`
    - `hertzian classify captures/ --sigmf-out annotated/ --csv found.csv`
    - `rtl_sdr -f 433.92M -s 1M - | hertzian classify - --format cu8 --sample-rate 1M`
    """
    if form is not None:
        named_format(form)
    if min_snr is not None and not math.isfinite(min_snr):
        raise HertzianError(f"--min-snr: expected decibels, found {min_snr}")
    outputs = [path.resolve() for path in (sigmf_out, report, csv) if path is not None]
    if len(set(outputs)) < len(outputs):
        raise HertzianError("two outputs have the same name; give each a file of its own")
    predictor = load_predictor(model, network_threads())
    rules = ReportRules(min_snr_db=min_snr)
    if STREAM in files:
        if len(files) > 1 or sigmf_out is not None or report is not None:
            raise typer.BadParameter(
                "standard input comes alone, and leaves no --sigmf-out and no --report, which "
                "want a recording",
                param_hint="FILE...",
            )
        _check_output(csv, [])
        given = Given(form, sample_rate, center_frequency)
        _classify_stream(predictor, given, model, rules, csv, as_json)
        return
    sources, errors = open_sources(files, Given(form, sample_rate, center_frequency))
    targets = _sigmf_targets(sources, files, sigmf_out)
    for path in (report, csv):
        _check_output(path, sources)
    entries: list[ReportEntry] = []
    snippets = max(DETAILED // max(len(sources), 1), 1) if report is not None else 0
    total = sum(source.recording.samples for source in sources)
    with output.progress("samples", total, as_json=as_json) as advance:
        for number, source in enumerate(sources):
            try:
                entry = hear(
                    predictor,
                    source.recording,
                    model=model,
                    rules=rules,
                    snippets=snippets,
                    advance=advance,
                )
                if targets:
                    _annotate(entry, targets[number])
            except HertzianError as error:
                errors.append(error)
            else:
                entries.append(entry)
    if entries:
        _write(entries, report, csv)
        single = len(files) == 1 and not files[0].is_dir()
        _tell(entries, single=single, as_json=as_json)
    for failure in errors:
        output.print_error(str(failure))
    if errors:
        raise typer.Exit(1)


def _classify_stream(
    predictor: Predictor,
    given: Given,
    model: str,
    rules: ReportRules,
    csv: Path | None,
    as_json: bool,
) -> None:
    """Tell what comes on standard input: line by line, and at its end as CSV or JSON."""
    screen = output.console()
    lines = DetectionLines()

    def tell(recording: Recording, detection: Detection) -> None:
        if not as_json:
            screen.print(lines.of(recording, detection), soft_wrap=True)

    entry = hear_stream(
        predictor, given, model=model, rules=rules, tell=tell, keep=as_json or csv is not None
    )
    if csv is not None:
        write_csv(csv, [entry])
    if as_json:
        output.print_json(document(entry))


def document(entry: ReportEntry) -> dict[str, Any]:
    """Return what was found in one recording, as `--json` prints it."""
    return {
        "file": str(entry.recording.path),
        "sample_rate_hz": entry.recording.sample_rate_hz,
        "center_frequency_hz": entry.recording.center_frequency_hz,
        "model": entry.model,
        "detections": [detection.to_dict() for detection in entry.detections],
        "summary": entry.summary.to_dict(),
    }


def _sigmf_targets(
    sources: Sequence[Source], files: Sequence[Path], out: Path | None
) -> list[Path]:
    """Return where each recording's annotated metadata goes; nothing if that was not asked for."""
    if out is None or not sources:
        return []
    single = len(files) == 1 and not files[0].is_dir()
    if out.name.endswith(META_SUFFIX):
        if not single:
            raise typer.BadParameter("several recordings need a folder", param_hint="--sigmf-out")
        _check_folder(out)
        return [out] * len(sources)
    if single and not out.is_dir():
        raise typer.BadParameter(f"{out} does not end in {META_SUFFIX}", param_hint="--sigmf-out")
    if out.exists() and not out.is_dir():
        raise HertzianError(f"cannot write into {out}: it is no folder")
    targets = [out / source.name.with_name(_stem(source.name) + META_SUFFIX) for source in sources]
    twice = [target for target, uses in Counter(targets).items() if uses > 1]
    if twice:
        raise HertzianError(
            f"two recordings would both become {twice[0]}; rename one, or classify them apart"
        )
    return targets


def _stem(path: Path) -> str:
    name = path.name.removesuffix(META_SUFFIX).removesuffix(DATA_SUFFIX)
    # in capture_433.92M_250k the dot is no extension's
    return Path(name).stem if name == path.name and path.suffix[1:2].isalpha() else name


def _check_output(path: Path | None, sources: Sequence[Source]) -> None:
    """Refuse an output that could not be written, or would take a recording's place."""
    if path is None:
        return
    _check_folder(path)
    for source in sources:
        for own in (source.recording.data_path, source.recording.metadata_path):
            if own is not None and path.exists() and path.samefile(own):
                raise HertzianError(f"cannot write {path}: it is one of the recordings")


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise HertzianError(f"cannot write {path}: the folder {path.parent} does not exist")


def _annotate(entry: ReportEntry, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HertzianError(f"cannot write {target}: {error.strerror}") from None
    annotations = detections_to_annotations(entry.detections, entry.recording)
    annotate_sigmf(entry.recording, annotations, target)


def _write(entries: Sequence[ReportEntry], report: Path | None, csv: Path | None) -> None:
    if csv is not None:
        write_csv(csv, entries)
    if report is not None:
        write_report(report, entries)


def _tell(entries: Sequence[ReportEntry], *, single: bool, as_json: bool) -> None:
    if as_json:
        documents = [document(entry) for entry in entries]
        output.print_json(documents[0] if single else documents)
    else:
        screen = output.console()
        screen.print(DetectionsTable(entries))
        _print_summary(entries, screen)


def _print_summary(entries: Sequence[ReportEntry], screen: Console) -> None:
    found = sum(len(entry.detections) for entry in entries)
    detections = f"{found} detection" + ("" if found == 1 else "s")
    if len(entries) == 1:
        (entry,) = entries
        best = entry.summary
        line = (
            f"{shown_path(entry.recording.path)}: {best.modulation} {percent(best.confidence)} "
            f"({best.family} {percent(best.family_confidence)}), {detections}"
        )
    else:
        strongest = Counter(entry.summary.modulation for entry in entries)
        counts = ", ".join(f"{name} {files}" for name, files in strongest.most_common())
        line = f"{len(entries)} recordings, {detections}; strongest signals: {counts}"
    screen.print(line, markup=False, soft_wrap=True)
