"""`hertzian data convert`: a dataset from one format into another."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from hertzian.cli import output


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Dataset in any known format; its content tells.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="File to write: .h5, .npz, .pkl (radioml-pickle), .hdf5 (radioml-2018), .mat "
            "(hisarmod).",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="hertzian-h5, hertzian-npz, radioml-pickle, radioml-2018, radcom or hisarmod.  "
            "[default: by OUT's suffix]",
        ),
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Convert a dataset: RadioML 2016 and 2018, RadCom, HisarMod2019.1, and Hertzian's own files.

    Pickles are read without running anything in them. What the new format has no place for is
    named in a warning, or refused where the file would be wrong.

    Examples:
    - `hertzian data convert RML2016.10a_dict.pkl rml.h5`
    - `hertzian data convert windows.h5 windows.pkl`
    - `hertzian data convert HisarMod2019.1/Train train.h5`
    - `hertzian data convert radcom.h5 radcom.hdf5 --to radcom`
    """
    from hertzian.datasets.converting import convert as convert_dataset
    from hertzian.datasets.converting import format_for
    from hertzian.datasets.opening import format_of

    written = format_for(out, to)
    read = format_of(source)
    # the bar must end before warnings are printed
    with output.warnings_as_lines(), ExitStack() as shown:

        def start(windows: int) -> output.Advance:
            return shown.enter_context(output.progress("windows", windows, as_json=as_json))

        dataset = convert_dataset(source, out, to, start)
    classes = len(dataset.modulations)
    if as_json:
        output.print_json(
            {
                **{"file": str(out), "format": written, "from": read, "preset": dataset.preset},
                **{"examples": len(dataset), "samples": dataset.x.shape[2]},
                **{"classes": list(dataset.modulations), "protocols": list(dataset.protocols)},
            }
        )
    else:
        output.log(f"wrote {out}: {len(dataset)} windows of {classes} classes as {written}")
