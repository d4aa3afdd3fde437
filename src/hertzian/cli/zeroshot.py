"""`hertzian zeroshot`: modulations that were only described, recognised beside known ones."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.datasets.dataset import Dataset
from hertzian.recordings import atomic_path
from hertzian.report.text import printable

if TYPE_CHECKING:
    from hertzian.experiments.zeroshot.on_data import Answers


def zeroshot(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Labelled dataset of the modulations that have some."),
    ],
    describe: Annotated[
        Path,
        typer.Option(metavar="Y.yaml", help="The other modulations: their symbols, see below."),
    ],
    on: Annotated[
        Path | None,
        typer.Option(metavar="WINDOWS", help="Dataset to recognise; its labels don't matter."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="P", help="A line for each of WINDOWS.")
    ] = None,
    samples_per_symbol: Annotated[
        int, typer.Option(min=2, metavar="N", help="Of all windows.")
    ] = 8,
    roll_off: Annotated[
        float, typer.Option(min=0, max=1, metavar="A", help="Of their root-raised cosine.")
    ] = 0.35,
    accept: Annotated[
        float,
        typer.Option(
            min=0.5, max=0.9999, metavar="SHARE", help="Of known signals not called unknown."
        ),
    ] = 0.99,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of everything that is random.")
    ] = 0,
    as_json: output.JsonOption = False,
) -> None:
    """Recognise modulations of which there is a description and not a single window.

    What windows of a described modulation would look like is drawn from its symbols, at the SNRs of
    DATA; what fits neither these nor DATA's own is unknown. All windows have linear modulation, a
    root-raised cosine, a symbol at every Nth sample from the first on, and no carrier offset or
    turn of the phase: as the presets sigzsl-7 and linear, or a receiver after its synchronisation.

    A description names points ([[I, Q], ...]), rings, levels (amplitudes on I) or a grid (points
    along I and along Q); the scale doesn't matter:

        12-APSK:
          rings:
            - {points: 4, radius: 1, turn: 0.125}
            - {points: 8, radius: 2.4, turn: 0.0625}

    Examples:
    - `hertzian zeroshot seven.h5 --describe new.yaml`
    - `hertzian zeroshot seven.h5 --describe new.yaml --on heard.h5 --csv answers.csv`
    """
    output.require_train_extra("zeroshot")
    from hertzian.experiments.zeroshot.on_data import Asked, Recogniser
    from hertzian.experiments.zeroshot.written import UNKNOWN, read_descriptions

    if table is not None and on is None:
        raise typer.BadParameter("give the windows it is of, --on", param_hint="--csv")
    described = read_descriptions(describe)
    asked = Asked(samples_per_symbol, roll_off, accept, seed=seed)
    recogniser = Recogniser(open_data(data), described, asked)
    told: dict[str, Any] = {"data": str(data), "expected": recogniser.expected()}
    windows = None if on is None else open_data(on)
    told["warnings"] = recogniser.warnings(told["expected"], windows)
    for warning in told["warnings"]:
        output.log(f"warning: {printable(warning)}")
    if windows is not None:
        answers, found = recogniser.recognise(windows)
        told["on"] = {"file": str(on), **found}
        if table is not None:
            _write(table, answers, windows, (*recogniser.names, UNKNOWN))
    if as_json:
        for name, attributes in recogniser.attributes().items():
            told["expected"][name]["attributes"] = attributes
        output.print_json(told)
    else:
        _print(told, table)


def _write(path: Path, answers: "Answers", windows: Dataset, names: Sequence[str]) -> None:
    labels = (windows.modulations[number] for number in windows.modulation)
    columns = (
        *((names[number] for number in numbers) for numbers in (answers.numbers, answers.others)),
        *((f"{margin:.2f}" for margin in answers.margins), labels),
        *((f"{snr_db:g}" for snr_db in windows.snr_db),),
    )
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("window", "modulation", "otherwise", "margin_nats", "labelled", "snr_db"))
        writer.writerows((at, *row) for at, row in enumerate(zip(*columns, strict=True)))


def _plain(name: str) -> Text:
    """Return a stranger's text as such: what looks like markup is none."""
    return Text(printable(name))


def _print(told: dict[str, Any], written: Path | None) -> None:
    console = output.console()
    table = Table("modulation", "known by", "windows", "recognised", "else mostly", box=None)
    for name, row in told["expected"].items():
        known = "description" if row["described"] else "windows"
        share = "–" if row["recall"] is None else f"{100 * row['recall']:.1f}%"
        other = _plain(row["taken_for"] or "–")
        table.add_row(_plain(name), known, f"{row['windows']:,}", share, other)
    console.print("What to expect, of held out windows and of drawn ones:")
    console.print(table)
    if "on" not in told:
        return
    found = told["on"]
    console.print(f"{printable(found['file'])}: {found['windows']:,} windows", markup=False)
    described = [name for name, row in told["expected"].items() if row["described"]]
    names = list(dict.fromkeys([*found["recognised"], *described]))
    table = Table("labelled", *(Column(_plain(name)) for name in names), box=None)
    rows = [("all", found["recognised"]), *found["by_label"].items()]
    for label, counts in rows:
        cells = (f"{counts.get(name, 0):,}" for name in names)
        table.add_row(_plain(label), *cells)
    console.print(table)
    if written is not None:
        console.print(f"wrote {written}", markup=False)
