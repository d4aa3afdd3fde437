"""`hertzian reproduce`: published tables beside what our recipes measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hertzian.cli import output
from hertzian.cli.inputs import page

if TYPE_CHECKING:
    from hertzian.experiments.reproduce import Row


def reproduce(
    paper: Annotated[
        str | None,
        typer.Argument(metavar="PAPER", help="Short name of one paper, as its recipes have it."),
    ] = None,
    results: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Folder of results, or of runs; may be repeated.  [default: results and runs]",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(parser=page, metavar="P.html", help="Write the tables as a page, too."),
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Show the published tables beside what our recipes measured.

    Rows that nobody has run yet stand beside the command that does.

    Examples:
    - `hertzian reproduce`
    - `hertzian reproduce crosstlnet --html crosstlnet.html`
    """
    from hertzian.experiments import reproduce as tables

    found, refused = tables.find_results(results or tables.result_folders())
    for line in refused:
        output.log(f"warning: {line}")
    rows = tables.reproduce(paper, found)
    if html is not None:
        tables.write_reproduction(rows, html)
        output.log(f"wrote {html}")
    if as_json:
        output.print_json([row.to_dict() for row in rows])
        return
    if not rows:
        output.log("no recipe has published figures")
    for own in tables.by_recipe(rows).values():
        _print(own, output.console())


def _print(rows: Sequence["Row"], console: Console) -> None:
    """Print the rows of one recipe, and the commands below."""
    from hertzian.experiments.reproduce import HEADS, lines, remarks

    table = Table(box=None, header_style="bold")
    for head in HEADS:
        table.add_column(head.title, justify=head.align, no_wrap=head.title != "source")
    for row in rows:
        for cells in lines(row):
            table.add_row(*map(Text, cells))
    console.print(Text(f"{rows[0].recipe}: {rows[0].paper or 'our own'}", style="bold"))
    console.print(table)
    for line in remarks(rows):
        console.print(Text(line, style="dim"), soft_wrap=True)
    console.print()
