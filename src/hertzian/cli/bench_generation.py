"""`hertzian bench generation`: how fast datasets are made, beside what else makes signals."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.temporary import temporary_folder
from hertzian.report import engineering

_SECONDS, _QUICK_SECONDS = 2.0, 0.1
_LIMIT_SECONDS, _QUICK_LIMIT_SECONDS = 1.0, 0.2
_WRITTEN_SECONDS, _QUICK_WRITTEN_SECONDS = 4.0, 0.5
_STREAM_SAMPLES, _QUICK_STREAM_SAMPLES = 2_000_000, 200_000
_ROUNDS, _QUICK_ROUNDS = 3, 1
_TORCHSIG_EXAMPLES, _QUICK_TORCHSIG_EXAMPLES = 300, 60
_HEAD_BYTES = 1 << 20  # of a file, beside its windows
_SAMPLE_BYTES, _LABEL_BYTES = 8, 32


def generation(
    presets: Annotated[
        list[str] | None,
        typer.Argument(metavar="PRESET", help="Names of presets.  [default: all]"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="W", min=1, help="In parallel.  [default: all cores]")
    ] = None,
    peers: Annotated[
        bool,
        typer.Option(help="GNU Radio and TorchSig beside it, where they are installed."),
    ] = True,
    torchsig: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where TorchSig's environment is, if not in its place."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything: seconds instead of minutes.")
    ] = False,
    as_json: output.JsonOption = False,
) -> None:
    """Measure how fast datasets are made.

    Of every preset: windows and complex samples per second, all kinds alike, from workers that
    have started and are warm, at least two seconds long; those per CPU second tell more where the
    machine has other work. Of the first: windows per second into a file. Beside them: what drawing
    noise alone and copying memory alone would reach on the same cores.

    Peers: a stream of 2 million samples of each class of RML2016.10a but AM-SSB, through modulator,
    dynamic channel and noise, as many at once as workers, by turns with one process of GNU Radio
    with its threads; and rml2016-10a by turns with as many processes of TorchSig at impairment
    level 2. Figures are medians of three.

    Examples:
    - `hertzian bench generation`
    - `hertzian bench generation rml2016-10a field --no-peers`
    - `hertzian bench generation --quick --json`
    """
    output.require_train_extra("bench generation")
    from hertzian.datasets.presets import PRESETS, find_preset

    names = list(dict.fromkeys(presets or PRESETS))
    for name in names:
        find_preset(name)
    count = workers or os.cpu_count() or 1
    told: dict[str, Any] = {
        **{"workers": count, "cores": os.cpu_count(), "quick": quick},
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    told |= _ours(names, count, quick, as_json)
    told["peers"] = _peers(count, torchsig, quick, as_json) if peers else None
    if as_json:
        output.print_json(told)
    else:
        output.console().print(_table(told))


def _ours(names: Sequence[str], workers: int, quick: bool, as_json: bool) -> dict[str, Any]:
    from hertzian.experiments import generation

    rates = {}
    with output.progress("presets", len(names) + 1, as_json=as_json) as advance:
        limits = generation.limits(workers, _QUICK_LIMIT_SECONDS if quick else _LIMIT_SECONDS)
        advance(1)
        for name in names:
            rates[name] = generation.preset_rate(
                name, workers, _QUICK_SECONDS if quick else _SECONDS
            )
            advance(1)
    seconds = _QUICK_WRITTEN_SECONDS if quick else _WRITTEN_SECONDS
    wanted = rates[names[0]].windows_per_second * seconds
    return {
        "presets": {name: rate.to_dict() for name, rate in rates.items()},
        "written": _written(names[0], wanted, workers, as_json),
        "limits": limits,
    }


def _written(name: str, windows: float, workers: int, as_json: bool) -> dict[str, Any]:
    """Write about so many windows of a preset, in RadioML's format where it is one of 2016."""
    from hertzian.datasets.presets import find_preset
    from hertzian.experiments import generation

    preset = find_preset(name)
    cells = generation.cell_count(preset)
    per = max(1, round(windows / cells))
    suffix = ".pkl" if name.startswith("rml2016") else ".h5"
    size = _HEAD_BYTES + cells * per * (preset.samples * _SAMPLE_BYTES + _LABEL_BYTES)
    with (
        temporary_folder(size) as folder,
        output.progress("writing", cells * per, as_json=as_json) as advance,
    ):
        return generation.written_rate(name, folder / f"windows{suffix}", per, workers, advance)


