"""`hertzian quantize`: a model in integers of 8 bits, and what that changed."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.deployment.runtime import DatasetIdentity, find_model, load_predictor
from hertzian.signal import HertzianError


def quantize(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Shipped name, run folder or .onnx file.")
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Dataset with windows like those that the model will see; labels don't matter.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write: .onnx.")],
    windows: Annotated[
        int,
        typer.Option(min=1, max=100_000, metavar="N", help="Windows that the scales come from."),
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of windows.")] = 0,
    as_json: output.JsonOption = False,
) -> None:
    """Write a model with weights and activations of 8 bits, up to four times smaller.

    Post-training static quantisation: windows of DATA, chosen at random, set the scales. As many
    others tell in how many the answer stays the same; `hertzian evaluate OUT` tells the accuracy,
    on other data. The table says which layers run in integers: a GRU does not, and a small network
    is not always faster so (`hertzian bench models`).

    Examples:
    - `hertzian quantize runs/multitask-awgn-full scales.h5 mtl-int8.onnx`
    - `hertzian quantize field scales.h5 field-int8.onnx --windows 5000`
    """
    if out.suffix.lower() != ".onnx":
        raise typer.BadParameter(f"{out} is no .onnx file", param_hint="OUT")
    output.require_train_extra("quantize")
    from hertzian.deployment.quantization import count_integers, quantize_after_training

    path, dataset = find_model(model), open_data(data)
    if out.resolve() == path.resolve():
        raise HertzianError(f"{out}: is the model itself; name another file")
    rows = np.random.default_rng(seed).permutation(len(dataset))
    scaled, asked = (dataset.x.rows(part) for part in (rows[:windows], rows[windows:][:windows]))
    known = [DatasetIdentity(preset=dataset.preset, seed=dataset.seed)] if dataset.preset else []
    with output.progress("calibrating", None, as_json=as_json):
        quantize_after_training(path, scaled, out, known)
        same = _same_answers(path, out, asked) if len(asked) else {}
    told = {
        **{"model": model, "file": str(out), "windows": len(scaled), "asked": len(asked)},
        **{"same_answer": same, "before": vars(count_integers(path))},
        "after": vars(count_integers(out)),
    }
    if as_json:
        output.print_json(told)
    else:
        _print(told)


def _same_answers(before: Path, after: Path, windows: np.typing.NDArray[Any]) -> dict[str, float]:
    """Return for each head that names classes the share of windows with the same answer."""
    first, second = load_predictor(before), load_predictor(after)
    ours, theirs = first.heads(windows), second.heads(windows)
    return {
        head: float(np.mean(ours[head].argmax(axis=1) == theirs[head].argmax(axis=1)))
        for head, size in first.metadata.heads().items()
        if size > 1
    }


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
        table.add_row(name, f"{before[key]:,}", f"{after[key]:,}")
    for name, key in (("in integers", "integer_kernels"), ("in floats", "float_kernels")):
        table.add_row(f"layers {name}", _kinds(before[key]), _kinds(after[key]))
    console = output.console()
    console.print(table)
    for head, share in told["same_answer"].items():
        console.print(f"{head}: the same answer in {100 * share:.1f}% of {told['asked']:,} windows")
    console.print(f"wrote {told['file']}", markup=False)


def _kinds(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"
