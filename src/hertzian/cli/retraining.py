"""What the verbs share that train a model anew on windows of the user's: `quantize`, `prune`."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hertzian.datasets.dataset import Dataset
from hertzian.deployment.runtime import DatasetIdentity
from hertzian.signal import HertzianError

if TYPE_CHECKING:
    from hertzian.training import BatchSource

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
        raise HertzianError(f"{len(rows)} windows are too few to train on; give 5 or more")
    parts = np.sort(rows[held_out:]), np.sort(rows[:held_out])
    train, validation = (rows_of(dataset.x, part, dataset.modulation[part]) for part in parts)
    return train, validation


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
    if folder.exists():
        marker = folder / _TASK
        if not marker.is_file() or marker.read_text(encoding="utf-8") != told:
            raise HertzianError(
                f"{folder}: is not what this command left when it was interrupted; remove it, or "
                f"name another OUT"
            )
    else:
        folder.mkdir(parents=True)
        (folder / _TASK).write_text(told, encoding="utf-8")
    try:
        yield folder
    except BaseException:
        if not (folder / LAST).exists():
            shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
