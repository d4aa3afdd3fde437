"""`hertzian evaluate`: a model against labelled windows or labelled recordings."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.deployment.finding import load_predictor
from hertzian.deployment.metadata import DatasetIdentity, ModelMetadata
from hertzian.signal import Detection, HertzianError

_LIKELIHOOD = re.compile("likelihood(-[a-z]+)?")


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Shipped name, run folder, .onnx, .pte or .tflite; or likelihood, the best that "
            "is possible where symbols are known (see below).",
        ),
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Dataset (Hertzian's .h5 or .npz, or a published format), or a manifest (.csv) of "
            "labelled recordings with the columns file, format, sample_rate_hz, modulation, "
            "family.",
        ),
    ],
    common: Annotated[
        bool, typer.Option("--common", help="Compare on the classes that both sides have.")
    ] = False,
    manifest_root: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder that a manifest's files are named from.  [default: its own]"
        ),
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Measure how well a model recognises labelled data.

    Data that the model was trained on is refused. A recording that cannot be read is told, the
    others of its manifest are still done, and the command ends with 1.

    likelihood is no model but the average likelihood ratio test, the least error that any
    classifier can have, on data of known timing in white noise (presets possible-6-64 to -1024,
    and nearly so sigzsl-7 and linear). Of a window likelihood-snr does not know the SNR,
    likelihood-gain neither SNR nor gain, likelihood-phase not the phase, likelihood-hybrid neither
    phase nor gain.

    Examples:
    - `hertzian evaluate field windows.h5`
    - `hertzian evaluate runs/field-small captures/manifest.csv --json`
    - `hertzian evaluate likelihood possible.h5`
    """
    if data.suffix.lower() == ".csv":
        if common:
            raise typer.BadParameter("recordings have no list of classes", param_hint="--common")
        document = _evaluate_recordings(model, data, manifest_root, as_json)
    else:
        if manifest_root is not None:
            raise typer.BadParameter("DATA is no .csv manifest", param_hint="--manifest-root")
        document = _evaluate_windows(model, data, common, as_json)
    if as_json:
        output.print_json(document)
    elif "files" in document:
        _print_recordings(document, output.console())
    else:
        for head, block in document.get("heads", {"": document}).items():
            title = f"{document['model']} on {document['data']}" + (f": {head}" if head else "")
            output.console().print(title, style="bold", markup=False)
            (_print_windows if "accuracy" in block else _print_errors)(block, output.console())
    failed = document.get("failed", [])
    for failure in failed:
        output.print_error(failure["error"])
    if failed:
        raise typer.Exit(1)


def _evaluate_windows(model: str, data: Path, common: bool, as_json: bool) -> dict[str, Any]:
    if _LIKELIHOOD.fullmatch(model):
        if common:
            raise typer.BadParameter("a likelihood has the data's classes", param_hint="--common")
        return _evaluate_likelihood(model, data, as_json)
    from hertzian.evaluation import evaluate_windows, refuse_seen

    predictor = load_predictor(model)
    dataset = open_data(data)
    refuse_seen(dataset, _seen(model, predictor.metadata), str(data))
    with output.progress("windows", len(dataset), as_json=as_json) as advance:
        return evaluate_windows(
            predictor, dataset, data=str(data), model=model, common=common, advance=advance
        )


def _evaluate_likelihood(name: str, data: Path, as_json: bool) -> dict[str, Any]:
    output.require_train_extra("evaluate likelihood")
    from hertzian.evaluation.bound import BOUNDS, evaluate_likelihood

    if name in BOUNDS and not as_json:
        output.log(f"{name}: {BOUNDS[name].says}")
    dataset = open_data(data)
    with output.progress("windows", len(dataset), as_json=as_json) as advance:
        return evaluate_likelihood(name, dataset, data=str(data), advance=advance)


def _seen(model: str, metadata: ModelMetadata) -> set[DatasetIdentity]:
    """Return the data that a model has seen, by its own word and by that of its run."""
    record = Path(model) / "result.json"
    if not record.is_file():
        return set(metadata.trained_on)
    try:
        entries = json.loads(record.read_text(encoding="utf-8")).get("trained_on", [])
        return {*metadata.trained_on, *map(DatasetIdentity.model_validate, entries)}
    except (ValueError, AttributeError, TypeError) as error:
        raise HertzianError(f"{record}: not the result of a run ({error})") from None


