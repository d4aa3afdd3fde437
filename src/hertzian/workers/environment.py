"""Virtual environments that hold one guest each, apart from ours."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from hertzian.workers.errors import WorkerError
from hertzian.workers.process import run_python

_SHOWN = 300


@dataclass(frozen=True)
class Environment:
    """Where a guest lives and how it gets there.

    Attributes:
        name: of the guest, in messages.
        module: of ours that installs it when it is run.
        requirements: what pip installs.
        imports: names of modules that the guest must have.
    """

    name: str
    module: str
    requirements: tuple[str, ...]
    imports: tuple[str, ...]

    def default_folder(self) -> Path:
        """Return where the environment lies unless the caller names another place."""
        cache = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(cache) if cache else Path.home() / ".cache") / "hertzian"
        return folder / self.module.rpartition(".")[2]

    def find_python(self, place: Path | None = None) -> Path:
        """Return the interpreter of the environment.

        Args:
            place: folder of an environment, or an interpreter; None takes the default folder.

        Raises:
            WorkerError: the guest is not there; the message says how to install it.
        """
        place = place or self.default_folder()
        python = place if place.is_file() else _python_in(place)
        if python.is_file():
            code = "import sys; from importlib.util import find_spec; "
            code += "sys.exit(not all(map(find_spec, sys.argv[1:])))"
            status, _, _ = run_python(python, ["-c", code, *self.imports], 60)
            if status == 0:
                return python
        folder = "" if place.is_file() else f" {place}"
        raise WorkerError(
            f"{self.name} is not installed in {place}: "
            f"install it with `python -m {self.module}{folder}`"
        )

    def install(self, folder: Path | None = None, *, timeout_s: float = 3600.0) -> Path:
        """Make the environment and install the guest into it; return its interpreter.

        Started again after a failure, it goes on in the same folder.

        Raises:
            WorkerError: the folder holds something else, or an installation step failed.
        """
        folder = folder or self.default_folder()
        if folder.exists() and not folder.is_dir():
            raise WorkerError(f"{folder} is a file: name a folder for the environment")
        ours = (folder / "pyvenv.cfg").is_file()
        if folder.is_dir() and any(folder.iterdir()) and not ours:
            raise WorkerError(
                f"{folder} holds something else: name an empty folder for the environment"
            )
        steps = (
            (Path(sys.executable), ["-m", "venv", str(folder)]),
            (_python_in(folder), ["-m", "pip", "install", "--quiet", *self.requirements]),
        )
        for python, arguments in steps:
            status, stdout, stderr = run_python(python, arguments, timeout_s)
            if status:
                said = (stderr or stdout).strip()[-_SHOWN:]
                raise WorkerError(f"{arguments[1]} failed in {folder}: {said}")
        return self.find_python(folder)

    def main(self, arguments: list[str]) -> int:
        """Install into the folder that is named, or the default one; return the exit status."""
        if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
            print(f"usage: python -m {self.module} [FOLDER]", file=sys.stderr)
            return 2
        try:
            python = self.install(Path(arguments[0]) if arguments else None)
        except WorkerError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(f"{self.name} is installed: {python}")
        return 0


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
