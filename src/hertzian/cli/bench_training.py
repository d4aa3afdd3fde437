"""`hertzian bench training`: how fast networks train, beside the same networks in Keras."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.temporary import temporary_folder
from hertzian.report import engineering
from hertzian.report.cells import percent

if TYPE_CHECKING:
    from hertzian.experiments.training import Effort, Way

_SECONDS, _QUICK_SECONDS = 10.0, 0.5
_PEAK_SECONDS, _QUICK_PEAK_SECONDS = 1.0, 0.1
_ROUNDS, _QUICK_ROUNDS = 3, 1
# what `fit` leaves: two checkpoints of float32 weights, each with two moments of Adam
_BYTES_PER_PARAMETER = 2 * 3 * 4
_HEAD_BYTES = 1 << 20


def training(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Networks of the registry.  [default: those with a twin in Keras]"
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="B", min=1, help="Examples in a step.  [default: as published]"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="T", min=1, help="Of each side.  [default: all cores]")
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option("--compiled", help="Ours through torch.compile as well: minutes more."),
    ] = False,
    peers: Annotated[bool, typer.Option(help="Keras beside it, where it is installed.")] = True,
    keras: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON_OR_DIR",
            help="The interpreter that has TensorFlow, or its environment, if not in its place.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything: a rough figure, sooner.")
    ] = False,
    as_json: output.JsonOption = False,
) -> None:
    """Measure how fast networks train on the processor.

    Ours by `hertzian.training.fit` with Adam and cross-entropy in float32 and in bfloat16
    (autocast), for ten seconds each after a warm-up; GFLOP/s count three times the two FLOPs of
    each multiply-accumulate. Beside them: the fastest product of two matrices in that precision.

    Keras: the same networks, checked by their parameters and by their logits with our weights,
    trained in float32 by turns with ours, by `fit` or `train_on_batch`, whichever is faster, and
    with the same settings of the C library's memory. Figures are medians of three.

    Examples:
    - `hertzian bench training`
    - `hertzian bench training mcldnn afnet --compiled --no-peers`
    - `hertzian bench training crosstlnet --keras /opt/tensorflow/bin/python --json`
    """
    output.require_train_extra("bench training")
    from hertzian.experiments.peers.keras import TWINS
    from hertzian.experiments.training import PRECISIONS, Effort, Way
    from hertzian.models.registry import spec

    wanted = list(dict.fromkeys(names or TWINS))
    for name in wanted:
        spec(name)
    effort = Effort(
        _QUICK_SECONDS if quick else _SECONDS,
        _QUICK_ROUNDS if quick else _ROUNDS,
        threads or os.cpu_count() or 1,
    )
    ways = [
        Way(precision, way) for precision in PRECISIONS for way in (False, True)[: 1 + compiled]
    ]
    python, missing = _find_keras(keras) if peers and set(wanted) & set(TWINS) else (None, None)
    if missing:
        output.log(f"ours alone, for {missing}")
    told: dict[str, Any] = {
        **{"threads": effort.threads, "cores": os.cpu_count(), "quick": quick},
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "missing": missing,
    }
    told |= _measured(wanted, batch, ways, effort, python, as_json)
    if as_json:
        output.print_json(told)
    else:
        output.console().print(_table(told))


def _find_keras(place: Path | None) -> tuple[Path | None, str | None]:
    """Return the interpreter that has Keras; where there is none, how to install it."""
    from hertzian.experiments.peers.keras import ENVIRONMENT
    from hertzian.workers.errors import WorkerError

    try:
        return ENVIRONMENT.find_python(place), None
    except WorkerError as error:
        return None, str(error)


def _measured(
    names: Sequence[str],
    batch: int | None,
    ways: "Sequence[Way]",
    effort: "Effort",
    python: Path | None,
    as_json: bool,
) -> dict[str, Any]:
    from hertzian.experiments.peers.keras import TWINS
    from hertzian.experiments.training import measure, published_batch
    from hertzian.models.registry import build, count_parameters, spec

    peaks = _peaks(effort)
    networks = []
    for name in names:
        size = _HEAD_BYTES + _BYTES_PER_PARAMETER * count_parameters(build(name))
        turns = effort.rounds * (len(ways) + bool(python and name in TWINS))
        with (
            temporary_folder(size) as folder,
            output.progress(name, turns, as_json=as_json) as advance,
        ):
            size = batch or published_batch(spec(name))
            networks.append(measure(name, size, ways, effort, folder, python, advance))
    # again: other work on the machine makes each of the two too small
    peaks = {key: max(peak, peaks[key]) for key, peak in _peaks(effort).items()}
    return {"gemm_flop_per_second": peaks, "networks": networks}


def _peaks(effort: "Effort") -> dict[str, float]:
    from hertzian.experiments.training import PRECISIONS, gemm_peak

    seconds = _PEAK_SECONDS if effort.rounds > 1 else _QUICK_PEAK_SECONDS
    return {precision: gemm_peak(precision, effort.threads, seconds) for precision in PRECISIONS}


def _table(told: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("")
    table.add_column("batch", justify="right")
    table.add_column("precision")
    headings = ("examples/s", "Keras, float32", "times Keras", "FLOP/s", "limit: GEMM", "of it")
    for heading in headings:
        table.add_column(heading, justify="right")
    for network in told["networks"]:
        for row, ours in enumerate(network["ours"]):
            name, batch = (network["name"], str(network["batch"])) if row == 0 else ("", "")
            table.add_row(name, batch, *_cells(ours, network["keras"], told))
    table.caption = _caption(told)
    table.caption_justify = "left"
    return table


def _cells(ours: dict[str, Any], keras: dict[str, Any] | None, told: dict[str, Any]) -> list[str]:
    peak = told["gemm_flop_per_second"][ours["precision"]]
    return [
        ours["precision"] + ", compiled" * ours["compiled"],
        _number(ours["examples_per_second"]),
        _number(keras["examples_per_second"]) if keras and ours["precision"] == "32-true" else "",
        f"{ours['ratio']:.1f}" if ours["ratio"] else "",
        engineering(ours["flop_per_second"], "FLOP/s", 3),
        engineering(peak, "FLOP/s", 3),
        percent(ours["flop_per_second"] / peak),
    ]


def _caption(told: dict[str, Any]) -> str:
    lines = [f"{told['threads']} threads on {told['cores']} cores"]
    if told["load_average"] is not None:
        lines[0] += f"; load of the last minute before: {told['load_average']:.1f}"
    twins = [network for network in told["networks"] if network["keras"]]
    if twins:
        versions = twins[0]["keras"]["versions"]
        ways = ", ".join(f"{network['name']} by {network['keras']['way']}" for network in twins)
        lines.append(
            f"Keras {versions.get('keras')} on TensorFlow {versions.get('tensorflow')}: {ways}; "
            "at equal precision in the rows 32-true"
        )
    fewer = {twin["name"]: twin["parameters"] - twin["keras"]["parameters"] for twin in twins}
    told_fewer = ", ".join(f"{name} {count}" for name, count in fewer.items() if count)
    if told_fewer:
        lines.append(f"an LSTM of Keras has one bias vector, ours two; fewer there: {told_fewer}")
    for network in told["networks"]:
        if network["failed"]:
            lines.append(f"{network['name']}: {network['failed']}")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.{1 if value < 100 else 0}f}".replace(",", " ")
