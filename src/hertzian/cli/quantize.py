"""`hertzian quantize`: a model in integers of 8 bits, and what that changed."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.cli.retraining import (
    ASKED_WINDOWS,
    DataArgument,
    divided,
    identity,
    same_answers,
    some_of,
    training_folder,
)
from hertzian.datasets.dataset import Dataset
from hertzian.deployment.finding import PROGRAM, find_model, load_predictor
from hertzian.signal import HertzianError

_SCALING_WINDOWS = 1000


class Method(StrEnum):
    """How a model comes to its integers."""

    STATIC = "static"
    QAT = "qat"


def quantize(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Shipped name, run folder or .onnx file; for qat and for .pte with its "
            ".safetensors and .json.",
        ),
    ],
    data: DataArgument,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The file to write: .onnx, or .pte for ExecuTorch."),
    ],
    method: Annotated[
        Method, typer.Option(help="static: scales from windows. qat: trained to answer as before.")
    ] = Method.STATIC,
    windows: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Windows of DATA to take; 1000 by default, all of them for qat.",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="For qat: passes over the windows at most.")
    ] = 10,
    learning_rate: Annotated[
        float, typer.Option(min=0, metavar="R", help="For qat: of Adam.")
    ] = 1e-4,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of windows.")] = 0,
    as_json: output.JsonOption = False,
) -> None:
    """Write a model with weights and activations of 8 bits, up to four times smaller.

    `static` takes seconds: windows of DATA, chosen at random, set the scales. `qat`,
    quantisation-aware training, brings what that costs back: the model learns, rounding as the
    file will, to answer as it did; what is interrupted goes on when the same command is given
    again. The table says in how many windows the answer stays the same and which layers run in
    integers: a GRU does not, and a small network is not always faster so (`hertzian bench
    models`). `hertzian evaluate OUT` tells the accuracy, on other data.

    Examples:
    - `hertzian quantize runs/multitask-awgn-full scales.h5 mtl-int8.onnx`
    - `hertzian quantize runs/multitask-awgn-full train.h5 mtl-int8.onnx --method qat`
    - `hertzian quantize runs/multitask-awgn-full train.h5 mtl-int8.pte --method qat`
    - `hertzian quantize field scales.h5 field-int8.onnx --windows 5000`
    """
    if out.suffix.lower() not in (".onnx", PROGRAM):
        raise typer.BadParameter(f"{out} is no .onnx or .pte file", param_hint="OUT")
    output.require_train_extra("quantize")
    from hertzian.training import ImitationPlan

    path = find_model(model)
    if path.suffix == ".safetensors":
        path = find_model(path.with_suffix(".onnx"))
    dataset = open_data(data)
    if out.resolve() == path.resolve():
        raise HertzianError(f"{out}: is the model itself; name another file")
    rows = np.random.default_rng(seed).permutation(len(dataset))
    used = windows or (_SCALING_WINDOWS if method is Method.STATIC else len(dataset))
    if method is Method.STATIC:
        with output.progress("calibrating", None, as_json=as_json):
            _scale(path, dataset, rows[:used], out)
        asked = dataset.x.rows(rows[used:][:ASKED_WINDOWS])
    else:
        plan = ImitationPlan(epochs, learning_rate, seed=seed)
        asked = _train(path, data, dataset, out, windows, plan)
    told = {
        "model": model,
        "file": str(out),
        "method": method.value,
        "windows": min(used, len(rows)),
        "asked": len(asked),
        "same_answer": same_answers(load_predictor(path), load_predictor(out), asked),
        "before": _counted(path),
        "after": _counted(out),
    }
    if as_json:
        output.print_json(told)
    else:
        _print(told)


def _scale(path: Path, dataset: Dataset, rows: np.typing.NDArray[Any], out: Path) -> None:
    """Write a model in integers whose scales come from some windows."""
    scaling, seen = dataset.x.rows(rows), identity(dataset)
    if out.suffix.lower() == PROGRAM:
        from hertzian.deployment.aware import quantize_program
        from hertzian.deployment.stored import load_network

        stored = load_network(path)
        quantize_program(stored.module, stored.metadata, scaling, out, seen)
    else:
        from hertzian.deployment.quantization import quantize_after_training

        quantize_after_training(path, scaling, out, seen)


def _counted(path: Path) -> dict[str, Any]:
    """Return what a file stores and computes in bytes; of a program, whose whole is, its size."""
    from hertzian.deployment.quantization import count_integers

    if path.suffix.lower() == PROGRAM:
        return {"bytes": path.stat().st_size}
    return vars(count_integers(path))


def _train(
    path: Path, data: Path, dataset: Dataset, out: Path, windows: int | None, plan: Any
) -> np.typing.NDArray[Any]:
    """Train a model to answer as before in integers; return the windows that were held out."""
    from hertzian.deployment.aware import quantize_with_training
    from hertzian.deployment.stored import load_network, weights_of

    stored, weights = load_network(path), weights_of(path)
    train, held_out = divided(dataset, windows, plan.seed)
    files = [weights, weights.with_suffix(".json"), data]
    with training_folder(out, files, {"windows": windows, **vars(plan)}) as folder:
        quantize_with_training(
            stored.module,
            stored.metadata,
            (train, held_out),
            out,
            directory=folder,
            plan=plan,
            seen=identity(dataset),
        )
    return some_of(held_out)


def _print(told: dict[str, Any]) -> None:
    before, after = told["before"], told["after"]
    table = Table("", box=None, header_style="bold")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for name, key in (
        ("size of the file (bytes)", "bytes"),
        ("weights of 8 bits", "int8_weights"),
        ("weights in floats", "float_weights"),
    ):
        table.add_row(name, *(f"{one[key]:,}" if key in one else "" for one in (before, after)))
    for name, key in (("in integers", "integer_kernels"), ("in floats", "float_kernels")):
        table.add_row(f"layers {name}", *(_kinds(one.get(key)) for one in (before, after)))
    console = output.console()
    console.print(table)
    for head, share in told["same_answer"].items():
        console.print(f"{head}: the same answer in {100 * share:.1f}% of {told['asked']:,} windows")
    if "integer_kernels" not in after:
        console.print("the layers of a program can't be listed: all that round are in integers")
        console.print(f"wrote {told['file']}, and {told['file']}.json", markup=False)
        return
    console.print(f"wrote {told['file']}", markup=False)


def _kinds(counts: dict[str, int] | None) -> str:
    if counts is None:
        return ""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"
