"""`hertzian export`: a model's network, as one file that runs without Hertzian."""

from pathlib import Path
from typing import Annotated

import typer

from hertzian.cli import output
from hertzian.deployment.finding import LITERT, PROGRAM


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Shipped name, run folder, .safetensors or .onnx; weights and .json beside it.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The file to write: .onnx, .pte for ExecuTorch or .tflite for LiteRT.",
        ),
    ],
    litert: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON_OR_DIR",
            help="For .tflite: the interpreter that has LiteRT's converter, or its environment, if "
            "not where `python -m hertzian.deployment.litert_conversion` puts it.",
        ),
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Write a model as a file that carries all that a runtime needs.

    Its network is built anew from the weights and the card, so that it needs the training
    libraries. An ONNX file takes batches of any size; its metadata hold classes, window length and
    calibration, its input `x` is float32 [batch, 2, samples] at any scale. A program for ExecuTorch
    takes batches up to 64, a model for LiteRT one window at a time; both have their metadata beside
    them, in OUT.json. LiteRT's converter lives in an environment of its own.

    Examples:
    - `hertzian export runs/pet-cgdnn-full pet-cgdnn.onnx`
    - `hertzian export weights/mine.safetensors mine.onnx`
    - `hertzian export runs/multitask-awgn-full mtl.pte`
    - `hertzian export field field.tflite`
    """
    suffix = out.suffix.lower()
    if suffix not in (".onnx", PROGRAM, LITERT):
        raise typer.BadParameter(f"{out} is no .onnx, .pte or .tflite file", param_hint="OUT")
    output.require_train_extra("export")
    from hertzian.deployment.export import export_onnx
    from hertzian.deployment.stored import load_network

    with output.progress("exporting", None, as_json=as_json):
        stored = load_network(model)
        if suffix == PROGRAM:
            from hertzian.deployment.programs import export_program

            export_program(stored.module, stored.metadata, out)
        elif suffix == LITERT:
            from hertzian.deployment.litert_conversion import ENVIRONMENT, export_litert

            export_litert(stored.module, stored.metadata, out, ENVIRONMENT.find_python(litert))
        else:
            export_onnx(stored.module, stored.metadata, out)
    size = out.stat().st_size
    facts = {"model": model, "network": stored.structure.name, "file": str(out), "bytes": size}
    if as_json:
        output.print_json(facts)
    else:
        output.console().print(f"wrote {out} ({size / 1000:,.0f} kB)", markup=False)
