"""`hertzian bench`: how fast it is, and what it needs."""

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.bench_generation import generation
from hertzian.cli.bench_models import models
from hertzian.cli.bench_training import training
from hertzian.cli.temporary import temporary_folder
from hertzian.deployment.finding import find_model
from hertzian.evaluation import compare_sent
from hertzian.recognition import band
from hertzian.recognition.band import Burst
from hertzian.report import engineering
from hertzian.report.cells import percent
from hertzian.signal import Detection, HertzianError

SAMPLE_RATE_HZ = 2e6
"""Of the recordings made to measure with; only how times are written depends on it."""

_SEED = 1
_OCCUPANCY = 0.05
_BLOCKS, _QUICK_BLOCKS = 128, 8
_LARGE_BYTES, _QUICK_LARGE_BYTES = 4_000_000_000, 400_000_000
_LARGE_BURSTS = 50
_LARGE_SNR_DB = 15.0
_SAMPLE_BYTES = 2  # of cu8

bench = typer.Typer(no_args_is_help=True)


@bench.callback()
def _frame() -> None:
    """Measure speed and memory.

    Examples:
    - `hertzian bench recognition --large --json`
    - `hertzian bench generation rml2016-10a`
    - `hertzian bench training mcldnn`
    - `hertzian bench models mtl`
    """


bench.command()(generation)
bench.command()(training)
bench.command()(models)


@bench.command()
def recognition(
    model: Annotated[
        str, typer.Option(metavar="M", help="Shipped name, run folder, .onnx, .pte or .tflite.")
    ] = "field",
    large: Annotated[
        bool, typer.Option("--large", help="Also a file of 4 GB, for the memory that it takes.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller files: seconds instead of minutes.")
    ] = False,
    as_json: output.JsonOption = False,
) -> None:
    """Measure recognition from file to detections, on two cores.

    Speed: a band with 5% of its time and frequency occupied, eight bursts in each million samples;
    beside it, what the detector's transforms alone and copying memory alone would reach. Memory:
    50 bursts of 15 dB in noise. Both files are 8-bit and made with NumPy in the folder for
    temporary files.

    Examples:
    - `hertzian bench recognition`
    - `hertzian bench recognition --large --json`
    """
    found = str(find_model(model))
    blocks = _QUICK_BLOCKS if quick else _BLOCKS
    bursts = band.busy_band(blocks, _OCCUPANCY, _SEED)
    speed = _measured(found, blocks, bursts, stages=True, as_json=as_json)
    told: dict[str, Any] = {"model": model, "occupancy": _OCCUPANCY, "speed": speed}
    told["memory"] = None
    if large:
        size = _QUICK_LARGE_BYTES if quick else _LARGE_BYTES
        blocks = math.ceil(size / _SAMPLE_BYTES / band.BLOCK)
        bursts = band.sparse_band(blocks, _LARGE_BURSTS, _LARGE_SNR_DB, _SEED)
        told["memory"] = _measured(found, blocks, bursts, stages=False, as_json=as_json)
    if as_json:
        output.print_json(told)
    else:
        output.console().print(_table(told))


def _measured(
    model: str, blocks: int, bursts: Sequence[Burst], *, stages: bool, as_json: bool
) -> dict[str, Any]:
    """Make a band, recognise it in a process of its own, and return what that says of it."""
    samples = blocks * band.BLOCK
    with temporary_folder(samples * _SAMPLE_BYTES) as folder:
        path = folder / "band.cu8"
        with output.progress("making a band", samples, as_json=as_json) as advance:
            for made in band.write_band(path, blocks, bursts, _SEED):
                advance(made)
        with output.progress("recognising", samples, as_json=as_json) as advance:
            told = _recognised(path, model, stages, advance)
    detections = [Detection(**detection) for detection in told.pop("detections")]
    heard = compare_sent(detections, bursts, SAMPLE_RATE_HZ)
    counts = {
        "bytes": samples * _SAMPLE_BYTES,
        "bursts": len(bursts),
        "found": sum(one.answer is not None for one in heard.heard),
        "detections": len(detections),
        "strays": len(heard.strays),
    }
    return told | counts


def _recognised(path: Path, model: str, stages: bool, advance: output.Advance) -> dict[str, Any]:
    command = [sys.executable, "-m", "hertzian.recognition.measure", str(path), "--model", model]
    command += ["--sample-rate", str(SAMPLE_RATE_HZ)] + ["--stages"] * stages
    told: dict[str, Any] = {}
    # a file, for a pipe that nobody reads fills up and stops the child
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                told = json.loads(line)
            elif line.strip().isdecimal():
                advance(int(line))
        process.wait()
        errors.seek(0)
        complaint = errors.read().strip().splitlines()
    if process.returncode or not told:
        raise HertzianError(f"recognition failed: {complaint[-1] if complaint else 'no message'}")
    return told


def _table(told: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    speed, memory = told["speed"], told["memory"]
    rate = engineering(speed["samples_per_second"], "samples/s", 3)
    rows = {
        "speed": f"{rate} on {speed['cores']} cores, {percent(told['occupancy'])} occupied",
        **{
            f"  {name.replace('_', ' ')}": percent(share) for name, share in speed["shares"].items()
        },
        "limit: transforms alone": engineering(speed["limits"]["fft"], "samples/s", 3),
        "limit: copying memory": engineering(speed["limits"]["copy"], "samples/s", 3),
        "bursts found": f"{speed['found']} of {speed['bursts']}, {speed['strays']} of nothing",
    }
    if memory is not None:
        size = engineering(memory["bytes"], "B", 3)
        rows |= {
            f"memory for {size}": engineering(memory["peak_memory_bytes"] or math.nan, "B", 3),
            "speed there": engineering(memory["samples_per_second"], "samples/s", 3),
            f"bursts of {_LARGE_SNR_DB:g} dB found": f"{memory['found']} of {memory['bursts']}, "
            f"{memory['strays']} of nothing",
        }
    for fact, value in rows.items():
        table.add_row(fact, value)
    return table
