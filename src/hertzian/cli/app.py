"""The command's frame: its verbs, its options, and what becomes of errors."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer

from hertzian.cli import output
from hertzian.cli.bench import bench
from hertzian.cli.classify import classify
from hertzian.cli.cluster import cluster
from hertzian.cli.data import data
from hertzian.cli.demo import demo
from hertzian.cli.evaluate import evaluate
from hertzian.cli.export import export
from hertzian.cli.models import models
from hertzian.cli.prune import prune
from hertzian.cli.quantize import quantize
from hertzian.cli.reproduce import reproduce
from hertzian.cli.run import run
from hertzian.cli.synth import synth
from hertzian.cli.zeroshot import zeroshot
from hertzian.signal import HertzianError

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit statuses; wrong use, 2, is recognised by typer itself."""

VERBS: dict[str, Callable[..., Any] | typer.Typer] = {
    "classify": classify,
    "demo": demo,
    "synth": synth,
    "models": models,
    "run": run,
    "reproduce": reproduce,
    "evaluate": evaluate,
    "cluster": cluster,
    "zeroshot": zeroshot,
    "export": export,
    "quantize": quantize,
    "prune": prune,
    "data": data,
    "bench": bench,
}
"""Verb -> what it calls, in the order of the help; a `typer.Typer` has verbs of its own."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hertzian {version('hertzian')}")
        raise typer.Exit


def _frame(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Recognise radio signals: what is on the air, from IQ samples.

    Every verb takes --json (one document on standard output) and --help, which shows examples.
    """


def build() -> typer.Typer:
    """Return the application with every verb of `VERBS`."""
    app = typer.Typer(
        name="hertzian",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_frame)
    for name, verb in VERBS.items():
        if isinstance(verb, typer.Typer):
            app.add_typer(verb, name=name)
        else:
            app.command(name)(verb)
    return app


def main() -> NoReturn:
    """Run the command and leave: 0 done, 1 failed with one line, 2 wrong use, 130 interrupted."""
    try:
        build()(prog_name="hertzian")
    except HertzianError as error:
        output.print_error(str(error))
        sys.exit(FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        output.print_error(f"{where}{error.strerror or error}")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(DONE)
