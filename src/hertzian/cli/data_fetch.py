"""`hertzian data fetch`: published datasets, from where they are published."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.datasets.locations import LOCATIONS, Location, find_location
from hertzian.report import engineering

_MEGABYTE = 1e6
_TRUST = {
    "known": "as expected",
    "kept": "as when it was first downloaded",
    "first use": "published nowhere: trusted on first use, and kept for later checks",
}


def fetch(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of a dataset, as RML2016.10a.")
    ] = None,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where it goes; made if missing.")
    ] = Path(),
    url: Annotated[
        str | None,
        typer.Option(metavar="LINK", help="Fetch from here, as from a link sent by e-mail."),
    ] = None,
    unpack: Annotated[
        bool, typer.Option("--unpack/--no-unpack", help="Unpack it; the archive stays.")
    ] = True,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Take a file of another size and digest than is known."),
    ] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show what can be fetched, and under which licence.")
    ] = False,
    as_json: output.JsonOption = False,
) -> None:
    """Download a published dataset from where it is published, check it and unpack it.

    Started again, it goes on where it was interrupted. Where a publisher wants a form filled in or
    an account, it says what to do: download the file into DIR, or give its link, and run it again.
    Where no digest is known, that of the first download is kept beside it, and a later one must
    agree.

    Examples:
    - `hertzian data fetch --list`
    - `hertzian data fetch RML2016.10a --to data`
    - `hertzian data fetch RML2018.01A --to data --url 'https://...'`
    """
    if show_list == (name is not None):
        raise typer.BadParameter("expected the name of a dataset, or --list", param_hint="NAME")
    if name is None:
        if as_json:
            output.print_json([location.to_dict() for location in LOCATIONS])
        else:
            output.console().print(_table())
        return
    _fetch(find_location(name), to, url, unpack, trust, as_json)


def _fetch(
    location: Location, to: Path, url: str | None, unpack: bool, trust: bool, as_json: bool
) -> None:
    output.require_train_extra("data fetch")
    from hertzian.datasets.fetching import fetch_dataset

    @contextmanager
    def show(what: str, total: float | None) -> Iterator[output.Advance]:
        size = None if total is None else total / _MEGABYTE
        with output.progress(f"{what}, MB", size, as_json=as_json) as advance:
            yield lambda steps: advance(steps / _MEGABYTE)

    done = fetch_dataset(location, to, url=url, unpacked=unpack, trusting=trust, show=show)
    if as_json:
        output.print_json(
            {
                **{"name": location.name, "file": str(done.archive), "bytes": done.size},
                **{"sha256": done.sha256, "trust": done.trust, "downloaded_bytes": done.arrived},
                "unpacked": [str(file) for file in done.unpacked],
                **{"licence": location.licence, "page": location.page},
            }
        )
        return
    lines = {
        str(done.archive): f"{engineering(done.size, 'B')}, "
        f"{engineering(done.arrived, 'B')} of them downloaded now",
        "SHA-256": f"{done.sha256}, {_TRUST[done.trust]}",
        "licence": f"{location.licence}; see {location.page}",
    }
    for what, told in lines.items():
        output.log(f"{what}: {told}")
    for file in done.unpacked:
        output.log(f"unpacked {file}")


def _table() -> Table:
    table = Table("name", box=None, header_style="bold")
    table.add_column("size", justify="right")
    for heading in ("digest", "how", "licence", "page"):
        table.add_column(heading, overflow="fold")
    for location in LOCATIONS:
        table.add_row(
            location.name,
            "?" if location.size is None else engineering(location.size, "B"),
            "first use" if location.sha256 is None else f"{location.sha256[:8]}…",
            "account" if location.url is None else "download",
            location.licence,
            location.page,
        )
    return table
