"""Runs a worker script in another interpreter and reads its answer."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hertzian.workers.errors import WorkerError

_SHOWN = 300  # of what a worker printed, characters in a message

Arrays = dict[str, NDArray[Any]]


def run_python(
    python: Path,
    arguments: Sequence[str],
    timeout_s: float,
    variables: Mapping[str, str] | None = None,
) -> tuple[int, str, str]:
    """Run an interpreter, isolated from this one; return exit status, stdout and stderr.

    Args:
        python: the interpreter.
        arguments: its own.
        timeout_s: the longest that it may take.
        variables: added to its environment.

    Raises:
        WorkerError: it does not start, or it runs longer than `timeout_s`.
    """
    # the variables that lead this interpreter to its packages would mislead the other one
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= variables or {}
    try:
        done = subprocess.run(
            # -I also keeps the script's own folder from standing first in the search for modules
            [str(python), "-I", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout_s,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise WorkerError(f"{python} does not start: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise WorkerError(
            f"{python} ran longer than {timeout_s:g} s: ask for less, or allow more time"
        ) from error
    return done.returncode, done.stdout, done.stderr


def parse_answer(stdout: str, stderr: str, name: str) -> dict[str, Any]:
    """Return the JSON document that a worker printed last; libraries may print before it.

    Raises:
        WorkerError: there is none, or it says what failed.
    """
    lines = [line for line in stdout.splitlines() if line.strip()]
    try:
        answer = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        last = stderr.strip()[-_SHOWN:] or stdout.strip()[-_SHOWN:] or "nothing"
        raise WorkerError(f"{name} ended without an answer; it printed: {last}")
    if "failed" in answer:
        raise WorkerError(f"{name} failed: {str(answer['failed'])[:_SHOWN]}")
    return answer


def ask(
    python: Path,
    script: Path,
    request: Mapping[str, object],
    name: str,
    timeout_s: float,
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a worker on one request and return its answer; `variables` are for its environment.

    Raises:
        WorkerError: it cannot be run, or it failed; `name` says who in the message.
    """
    arguments = [str(script), json.dumps(request)]
    _, stdout, stderr = run_python(python, arguments, timeout_s, variables)
    return parse_answer(stdout, stderr, name)


def number(answer: Mapping[str, Any], key: str, name: str) -> float:
    """Return a number of an answer.

    Raises:
        WorkerError: it is missing or no number.
    """
    value = answer.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WorkerError(f"{name} was to answer {key} as a number, not {value!r}")
    return float(value)


def load_arrays(answer: Mapping[str, Any], folder: Path, name: str) -> Arrays:
    """Return the arrays that an answer names, from `.npy` files in `folder`.

    Raises:
        WorkerError: a file is missing, lies elsewhere or is no array.
    """
    named = answer.get("arrays")
    if not isinstance(named, dict):
        raise WorkerError(f"{name} was to answer with arrays, not {named!r}")
    arrays = {}
    for key, file in named.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise WorkerError(f"{name} names a file outside its folder: {file!r}")
        try:
            arrays[key] = np.load(folder / file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise WorkerError(f"{name} left no array in {file}: {error}") from error
    return arrays
