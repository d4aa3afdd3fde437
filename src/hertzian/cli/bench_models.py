"""`hertzian bench models`: how fast networks answer, in floats and in bytes."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.inputs import page
from hertzian.cli.temporary import temporary_folder
from hertzian.report import Plot, Section, engineering, experiment_page, latencies
from hertzian.signal import HertzianError

_DEFAULT = ("mtl", "vtcnn-mtl", "drcnn-mtl")
_CALLS, _QUICK_CALLS = 2000, 200
_SECONDS, _QUICK_SECONDS = 1.0, 0.1
_ROUNDS, _QUICK_ROUNDS = 5, 1
_BATCH = 256
_AS_FAST = (0.95, 1.05)
# two files of weights and what quantisation leaves between
_BYTES_PER_PARAMETER = 4 * 4
_HEAD_BYTES = 1 << 20


def models(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Networks of the registry.  [default: mtl vtcnn-mtl drcnn-mtl]"
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option(metavar="B", min=1, help="Windows of a call for the throughput.")
    ] = _BATCH,
    compiled: Annotated[
        bool, typer.Option(help="torch.compile beside the rest: a minute more each.")
    ] = True,
    litert: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON_OR_DIR",
            help="The interpreter that has LiteRT's converter, or its environment, if not in its "
            "place.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(parser=page, metavar="P.html", help="Draw the latencies on a page, too."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything: a rough figure, sooner.")
    ] = False,
    as_json: output.JsonOption = False,
) -> None:
    """Measure how fast networks answer on the processor, their normaliser included.

    torch (eager and compiled), onnxruntime in floats, and onnxruntime with weights and activations
    of 8 bits after post-training quantisation, by turns, each with one thread and with all; where
    they are installed, ExecuTorch in both, and LiteRT in floats. The
    latency is that of one window, its median and the 99th percentile over all calls; the
    throughput that of batches. Weights are fresh: their values don't change the speed.

    Beside them: parameters, multiply-accumulates and the most memory that activations take at once
    for one window. The last lines say where 8 bits buy size and not speed.

    Examples:
    - `hertzian bench models`
    - `hertzian bench models pet-cgdnn cnn2 --no-compiled --html speed.html`
    """
    output.require_train_extra("bench models")
    from hertzian.deployment.programs import has_executorch
    from hertzian.experiments.inference.speed import Effort, measure
    from hertzian.experiments.inference.ways import COMPILED, LITERT, WAYS
    from hertzian.experiments.provenance import usable_cores
    from hertzian.models import build, count_parameters, spec

    named = list(dict.fromkeys(names or _DEFAULT))
    for name in named:
        spec(name)
    if html is not None and not html.parent.is_dir():
        raise HertzianError(f"{html.parent}: no such folder; make it first")
    cores = usable_cores()
    effort = Effort(
        calls=_QUICK_CALLS if quick else _CALLS,
        seconds=_QUICK_SECONDS if quick else _SECONDS,
        rounds=_QUICK_ROUNDS if quick else _ROUNDS,
        batch=batch,
        threads=(1, cores) if cores > 1 else (1,),
    )
    converter, missing = _find_converter(litert)
    if missing:
        output.log(f"without LiteRT, for {missing}")
    if not has_executorch():
        output.log("without ExecuTorch: pip install 'hertzian[executorch]'")
    left_out = {*(() if compiled else (COMPILED,)), *((LITERT,) if missing else ())}
    wanted = [way for way in WAYS if way not in left_out]
    told: dict[str, Any] = {
        **{"cores": cores, "quick": quick, "batch": batch, "networks": []},
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    for name in named:
        size = _HEAD_BYTES + _BYTES_PER_PARAMETER * count_parameters(build(name))
        turns = effort.rounds * len(wanted) * len(effort.threads)
        with (
            temporary_folder(size) as folder,
            output.progress(name, turns, as_json=as_json) as advance,
        ):
            told["networks"].append(measure(name, effort, folder, wanted, advance, converter))
    if as_json:
        output.print_json(told)
    else:
        console = output.console()
        console.print(_table(told))
        for line in _remarks(told):
            console.print(line, style="dim", markup=False, soft_wrap=True)
    if html is not None:
        _write_page(told, html)
        output.log(f"wrote {html}")


def _find_converter(place: Path | None) -> tuple[Path | None, str | None]:
    """Return the interpreter that has LiteRT's converter; where something is missing, what."""
    from hertzian.deployment.litert import has_litert
    from hertzian.deployment.litert_conversion import ENVIRONMENT
    from hertzian.workers.errors import WorkerError

    if not has_litert():
        return None, "it is not installed: pip install 'hertzian[litert]'"
    try:
        return ENVIRONMENT.find_python(place), None
    except WorkerError as error:
        return None, str(error)


