"""Where a result came from: code, libraries, machine and time."""

import functools
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PACKAGES = (
    *("hertzian", "numpy", "scipy", "onnxruntime", "torch", "lightning", "torchmetrics"),
    *("scikit-learn", "safetensors", "onnx", "onnxscript", "h5py", "pydantic"),
)
"""Distributions whose versions a result names, where they are installed."""

_PACKAGE = Path(__file__).resolve().parents[1]


class Hardware(BaseModel):
    """The machine.

    Attributes:
        processor: its model's name.
        cores: logical cores that this process may use.
        memory_bytes: main memory; None where the system does not tell.
        accelerator: name of the GPU that torch sees, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    processor: str
    cores: int
    memory_bytes: int | None
    accelerator: str | None


class Provenance(BaseModel):
    """Where a result came from.

    Attributes:
        date: when it was finished, UTC.
        commit: of the checkout when it was first asked for, at the start of a run, whose code is
            loaded; None where there is none.
        modified: whether files of the checkout differed from the commit.
        python: version.
        packages: distribution -> version.
        hardware: the machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: datetime
    commit: str | None
    modified: bool
    python: str
    packages: dict[str, str]
    hardware: Hardware


def gather_provenance() -> Provenance:
    """Return what this process knows of its code, its machine and the time."""
    commit, modified = _own_checkout()
    return Provenance(
        date=datetime.now(UTC).replace(microsecond=0),
        commit=commit,
        modified=modified,
        python=platform.python_version(),
        packages=package_versions(),
        hardware=Hardware(
            processor=processor_name(),
            cores=usable_cores(),
            memory_bytes=memory_bytes(),
            accelerator=accelerator_name(),
        ),
    )


@functools.cache
def _own_checkout() -> tuple[str | None, bool]:
    # once: a commit made during a long run is not of the code that runs
    return checkout(_PACKAGE)


def checkout(package: Path) -> tuple[str | None, bool]:
    """Return (commit, modified) of the git checkout whose src/hertzian is `package`."""
    root = package.parents[1]
    # a package installed inside somebody else's repository is not of that repository's commit
    if package != root / "src" / "hertzian" or not (root / ".git").exists():
        return None, False
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit, bool(changes)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def package_versions() -> dict[str, str]:
    """Return distribution -> version of those of `PACKAGES` that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor_name() -> str:
    """Return the processor's model name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of logical cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return the size of main memory, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def accelerator_name() -> str | None:
    """Return the name of torch's GPU, without importing torch for it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())
