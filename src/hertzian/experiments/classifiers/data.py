"""The stage `dataset`: a preset's windows or a file, split into training, validation and test.

`data.h5` in its folder, much the largest file of a run, may be deleted: it is made again when it
is wanted.
"""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat, model_validator
from rich.console import Console
from rich.progress import Progress

from hertzian.datasets.dataset import Advance, Dataset, Float32
from hertzian.datasets.files import write_dataset
from hertzian.datasets.fitting import draw_classes, of_classes, of_length
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.sampling import sample_cells
from hertzian.datasets.splits import random_split, read_split, split, write_split
from hertzian.datasets.synthesis import synthesise
from hertzian.deployment import DatasetIdentity
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.signal import canonical
from hertzian.training import BatchSource, rows_of

PARTS = ("train", "validation", "test")
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
_SPLITS = {"random": random_split, "grouped": split}
_FILE = "data.h5"
_SPLIT = "split.npz"
_DIGEST_BYTES = 1 << 20


class DatasetSettings(StageSettings):
    """A preset or a file, `per` windows of each (class, SNR) of it, and how it is split.

    Without `per` a preset has its own number and a file all that it holds.
    `split` is "grouped" (no realisation in two parts) or "random" (as published results split).
    `fractions` may leave parts out: `test: 1` makes a set to test on alone.
    `classes` are the modulations taken, all by default, and of these at most `most_classes`, drawn
    by the seed; windows are repeated or thinned to `samples`.
    """

    preset: str | None = None
    per: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    snr: tuple[float, ...] | None = None
    file: str | None = None
    split: Literal["random", "grouped"] = "grouped"
    fractions: dict[str, PositiveFloat] = Field(default_factory=lambda: dict(SHARES))
    split_seed: int = Field(default=0, ge=0)
    classes: tuple[str, ...] | None = Field(default=None, min_length=1)
    most_classes: int | None = Field(default=None, ge=2)
    samples: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_source(self) -> "DatasetSettings":
        if (self.preset is None) == (self.file is None):
            raise ValueError("expected a preset or a file, and not both")
        for name in self.classes or ():
            canonical(name)
        if not self.fractions or not set(self.fractions) <= set(PARTS):
            raise ValueError(f"fractions: expected {', '.join(PARTS)}, or some of them")
        return self

    def named_files(self) -> dict[str, str]:
        """Return what tells the file from another of its name: its size and both its ends."""
        return {} if self.file is None else {"file_digest": file_digest(Path(self.file))}


@stage("dataset", DatasetSettings)
def make_dataset(settings: DatasetSettings, context: StageContext) -> StageOutcome:
    """Make or open the windows, split them, and count the parts."""
    _provide(settings, context.folder)
    windows = _open(settings, context.folder)
    made = _SPLITS[settings.split](windows, settings.fractions, settings.split_seed)
    write_split(context.folder / _SPLIT, made)
    counts = {f"{part}_windows": len(rows) for part, rows in made.parts.items()}
    name = context.folder.name
    learnt = windows.preset and set(made.parts) != {"test"}
    seen = (DatasetIdentity(preset=windows.preset, seed=windows.seed),) if learnt else ()
    return StageOutcome(metrics={name: counts}, trained_on=seen, split_hash=made.hash)


def _provide(settings: DatasetSettings, folder: Path) -> None:
    """Make the windows that are kept in the stage's folder; none are of a file taken whole."""
    if settings.preset is not None:
        _make(settings, settings.preset, folder / _FILE)
    elif settings.file is not None and settings.per is not None:
        sample = sample_cells(open_dataset(settings.file), settings.per, settings.seed)
        write_dataset(folder / _FILE, sample)


def _make(settings: DatasetSettings, preset: str, out: Path) -> None:
    with bar("windows") as advance:
        synthesise(
            preset,
            out,
            per=settings.per,
            seed=settings.seed,
            snr_db=settings.snr,
            workers=os.cpu_count() or 1,
            advance=advance,
        )