def _peers(workers: int, folder: Path | None, quick: bool, as_json: bool) -> dict[str, Any]:
    """Return what the peers reach; of one that is missing or fails, why."""
    from hertzian.experiments import generation, streams
    from hertzian.workers.errors import WorkerError

    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    samples = _QUICK_STREAM_SAMPLES if quick else _STREAM_SAMPLES
    examples = _QUICK_TORCHSIG_EXAMPLES if quick else _TORCHSIG_EXAMPLES
    seconds = _QUICK_SECONDS if quick else _SECONDS
    told: dict[str, Any] = {}
    steps = rounds * len(streams.CLASSES)
    with output.progress("GNU Radio", steps, as_json=as_json) as advance:
        try:
            told["gnuradio"] = streams.beside_gnuradio(samples, rounds, workers, advance)
        except WorkerError as error:
            told["gnuradio"] = {"missing": str(error)}
    with output.progress("TorchSig", rounds, as_json=as_json) as advance:
        try:
            told["torchsig"] = generation.beside_torchsig(
                workers, seconds, examples, rounds, folder, advance
            )
        except WorkerError as error:
            told["torchsig"] = {"missing": str(error)}
    return told


def _table(told: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("")
    for heading in ("windows/s", "per CPU second", "samples/s"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for name, rate in told["presets"].items():
        table.add_row(name, *_rates(rate))
    written = told["written"]
    throughput = engineering(written["bytes_per_second"], "B/s", 3)
    table.add_row(f"{written['preset']} into a file", *_rates(written), throughput)
    table.add_row("limit: drawing noise alone", "", "", _rate(told["limits"]["noise"]))
    table.add_row("limit: copying memory", "", "", _rate(told["limits"]["copy"]))
    if told["peers"] is not None:
        _add_gnuradio(table, told["peers"]["gnuradio"], told["workers"])
        _add_torchsig(table, told["peers"]["torchsig"], told["workers"])
    table.caption = f"{told['workers']} workers on {told['cores']} cores"
    if told["load_average"] is not None:
        table.caption += f"; load of the last minute before: {told['load_average']:.1f}"
    return table


def _add_gnuradio(table: Table, told: dict[str, Any], workers: int) -> None:
    if "missing" in told:
        table.add_row("GNU Radio", "", "", "", told["missing"])
        return
    ratios = f"{told['ratio']:.1f} times GNU Radio, {told['ratio_of_cpu']:.1f} times per CPU second"
    table.add_row(f"streams, {workers} at once", "", "", _rate(told["all_workers"]), ratios)
    alone = f"{told['ratio_of_one_worker']:.1f} times GNU Radio"
    table.add_row("streams, one at once", "", "", _rate(told["one_worker"]), alone)
    name = f"GNU Radio {told['version']}, one process"
    table.add_row(name, "", "", _rate(told["gnuradio"]))


def _add_torchsig(table: Table, told: dict[str, Any], workers: int) -> None:
    if "missing" in told:
        table.add_row("TorchSig", "", "", "", told["missing"])
        return
    ratio = f"{told['ratio']:.0f} times TorchSig"
    table.add_row("rml2016-10a by turns with TorchSig", "", "", _rate(told["ours"]), ratio)
    name = f"TorchSig {told['versions']['torchsig']}, {told['processes']} processes"
    table.add_row(name, "", "", _rate(told["samples_per_second"]))


def _rates(told: dict[str, Any]) -> tuple[str, str, str]:
    return (
        _number(told["windows_per_second"]),
        _number(told["windows_per_cpu_second"]),
        _rate(told["samples_per_second"]),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}".replace(",", " ")


def _rate(value: float) -> str:
    return engineering(value, "S/s", 3)
