"""`hertzian prune`: a model with fewer filters and units, trained to answer as before."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.cli.retraining import (
    DataArgument,
    divided,
    identity,
    same_answers,
    some_of,
    training_folder,
)
from hertzian.signal import HertzianError

LONGEST_NAME = 200


def prune(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Shipped name, run folder, .safetensors or .onnx; weights and .json beside it.",
        ),
    ],
    data: DataArgument,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="The model to write: .onnx; .safetensors and .json beside it."
        ),
    ],
    keep: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the parameters to keep at most, below 1."),
    ] = 0.35,
    epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Passes over the windows at most.")
    ] = 20,
    learning_rate: Annotated[float, typer.Option(min=0, metavar="R", help="Of Adam.")] = 1e-3,
    windows: Annotated[
        int | None,
        typer.Option(min=10, metavar="N", help="Windows of DATA to train with; all by default."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of windows.")] = 0,
    as_json: output.JsonOption = False,
) -> None:
    """Write a model of fewer filters and units, a part of the size and of the work.

    Whole filters go, those with the smallest weights first, so that any runtime gains by it; then
    the copy learns to answer as the model does, on windows of DATA. Convolutions and dense layers
    lose theirs, recurrent layers and attention don't. What is interrupted goes on when the same
    command is given again. `hertzian evaluate OUT` tells the accuracy, on other data, and
    `hertzian quantize` makes the result smaller still.

    Examples:
    - `hertzian prune runs/multitask-awgn-full train.h5 small.onnx`
    - `hertzian prune runs/multitask-awgn-full train.h5 tiny.onnx --keep 0.2 --epochs 40`
    """
    if out.suffix != ".onnx":
        raise typer.BadParameter(f"{out} is no .onnx file", param_hint="OUT")
    output.require_train_extra("prune")
    from hertzian.deployment.pruning import prune_with_training
    from hertzian.deployment.stored import load_network, weights_of
    from hertzian.training import ImitationPlan

    if len(out.stem) > LONGEST_NAME:
        raise HertzianError(f"{out}: a model's name has {LONGEST_NAME} characters at most")
    weights = weights_of(model)
    if out.with_suffix(".safetensors").resolve() == weights.resolve():
        raise HertzianError(f"{out}: is the model itself; name another file")
    dataset, stored = open_data(data), load_network(model)
    train, held_out = divided(dataset, windows, seed)
    plan = ImitationPlan(epochs, learning_rate, seed=seed)
    task = {"keep": keep, "windows": windows, **vars(plan)}
    with training_folder(out, [weights, weights.with_suffix(".json"), data], task) as folder:
        result = prune_with_training(
            stored,
            (train, held_out),
            out,
            keep=keep,
            directory=folder,
            plan=plan,
            seen=identity(dataset),
        )
    smaller = load_network(out)
    asked = some_of(held_out)
    told = {
        **{"model": model, "file": str(out), "bytes": out.stat().st_size, "epochs": result.epochs},
        "before": _size(stored.metadata),
        "after": _size(smaller.metadata),
        "asked": len(asked),
        "same_answer": same_answers(stored, smaller, asked),
    }
    if as_json:
        output.print_json(told)
    else:
        _print(told)


def _size(metadata: Any) -> dict[str, int]:
    return {"parameters": metadata.parameters, "macs": metadata.macs}


def _print(told: dict[str, Any]) -> None:
    console, before, after = output.console(), told["before"], told["after"]
    for name, key in (("parameters", "parameters"), ("products and sums a window", "macs")):
        share = after[key] / max(before[key], 1)
        console.print(f"{name}: {after[key]:,} of {before[key]:,} ({100 * share:.0f}%)")
    for head, share in told["same_answer"].items():
        console.print(f"{head}: the same answer in {100 * share:.1f}% of {told['asked']:,} windows")
    size = f"{told['bytes'] / 1000:,.0f} kB"
    console.print(f"wrote {told['file']} ({size}), .safetensors and .json beside it", markup=False)
