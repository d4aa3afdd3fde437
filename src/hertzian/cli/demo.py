"""`hertzian demo`: a band of known content, recognised, beside the truth."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hertzian.cli import output
from hertzian.cli.hearing import hear
from hertzian.deployment.finding import load_predictor
from hertzian.evaluation import Comparison, Heard, compare_sent
from hertzian.recognition import network_threads
from hertzian.recordings import annotate_sigmf, detections_to_annotations, open_recording
from hertzian.report import engineering, write_report
from hertzian.report.cells import percent
from hertzian.report.detections import DETAILED
from hertzian.signal import HertzianError

if TYPE_CHECKING:
    from hertzian.datasets.demo import Sender

_RIGHT_SHARE = 7 / 8


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the recording and the report.")
    ] = Path("demo"),
    model: Annotated[
        str, typer.Option(metavar="M", help="Shipped name, run folder, .onnx, .pte or .tflite.")
    ] = "field",
    as_json: output.JsonOption = False,
) -> None:
    """Synthesise a band with ten transmitters, recognise them, and compare with the truth.

    The recording (SigMF, annotated with what was sent and what was heard) and a report stay in DIR.
    Fails if fewer than seven in eight are right, or a wrong answer is surer than 90%.

    Examples:
    - `hertzian demo --out demo`
    """
    output.require_train_extra("demo")
    from hertzian.datasets.demo import SAMPLE_RATE_HZ, SENDERS, write_demo

    predictor = load_predictor(model, network_threads())
    out.mkdir(parents=True, exist_ok=True)
    meta, report = out / "recording.sigmf-meta", out / "report.html"
    output.log("synthesising the band")
    emissions = write_demo(meta)
    recording = open_recording(meta)
    with output.progress("samples", recording.samples, as_json=as_json) as advance:
        entry = hear(predictor, recording, model=model, snippets=DETAILED, advance=advance)
    annotate_sigmf(recording, detections_to_annotations(entry.detections, recording), meta)
    write_report(report, [entry])
    result = compare_sent(entry.detections, emissions, SAMPLE_RATE_HZ)
    if as_json:
        output.print_json({"recording": str(meta), "report": str(report)} | _document(result))
    else:
        screen = output.console()
        screen.print(_table(SENDERS, result))
        screen.print(_score(result), markup=False, soft_wrap=True)
        output.log(f"wrote {meta} and {report}")
    if result.right < math.ceil(_RIGHT_SHARE * len(result.heard)) or result.sure_and_wrong:
        raise HertzianError(f"the demonstration failed: {_score(result)}")


def _score(result: Comparison) -> str:
    wrong, strays = len(result.sure_and_wrong), len(result.strays)
    return (
        f"{result.right} of {len(result.heard)} transmitters right, {wrong} wrong at a confidence "
        f"over {percent(result.sure)}, {strays} detection{'s'[: strays != 1]} of nothing"
    )


def _document(result: Comparison) -> dict[str, Any]:
    rows = [
        {
            "sent": one.sent.label,
            "heard": None if one.answer is None else one.answer.to_dict(),
            "detections": len(one.detections),
            "right": one.right,
        }
        for one in result.heard
    ]
    return {
        **{"transmitters": rows, "right": result.right, "of": len(rows)},
        **{"wrong_above_0.9": len(result.sure_and_wrong), "strays": len(result.strays)},
    }


def _table(senders: tuple["Sender", ...], result: Comparison) -> Table:
    table = Table(header_style="bold")
    for title in ("Transmitter", "Sent"):
        table.add_column(title, no_wrap=True)
    for title in ("Offset", "On air", "SNR"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Heard", no_wrap=True)
    table.add_column("Confidence", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for sender, one in zip(senders, result.heard, strict=True):
        stop_s = sender.start_s + sender.seconds
        table.add_row(
            sender.what,
            one.sent.label,
            engineering(sender.center_hz, "Hz"),
            f"{sender.start_s:.2f} to {stop_s:.2f} s",
            f"{sender.snr_db:.0f} dB",
            *_answer(one),
        )
    return table


def _answer(one: Heard) -> tuple[Text, str, Text]:
    verdict = Text("right", style="green") if one.right else Text("wrong", style="bold red")
    if one.answer is None:
        return Text("nothing", style="dim"), "", Text("missed", style="bold red")
    return Text(one.answer.modulation, style="bold"), percent(one.answer.confidence), verdict
