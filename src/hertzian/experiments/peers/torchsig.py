"""The speed of TorchSig, measured in an environment of its own.

TorchSig needs releases that this environment must not have, so it lives in another one.
`python -m hertzian.experiments.peers.torchsig [FOLDER]` makes that; nothing else installs it.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from hertzian.experiments.peers.errors import PeerError
from hertzian.experiments.peers.process import ask, number, run_python

REQUIREMENTS = ("torch==2.13.0", "torchsig==2.2.0")

_NAME = "TorchSig"
_WORKER = Path(__file__).with_name("torchsig_worker.py")
_VERSION = "from importlib.metadata import version; print(version('torchsig'))"
_SHOWN = 300


@dataclass(frozen=True)
class Speed:
    """How fast TorchSig makes examples in one process.

    Attributes:
        examples: that were timed.
        samples: of an example.
        impairment_level: 0, 1 or 2 as TorchSig counts them; None for no transforms at all.
        seconds: that they took.
        versions: of TorchSig and torch.
    """

    examples: int
    samples: int
    impairment_level: int | None
    seconds: float
    versions: dict[str, str]

    @property
    def examples_per_s(self) -> float:
        """Examples in a second."""
        return self.examples / self.seconds


def default_folder() -> Path:
    """Return where the environment lies unless the caller names another folder."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "hertzian" / "torchsig"


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_python(folder: Path | None = None) -> Path:
    """Return the interpreter of the environment.

    Raises:
        PeerError: TorchSig is not there; the message says how to install it.
    """
    folder = folder or default_folder()
    python = _python_in(folder)
    if python.is_file():
        status, _, _ = run_python(python, ["-c", _VERSION], 60)
        if status == 0:
            return python
    raise PeerError(
        f"TorchSig is not installed in {folder}: "
        f"install it with `python -m hertzian.experiments.peers.torchsig {folder}`"
    )


def install(folder: Path | None = None, *, timeout_s: float = 3600.0) -> Path:
    """Make the environment and install TorchSig into it; return its interpreter.

    Started again after a failure, it goes on in the same folder.

    Raises:
        PeerError: the folder holds something else, or an installation step failed.
    """
    folder = folder or default_folder()
    if folder.exists() and not folder.is_dir():
        raise PeerError(f"{folder} is a file: name a folder for the environment")
    foreign = folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file()
    if foreign:
        raise PeerError(f"{folder} holds something else: name an empty folder for the environment")
    steps = (
        (Path(sys.executable), ["-m", "venv", str(folder)]),
        (_python_in(folder), ["-m", "pip", "install", "--quiet", *REQUIREMENTS]),
    )
    for python, arguments in steps:
        status, stdout, stderr = run_python(python, arguments, timeout_s)
        if status:
            said = (stderr or stdout).strip()[-_SHOWN:]
            raise PeerError(f"{arguments[1]} failed in {folder}: {said}")
    return find_python(folder)


def measure_speed(
    impairment_level: int | None,
    *,
    examples: int = 1000,
    warm_up: int = 50,
    samples: int = 1024,
    seed: int = 1,
    threads: int = 1,
    folder: Path | None = None,
    timeout_s: float = 3600.0,
) -> Speed:
    """Time narrowband examples, one signal each of any of TorchSig's classes, in one process.

    Args:
        impairment_level: 0, 1 or 2; None leaves all transforms out.
        examples: how many to time.
        warm_up: made before, since compiled parts are built at first use.
        samples: of an example.
        seed: of the dataset.
        threads: that torch may use.
        folder: of the environment.
        timeout_s: the longest it may take.

    Raises:
        PeerError: bad arguments, or TorchSig is missing or failed.
    """
    if impairment_level not in (None, 0, 1, 2):
        raise PeerError(f"TorchSig's impairment level is 0, 1, 2 or None, not {impairment_level!r}")
    if not (1 <= examples <= 10**6 and 0 <= warm_up <= 10**6 and 64 <= samples <= 2**22):
        raise PeerError(
            "examples are 1 to 1 000 000, warm_up 0 to 1 000 000, samples 64 to 4 194 304"
        )
    if threads < 1 or seed < 0:
        raise PeerError("threads are at least 1, a seed at least 0")
    request = {
        "examples": examples,
        "warm_up": warm_up,
        "samples": samples,
        "impairment_level": impairment_level,
        "seed": seed,
        "threads": threads,
    }
    answer = ask(find_python(folder), _WORKER, request, _NAME, timeout_s)
    seconds = number(answer, "seconds", _NAME)
    if seconds <= 0:
        raise PeerError(f"{_NAME} answered {seconds} s for {examples} examples")
    versions = {key: str(answer.get(key)) for key in ("torchsig", "torch")}
    return Speed(examples, samples, impairment_level, seconds, versions)


def main(arguments: list[str]) -> int:
    """Install into the folder that is named, or into the default one; return the exit status."""
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print("usage: python -m hertzian.experiments.peers.torchsig [FOLDER]", file=sys.stderr)
        return 2
    try:
        python = install(Path(arguments[0]) if arguments else None)
    except PeerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"TorchSig is installed: {python}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
