"""What the verbs share that train a model anew on windows of the user's: `quantize`, `prune`."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from hertzian.datasets.dataset import Dataset
from hertzian.deployment.metadata import DatasetIdentity
from hertzian.deployment.runtime import Predictor
from hertzian.recordings import atomic_path
from hertzian.signal import MODULATION, HertzianError

if TYPE_CHECKING:
    from hertzian.deployment.stored import Stored
    from hertzian.training import BatchSource

Windows = npt.NDArray[np.float32]

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Dataset with windows like those that the model will see; labels don't matter.",
    ),
]

ASKED_WINDOWS = 1000
_VALIDATION = 0.1
_TASK = "task.json"


def divided(dataset: Dataset, windows: int | None, seed: int) -> "tuple[BatchSource, BatchSource]":
    """Return nine tenths of a dataset's windows to train on, and one to choose the best epoch by.

    Args:
        dataset: its labels don't matter.
        windows: how many to take, at random; None takes all.
        seed: of the choice.

    Raises:
        HertzianError: there are too few.
    """
    from hertzian.training import rows_of

    rows = np.random.default_rng(seed).permutation(len(dataset))[:windows]
    held_out = round(_VALIDATION * len(rows))
    if not held_out:
        raise HertzianError(f"{len(rows)} windows are too few to train on; give 10 or more")
    parts = np.sort(rows[held_out:]), np.sort(rows[:held_out])
    train, validation = (rows_of(dataset.x, part, dataset.modulation[part]) for part in parts)
    return train, validation


def some_of(windows: "BatchSource") -> Windows:
    """Return the first windows of a source, float32 [n, 2, samples], n <= 1000."""
    first = np.arange(min(len(windows), ASKED_WINDOWS), dtype=np.int64)
    x: Windows = windows[first][0].numpy()
    return x


def same_answers(
    before: "Predictor | Stored", after: "Predictor | Stored", windows: Windows
) -> dict[str, float]:
    """Return for each head that names classes the share of windows with the same answer."""
    if not len(windows):
        return {}
    ours, theirs = (_heads(one, windows) for one in (before, after))
    return {
        head: float(np.mean(ours[head].argmax(axis=1) == theirs[head].argmax(axis=1)))
        for head, size in before.metadata.heads().items()
        if size > 1
    }


def _heads(one: "Predictor | Stored", windows: Windows) -> dict[str, Windows]:
    if not hasattr(one, "module"):
        return one.heads(windows)
    import torch

    with torch.no_grad():
        said = one.module(torch.from_numpy(windows))
    by_head = said if isinstance(said, dict) else {MODULATION: said}
    return {head: values.numpy() for head, values in by_head.items()}


def identity(dataset: Dataset) -> list[DatasetIdentity]:
    """Return what tells generated data from all other; nothing for others."""
    return [DatasetIdentity(preset=dataset.preset, seed=dataset.seed)] if dataset.preset else []


@contextmanager
def training_folder(out: Path, files: list[Path], task: dict[str, Any]) -> Iterator[Path]:
    """Yield a folder beside a file to be written; what it holds helps an interrupted training on.

    It is removed in the end, and stays when a training is interrupted that has begun.

    Args:
        out: the file to be written.
        files: those that the training depends on.
        task: what else it depends on.

    Raises:
        HertzianError: the folder holds another training, or is none of ours.
    """
    folder = out.with_name(f"{out.name}.training")
    from hertzian.training.checkpoints import LAST

    told = json.dumps(
        {**task, "files": {file.name: _digest(file) for file in files}}, sort_keys=True
    )
    marker = folder / _TASK
    if folder.exists() and any(folder.iterdir()):
        if not marker.is_file() or marker.read_text(encoding="utf-8") != told:
            raise HertzianError(
                f"{folder}: is not what this command left when it was interrupted; remove it, or "
                f"name another OUT"
            )
    else:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(marker) as partial:
            partial.write_text(told, encoding="utf-8")
    try:
        yield folder
    except BaseException:
        if not (folder / LAST).exists():
            shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _digest(file: Path) -> str:
    """Return what tells a file, or a folder of files, from another of its name."""
    if file.is_dir():
        named = sorted(path for path in file.rglob("*") if path.is_file())
        parts = [f"{path.relative_to(file)} {_digest(path)}" for path in named]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
