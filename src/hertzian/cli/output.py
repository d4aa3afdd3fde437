"""What verbs write, and where: results on standard output, everything else on standard error."""

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hertzian.evaluation import json_safe
from hertzian.signal import HertzianError

TRAIN_LIBRARIES = (
    *("torch", "lightning", "torchmetrics", "safetensors", "onnx", "onnxscript", "urllib3"),
)
"""Import names of what `hertzian[train]` adds."""

_WIDTH_OF_FILES = 160  # columns of a table that no terminal shows

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output.")
]
"""The option that every verb has."""

Advance = Callable[[float], None]


class MissingExtraError(HertzianError):
    """A verb needs libraries that the base install leaves out."""


def print_json(document: Any) -> None:
    """Print one JSON document on standard output; values that are no numbers become null."""
    sys.stdout.write(json.dumps(json_safe(document), indent=2, allow_nan=False) + "\n")


def print_error(message: str) -> None:
    """Print `error: message` on standard error, in one line."""
    line = " ".join(message.split())
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    console.print(line, markup=False)


def log(message: str) -> None:
    """Print a line on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print what is warned of as lines on standard error, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for line in dict.fromkeys(str(warning.message) for warning in caught):
        log(f"warning: {line}")


def console() -> Console:
    """Return the console for tables on standard output; in a file they are wide, not cut."""
    terminal = sys.stdout.isatty()
    return Console(width=None if terminal else _WIDTH_OF_FILES, highlight=False)


@contextmanager
def progress(description: str, total: float | None, *, as_json: bool) -> Iterator[Advance]:
    """Show a progress bar on standard error, and give the function that advances it.

    Nothing is shown where standard error is no terminal, or with `--json`.

    Args:
        description: what is going on, in a word or two.
        total: the steps in all; None where nobody knows.
        as_json: whether `--json` was given.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    shown = sys.stderr.isatty() and not as_json
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, disable=not shown, transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)


def has_train_extra() -> bool:
    """Tell whether everything that `hertzian[train]` adds is installed."""
    return not _missing()


def require_train_extra(verb: str) -> None:
    """Check that a verb's libraries are installed.

    Raises:
        MissingExtraError: one is missing; the message says what to install.
    """
    missing = _missing()
    if missing:
        raise MissingExtraError(
            f"`hertzian {verb}` needs {', '.join(missing)}: pip install 'hertzian[train]'"
        )


def _missing() -> list[str]:
    return [name for name in TRAIN_LIBRARIES if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a finder that refuses, a module without a spec
        return False
