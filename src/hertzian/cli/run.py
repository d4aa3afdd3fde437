"""`hertzian run`: an experiment from its recipe."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from hertzian.cli import output
from hertzian.evaluation import CURVES


def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Name of a recipe, or a .yaml file.")
    ],
    scale: Annotated[
        Literal["smoke", "small", "full"],
        typer.Option(help="10, 200, or the published number of examples per class and SNR."),
    ] = "small",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run.  [default: runs/RECIPE-SCALE]"),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Run an experiment: train, measure, and write result.json, report.html and the model.

    Started again on the same folder, it goes on after the last finished stage.

    Examples:
    - `hertzian run field --scale smoke`
    - `hertzian run field --scale full --out runs/field --set stages.train.epochs=20`
    """
    from hertzian.experiments import load_recipe, run_recipe

    output.require_train_extra("run")
    changes = overrides or []
    resolved = load_recipe(recipe, scale, changes)
    folder = out or Path("runs") / f"{resolved.name}-{scale}"
    settings = [word for change in changes for word in ("--set", change)]
    command = shlex.join(["hertzian", "run", recipe, "--scale", scale, *settings])
    try:
        result = run_recipe(resolved, scale, folder, command=command, log=output.log)
    except KeyboardInterrupt:
        output.log(f"interrupted; the same command goes on from {folder}")
        raise
    if as_json:
        output.print_json(result.model_dump(mode="json"))
    else:
        _print_metrics(result.metrics, output.console())
        output.log(f"wrote {folder / 'result.json'} and {folder / 'report.html'}")


def _print_metrics(metrics: Mapping[str, Any], console: Console) -> None:
    blocks = {name: value for name, value in metrics.items() if _is_block(value)}
    if blocks:
        _print_blocks(blocks, console)
    table = Table("metric", box=None, header_style="bold")
    table.add_column("mean", justify="right")
    table.add_column("95% interval over seeds", justify="right")
    for name, number in _numbers({key: metrics[key] for key in metrics if key not in blocks}):
        table.add_row(name, f"{number['mean']:.4g}", _interval(number, "{:.4g}"))
    if table.row_count:
        console.print(table)


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping) and "accuracy" in value and "confusion" in value


def _print_blocks(blocks: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """Print a line for each network tested; the report has the rest."""
    table = Table("network", box=None, header_style="bold")
    for heading in ("accuracy", "95% interval", "at SNR >= 0 dB", "best SNR"):
        table.add_column(heading, justify="right")
    for name, block in blocks.items():
        accuracy, audible, peak = block["accuracy"], block["accuracy_snr_ge_0"], block["peak"]
        table.add_row(
            name,
            f"{100 * accuracy['mean']:.2f}%",
            _interval(accuracy, "{:.2%}"),
            *(f"{100 * share['mean']:.2f}%" if share else "–" for share in (audible, peak)),
        )
    console.print(table)


def _interval(number: Mapping[str, Any], form: str) -> str:
    edges = number["interval"]
    return f"{form.format(edges[0])} to {form.format(edges[1])}" if edges else "–"


def _numbers(metrics: Mapping[str, Any], key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (dotted key, number with its mean and interval) of every level, but for curves."""
    for name, value in metrics.items():
        if isinstance(value, Mapping) and name not in CURVES:
            inner = f"{key}.{name}" if key else name
            if "mean" in value and "interval" in value:
                yield inner, value
            else:
                yield from _numbers(value, inner)