@contextlib.contextmanager
def bar(what: str, total: int | None = None) -> Iterator[Advance]:
    """Show on a terminal how many of `what` are done; yields what is to be told of more."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task(what, total=total)
        yield lambda more: bars.advance(task, more)


def _open(settings: DatasetSettings, folder: Path) -> Dataset:
    """Open the windows, and fit their classes and length."""
    whole = settings.file is not None and settings.per is None
    found = open_dataset(str(settings.file) if whole else folder / _FILE)
    if settings.classes is not None:
        found = of_classes(found, settings.classes)
    if settings.most_classes is not None:
        found = draw_classes(found, settings.most_classes, settings.seed)
    return found if settings.samples is None else of_length(found, settings.samples)


def file_digest(path: Path) -> str:
    """Return what tells a file from another of its name: its size and both its ends."""
    if not path.is_file():
        return "none"
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_DIGEST_BYTES))
        file.seek(max(0, size - _DIGEST_BYTES))
        digest.update(file.read(_DIGEST_BYTES))
    return digest.hexdigest()


class SplitData:
    """What the stage `dataset` left behind.

    Args:
        settings: of that stage.
        folder: its folder.

    Raises:
        DatasetError: the file has changed since it was split.
    """

    def __init__(self, settings: DatasetSettings, folder: Path) -> None:
        self._settings = settings
        self.dataset = _open(settings, folder)
        self.split = read_split(folder / _SPLIT, self.dataset)

    @property
    def classes(self) -> tuple[str, ...]:
        """Canonical labels, in the order of the label numbers."""
        return tuple(map(canonical, self.dataset.modulations))

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names in the order of the protocols' numbers; none where the data have none."""
        return self.dataset.protocols if self.dataset.protocol is not None else ()

    @property
    def samples(self) -> int:
        """Length of a window."""
        return int(self.dataset.x.shape[2])

    @property
    def identity(self) -> tuple[DatasetIdentity, ...]:
        """What tells the data from all other generated data; nothing for foreign files."""
        if not self.dataset.preset:
            return ()
        return (DatasetIdentity(preset=self.dataset.preset, seed=self.dataset.seed),)

    @property
    def description(self) -> str:
        """What is the same for two that have the same windows in the same parts."""
        said = {**self._settings.said(), **self._settings.named_files()}
        return json.dumps({**said, "split_hash": self.split.hash}, sort_keys=True)

    def part(self, name: str) -> BatchSource:
        """Return the windows and labels of a part."""
        rows = self._rows(name)
        return rows_of(self.dataset.x, rows, self.dataset.modulation[rows])

    def labels(self, name: str) -> npt.NDArray[np.int64]:
        """Return the labels of a part."""
        return self.dataset.modulation[self._rows(name)]

    def protocol_labels(self, name: str) -> npt.NDArray[np.int64]:
        """Return the protocol of each window of a part, -1 for none.

        Raises:
            ExperimentError: the data have none.
        """
        if self.dataset.protocol is None:
            raise ExperimentError(
                f"{self.dataset.preset or 'the file'} has no protocols; those of radcom-awgn and "
                f"its like have"
            )
        return self.dataset.protocol[self._rows(name)]

    def quantity(self, name: str, quantity: str) -> Float32:
        """Return a quantity of each window of a part, NaN where it isn't known.

        Raises:
            ExperimentError: the data don't have it.
        """
        column: Float32 | None = getattr(self.dataset, quantity)
        if column is None or not np.isfinite(column).any():
            raise ExperimentError(
                f"{self.dataset.preset or 'the file'} knows no {quantity} of any window"
            )
        return column[self._rows(name)].astype(np.float32)

    def snr_db(self, name: str) -> Float32:
        """Return the SNR label of each window of a part."""
        return self.dataset.snr_db[self._rows(name)]

    def _rows(self, name: str) -> npt.NDArray[np.int64]:
        if name not in self.split.parts:
            raise ExperimentError(
                f"these data have no part {name!r}; give it a share in the stage's fractions"
            )
        return self.split.parts[name]


def split_data(context: StageContext, name: str) -> SplitData:
    """Return the data of an earlier stage `dataset`; windows that were deleted are made again.

    Raises:
        ExperimentError: the stage is none of these.
        DatasetError: they are not the windows that were split.
    """
    folder, settings = context.output(name), context.stages[name]
    if not isinstance(settings, DatasetSettings):
        raise ExperimentError(f"stage {name!r} is of kind {settings.kind!r}, expected 'dataset'")
    if not (folder / _FILE).is_file():
        _provide(settings, folder)
    return SplitData(settings, folder)
