"""Checkpoints that survive a kill and a move."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from hertzian.recordings import atomic_path

LAST = "last.ckpt"
BEST = "best.ckpt"


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place, then renames it: a kill leaves the one before.

    Lightning's own writes to the system's folder for temporary files, from where a file can't be
    renamed to another disk.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint; its folder exists."""
        with atomic_path(path) as partial:
            torch.save(checkpoint, partial)


class EpochKeeper(ModelCheckpoint):
    """Keeps one epoch's checkpoint, and goes on with it where the folder was moved to.

    Lightning's own forgets the best epoch when the folder has another path than before.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        super().load_state_dict(
            {
                **state_dict,
                **{name: here(state_dict[name]) for name in paths},
                "dirpath": self.dirpath,
                "best_k_models": kept,
            }
        )


def best_epoch_keeper(directory: Path, monitor: str, mode: str) -> EpochKeeper:
    """Return what writes `BEST` whenever a figure of the validation is the best so far."""
    return EpochKeeper(
        dirpath=directory,
        filename=Path(BEST).stem,
        monitor=monitor,
        mode=mode,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )


def last_epoch_keeper(directory: Path) -> EpochKeeper:
    """Return what writes `LAST` after every epoch."""
    # `save_last` of the other keeper would skip the epochs that are not the best so far.
    return EpochKeeper(
        dirpath=directory,
        filename=Path(LAST).stem,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
