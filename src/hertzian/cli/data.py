"""`hertzian data`: what datasets hold, and in which format."""

import typer

from hertzian.cli.data_audit import audit
from hertzian.cli.data_convert import convert
from hertzian.cli.data_fetch import fetch
from hertzian.cli.data_info import info

data = typer.Typer(no_args_is_help=True)


@data.callback()
def _frame() -> None:
    """Work with datasets: Hertzian's own files and the published formats.

    Examples:
    - `hertzian data info RML2016.10a_dict.pkl`
    - `hertzian data audit windows.h5`
    - `hertzian data fetch --list`
    - `hertzian data convert RML2016.10a_dict.pkl rml.h5`
    """


data.command("info")(info)
data.command("audit")(audit)
data.command("convert")(convert)
data.command("fetch")(fetch)