def _table(told: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("")
    table.add_column("way")
    table.add_column("file", justify="right")
    for threads in _threads(told):
        said = "1 thread" if threads == "1" else f"{threads} threads"
        table.add_column(f"p50, {said}", justify="right")
        table.add_column("p99", justify="right")
        table.add_column("windows/s", justify="right")
    for network in told["networks"]:
        for row, way in enumerate(network["ways"]):
            table.add_row(network["name"] if row == 0 else "", way["way"], *_cells(way, told))
    return table


def _threads(told: dict[str, Any]) -> list[str]:
    return ["1", str(told["cores"])] if told["cores"] > 1 else ["1"]


def _cells(way: dict[str, Any], told: dict[str, Any]) -> list[str]:
    size = way["file_bytes"]
    cells = ["" if size is None else engineering(size, "B", 3)]
    for threads in _threads(told):
        latency = way["latency_us"].get(threads)
        if latency is None:
            cells += ["–", "–", "–"]
            continue
        cells += [engineering(latency[key] / 1e6, "s", 3) for key in ("p50", "p99")]
        cells.append(engineering(way["windows_per_second"][threads], "", 3))
    return cells


def _remarks(told: dict[str, Any]) -> list[str]:
    lines = [
        f"one window a call; windows/s in batches of {told['batch']} (LiteRT: one by one); "
        f"{told['cores']} cores"
    ]
    if told["load_average"] is not None:
        lines[0] += f"; load of the last minute before: {told['load_average']:.1f}"
    for network in told["networks"]:
        lines.append(
            f"{network['name']}: {network['parameters']:,} parameters, {network['macs']:,} MACs, "
            f"activations {engineering(network['activation_bytes'], 'B', 3)} at most"
        )
        lines += [
            f"{network['name']}, {way['way']}: {way['failed']}"
            for way in network["ways"]
            if way["failed"]
        ]
        lines += _what_bytes_buy(network)
    return lines


def _what_bytes_buy(network: dict[str, Any]) -> list[str]:
    """Say whether 8 bits are faster than floats in the same runtime, and what stays in floats."""
    ways = {way["way"]: way for way in network["ways"]}
    floats, small = ways.get("ONNX"), ways.get("ONNX int8")
    if floats is None or small is None or floats["failed"] or small["failed"]:
        return []
    size = floats["file_bytes"] / small["file_bytes"]
    ratio = floats["latency_us"]["1"]["p50"] / small["latency_us"]["1"]["p50"]
    speed = f"{ratio:.1f} times faster" if ratio >= 1 else f"{1 / ratio:.1f} times slower"
    if _AS_FAST[0] < ratio < _AS_FAST[1]:
        speed = "as fast"
    left = ", ".join(f"{count} {kind}" for kind, count in small["float_kernels"].items())
    rest = f"; in floats still: {left}" if left else ""
    bought = "" if ratio >= _AS_FAST[1] else ": size, not speed"
    return [f"{network['name']}, 8 bits: {size:.1f} times smaller, {speed}{bought}{rest}"]


def _write_page(told: dict[str, Any], path: Path) -> None:
    plots = []
    for threads in _threads(told):
        values: dict[str, dict[str, float]] = {}
        for network in told["networks"]:
            for way in network["ways"]:
                if threads in way["latency_us"]:
                    median = way["latency_us"][threads]["p50"]
                    values.setdefault(way["way"], {})[network["name"]] = median
        title = "One thread" if threads == "1" else f"{threads} threads"
        plots.append(Plot(latencies(values), title))
    lead = ". ".join(_remarks(told))
    experiment_page(path, "Latency of one window", (Section("Latency", tuple(plots)),), lead)