def _evaluate_recordings(
    model: str, data: Path, root: Path | None, as_json: bool
) -> dict[str, Any]:
    from hertzian.evaluation import evaluate_manifest, read_manifest
    from hertzian.recognition import Recogniser
    from hertzian.recordings import open_recording

    entries = read_manifest(data, root)
    recogniser = Recogniser.load(model)

    def classify(path: Path, form: str | None, rate_hz: float | None) -> Sequence[Detection]:
        return recogniser.recognise(open_recording(path, format=form, sample_rate_hz=rate_hz))

    bar = output.progress("recordings", len(entries), as_json=as_json)
    with output.warnings_as_lines(), bar as advance:
        return evaluate_manifest(
            entries,
            classify,
            model=model,
            data=str(data),
            noise_confidence=recogniser.noise_confidence,
            advance=advance,
        )


def _print_windows(block: dict[str, Any], console: Console) -> None:
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("examples", f"{block['examples']:,}"),
        ("accuracy", _percent(block["accuracy"])),
        ("accuracy at SNR >= 0 dB", _percent(block["accuracy_snr_ge_0"])),
        ("best accuracy at one SNR", _percent(block["peak"])),
        ("calibration error", _percent(block["ece"])),
    ):
        facts.add_row(name, value)
    console.print(facts)
    _print_shares("SNR (dB)", "accuracy", block["accuracy_by_snr"], console)
    _print_shares("class", "recall", block["recall"], console)


def _print_errors(block: dict[str, Any], console: Console) -> None:
    def shown(error: float) -> str:
        return _percent(error) if block["relative"] else f"{error:.3g}"

    facts = Table.grid(padding=(0, 2))
    facts.add_row("examples", f"{block['examples']:,}")
    for name, key in (
        ("root mean square error", "rms_error"),
        ("median error", "median_error"),
        ("mean error", "bias"),
    ):
        facts.add_row(name, shown(block[key]))
    console.print(facts)
    table = Table("SNR (dB)", box=None, header_style="bold")
    table.add_column("error", justify="right")
    for level, error in block["rms_error_by_snr"].items():
        table.add_row(level, shown(error))
    console.print(table)
    table = Table("modulation", box=None, header_style="bold")
    for heading in ("error", "median"):
        table.add_column(heading, justify="right")
    for name, own in block["by_modulation"].items():
        table.add_row(name, shown(own["rms_error"]), shown(own["median_error"]))
    console.print(table)


def _print_recordings(document: dict[str, Any], console: Console) -> None:
    files = Table("file", "truth", "answer", box=None, header_style="bold")
    for heading in ("confidence", "family", "detections"):
        files.add_column(heading, justify="right")
    for row in document["files"]:
        truth, answer = row["truth"], row["summary"]
        known = truth["family"] is not None
        style = None if not known or truth["family"] == answer["family"] else "red"
        files.add_row(
            row["file"],
            truth["modulation"] or truth["family"] or "–",
            answer["modulation"],
            _percent(answer["confidence"]),
            f"{answer['family']} {_percent(answer['family_confidence'])}",
            str(row["detections"]),
            style=style,
        )
    console.print(files)
    for level in ("family", "modulation"):
        block = document[level]
        if not block["files"]:
            continue
        lower, upper = (_percent(edge) for edge in block["interval"])
        console.print(
            f"\n{level}: {_percent(block['accuracy'])} of {block['files']} files "
            f"(95% interval {lower} to {upper}), mean recall {_percent(block['mean_recall'])}; "
            f"sure of {_percent(block['confidence']['above_0.9'])}, "
            f"of those wrong {_percent(block['confidence']['wrong_above_0.9'])}",
            markup=False,
        )
        _print_shares(level, "recall", block["recall"], console)


def _print_shares(
    heading: str, value: str, shares: dict[str, float | None], console: Console
) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column(heading)
    table.add_column(value, justify="right")
    for name, share in shares.items():
        table.add_row(name, _percent(share))
    console.print(table)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"
