"""Training data drawn from a preset, without end and without a file."""

from collections.abc import Iterator, Sequence

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from hertzian.datasets.presets import find_preset
from hertzian.signal import HertzianError
from hertzian.training.batches import ArrayDataset, Batch, batch_loader

TARGETS = ("modulation", "protocol")
"""What a label may be: an index into the preset's `modulations` or `protocols`."""


class DrawnBatches(Dataset[Batch]):
    """Batches of a preset by number; a number determines every byte, in any process.

    The cells of (kind, SNR) come in the order of one permutation after the other, so that a batch
    holds many of them and none is left behind.

    Args:
        preset: its name.
        seed: of the stream; a file of the same seed has other windows.
        batch_size: a multiple of `alike`.
        snr_db: SNRs; None for those of the preset.
        target: one of `TARGETS`.
        alike: windows that a batch takes from a cell; fewer mix better, more are made faster.

    Raises:
        HertzianError: no such preset, or impossible numbers.
    """

    def __init__(
        self,
        preset: str,
        seed: int,
        batch_size: int,
        *,
        snr_db: Sequence[float] | None = None,
        target: str = "modulation",
        alike: int = 16,
    ) -> None:
        self.preset = find_preset(preset)
        levels = self.preset.snr_db if snr_db is None else tuple(map(float, snr_db))
        self._cells = [(kind, level) for kind in self.preset.kinds for level in levels]
        self._names = _names(preset, target)
        self._target = target
        self._seed = seed
        self._alike = alike
        self._cells_per_batch = batch_size // alike
        if alike < 1 or batch_size < alike or batch_size % alike or not self._cells or seed < 0:
            raise HertzianError(
                f"batches of {batch_size} windows, {alike} of each cell, from {len(self._cells)} "
                f"cells with seed {seed} are not possible; {alike} must divide the batch"
            )

    def __getitem__(self, number: int) -> Batch:
        """Return batch `number`: float32 [batch, 2, samples], int64 [batch]."""
        first = number * self._cells_per_batch
        parts, labels = [], []
        for place in range(first, first + self._cells_per_batch):
            turn, within = divmod(place, len(self._cells))
            kind, level = self._cells[self._order(turn)[within]]
            cell = self.preset.maker.draw(self._seed, kind, level, turn, self._alike)
            parts.append(np.asarray(cell.x, dtype=np.float32))
            labels += [self._names.index(getattr(kind, self._target))] * self._alike
        return torch.from_numpy(np.concatenate(parts)), torch.tensor(labels)

    def _order(self, turn: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.random.default_rng([self._seed, turn]).permutation(len(self._cells))


def _names(preset: str, target: str) -> tuple[str, ...]:
    if target not in TARGETS:
        raise HertzianError(f"a target is {' or '.join(TARGETS)}, not {target!r}")
    recipe = find_preset(preset)
    names = recipe.modulations if target == "modulation" else recipe.protocols
    if not names:
        raise HertzianError(f"preset {preset} has no {target}s")
    return names


class Numbers(Sampler[int]):
    """Numbers of the batches of an epoch; those of the next epoch follow them."""

    def __init__(self, batches: int) -> None:
        self._batches = batches
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it at the start of each."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[int]:
        first = self._epoch * self._batches
        yield from range(first, first + self._batches)


class PresetData(lightning.LightningDataModule):
    """A preset as training and validation data of a Lightning trainer.

    No training window ever comes twice. The validation windows are the same in every epoch, and
    none of them is a training window.

    Args:
        preset: its name.
        batch_size: windows of a batch.
        batches: of an epoch.
        validation_per: windows of each kind at each SNR to validate with.
        seed: of the training windows.
        validation_seed: of the preset's file that holds the validation windows.
        snr_db: SNRs; None for those of the preset.
        target: one of `TARGETS`.
        workers: processes that draw; 0 draws in the trainer's own. The data don't depend on it.
    """

    def __init__(
        self,
        preset: str,
        *,
        batch_size: int = 512,
        batches: int = 400,
        validation_per: int = 20,
        seed: int = 0,
        validation_seed: int = 1,
        snr_db: Sequence[float] | None = None,
        target: str = "modulation",
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.batches = batches
        self.validation_per = validation_per
        self.validation_seed = validation_seed
        self.snr_db = snr_db
        self.target = target
        self.workers = workers
        self._drawn = DrawnBatches(preset, seed, batch_size, snr_db=snr_db, target=target)
        self._validation: ArrayDataset | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names that the labels stand for."""
        return _names(self._drawn.preset.name, self.target)

    def setup(self, stage: str) -> None:
        """Make the validation windows, once."""
        if self._validation is not None:
            return
        preset = self._drawn.preset
        shards = []
        for kind in preset.kinds:
            label = self.classes.index(getattr(kind, self.target))
            for level in preset.snr_db if self.snr_db is None else self.snr_db:
                cell = preset.maker.cell(self.validation_seed, kind, level, self.validation_per)
                shards.append((cell.x, np.full(len(cell.x), label)))
        x, labels = (np.concatenate(arrays) for arrays in zip(*shards, strict=True))
        self._validation = ArrayDataset([(x, labels)])

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the training batches, another epoch's each time."""
        return DataLoader(
            self._drawn,
            batch_size=None,
            sampler=Numbers(self.batches),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation batches."""
        assert self._validation is not None
        return batch_loader(self._validation, self.batch_size, None)
