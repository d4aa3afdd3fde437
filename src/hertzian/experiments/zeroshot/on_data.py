"""Recognise modulations that were only described beside those of a dataset, in other windows."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hertzian.datasets.dataset import Dataset
from hertzian.datasets.splits import split
from hertzian.experiments.classifiers.data import bar
from hertzian.experiments.stages import ExperimentError
from hertzian.experiments.zeroshot.described import (
    Drawing,
    DrawnSettings,
    described_score,
    drawn_levels,
)
from hertzian.experiments.zeroshot.features import Part
from hertzian.experiments.zeroshot.written import UNKNOWN, spelled
from hertzian.models.characteristic_net import CharacteristicNet
from hertzian.signal import LINEAR, Alphabet, alphabet_of, attributes_of_alphabet, canonical

_FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
_BATCH = 1024
_DOUBTFUL = 0.7
_FAR_DB = 1.0

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """How windows are taken.

    Attributes:
        samples_per_symbol: of all of them.
        roll_off: of their pulse.
        accept: the share of windows of DATA's modulations that is not to be called unknown.
        per: features drawn of each described modulation at each SNR.
        seed: of the split, and of what is drawn.
    """

    samples_per_symbol: int = 8
    roll_off: float = 0.35
    accept: float = 0.99
    per: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Answers:
    """What is said of windows.

    Attributes:
        numbers: of the name of each; that of `unknown` comes after all.
        others: what each would have been otherwise.
        margins: how much likelier the likeliest is than the next, in nats.
    """

    numbers: Numbers
    others: Numbers
    margins: npt.NDArray[np.float64]


class Recogniser:
    """Tells the modulations of a dataset, and described ones, apart.

    Args:
        data: windows of the modulations that have some.
        described: the others, by name.
        asked: how.

    Raises:
        HertzianError: a name is there twice, windows are too short, or have no SNR.
    """

    def __init__(self, data: Dataset, described: Mapping[str, Alphabet], asked: Asked) -> None:
        known = tuple(map(canonical, data.modulations))
        self.names = (*known, *map(spelled, described))
        twice = sorted(set(known) & set(self.names[len(known) :]))
        if twice:
            raise ExperimentError(f"{', '.join(twice)}: described, and among the windows of DATA")
        if not np.isfinite(data.snr_db).all():
            raise ExperimentError(
                "DATA has windows of no SNR, or of an infinite one; features are drawn at its SNRs"
            )
        self._alphabets, self._seen = list(described.values()), len(known)
        self._network = CharacteristicNet(2, asked.samples_per_symbol, asked.roll_off).eval()
        parts = split(data, _FRACTIONS, asked.seed).parts
        train, validation, self._test = (
            self._part(data, parts[name]) for name in ("train", "validation", "test")
        )
        settings = DrawnSettings(kind="recognise-described", per=asked.per)
        generator = torch.Generator().manual_seed(asked.seed)
        self._samples = int(data.x.shape[2])
        drawing = Drawing(self._network, self._samples, generator)
        self._score = described_score(settings, train, self._seen, self._alphabets, drawing)
        self._levels = drawn_levels(train, asked.per)
        self._drawn = [drawing.features(one, self._levels) for one in self._alphabets]
        best = self._score(validation.features).max(axis=1)
        self._least = float(np.quantile(best, 1 - asked.accept))

    def answers(self, features: npt.NDArray[np.float32]) -> "Answers":
        """Return what is said of each row."""
        scores = self._score(features)
        order = np.argsort(scores, axis=1)[:, ::-1]
        first, second = (np.take_along_axis(scores, order[:, [at]], axis=1)[:, 0] for at in (0, 1))
        unknown = len(self.names)
        said = np.where(first >= self._least, order[:, 0], unknown)
        return Answers(said, np.where(said == unknown, order[:, 0], order[:, 1]), first - second)

    def expected(self) -> dict[str, Any]:
        """Return what to expect: of DATA's own windows, held out, and of the described as drawn."""
        own = [self._test.features[self._test.labels == one] for one in range(self._seen)]
        return {
            name: {**self._expected(number, rows), "described": number >= self._seen}
            for number, (name, rows) in enumerate(
                zip(self.names, [*own, *self._drawn], strict=True)
            )
        }

    def attributes(self) -> dict[str, dict[str, Any]]:
        """Return the attributes of what is described, by name; slow for thousands of points."""
        names = self.names[self._seen :]
        return {
            name: asdict(attributes_of_alphabet(alphabet))
            for name, alphabet in zip(names, self._alphabets, strict=True)
        }

    def _of_all(self) -> list[Alphabet | None]:
        """Return the alphabet of each name; None of what has none."""
        known = [alphabet_of(name) if name in LINEAR else None for name in self.names[: self._seen]]
        return [*known, *self._alphabets]

    def _expected(self, number: int, rows: npt.NDArray[np.float32]) -> dict[str, Any]:
        names = (*self.names, UNKNOWN)
        counts = _counted(self.answers(rows).numbers, names)
        right, others = counts.pop(names[number], 0), counts
        return {
            "windows": len(rows),
            "recall": right / len(rows) if len(rows) else None,
            "taken_for": max(others, key=others.__getitem__, default=None),
        }

    def warnings(self, expected: Mapping[str, Any], on: Dataset | None = None) -> list[str]:
        """Return what speaks against the answers, a line each.

        Args:
            expected: as `expected` returns it.
            on: what was recognised.
        """
        told = []
        known = [expected[name]["recall"] for name in self.names[: self._seen]]
        shares = [share for share in known if share is not None]
        if shares and np.mean(shares) < _DOUBTFUL:
            told.append(
                f"only {100 * np.mean(shares):.0f}% of DATA's own modulations are recognised: there"
                f" are too few windows, or they aren't synchronised linear modulation of this pulse"
            )
        pairs = itertools.combinations(zip(self.names, self._of_all(), strict=True), 2)
        for (one, ours), (other, theirs) in pairs:
            if ours is not None and theirs is not None and ours.same_as(theirs):
                told.append(f"{other} has the symbols of {one}, and can't be told from it")
        for name in self.names[self._seen :]:
            row = expected[name]
            if row["recall"] < _DOUBTFUL and row["taken_for"]:
                told.append(f"{name} is hardly told from {row['taken_for']}, even as it is drawn")
        if on is not None:
            beyond = np.isfinite(on.snr_db)
            beyond &= np.abs(on.snr_db[:, None] - np.unique(self._levels)).min(axis=1) > _FAR_DB
            if beyond.any():
                told.append(
                    f"{int(beyond.sum())} windows have SNRs by their labels that no window of DATA "
                    f"comes near; they fit nothing"
                )
        return told

    def recognise(self, data: Dataset) -> tuple["Answers", dict[str, Any]]:
        """Return the answer for each window, and how many have which name, by their label too.

        Raises:
            ExperimentError: windows of another length.
        """
        if int(data.x.shape[2]) != self._samples:
            raise ExperimentError(
                f"expected windows of {self._samples} samples, as in DATA, found {data.x.shape[2]}"
            )
        answers = self.answers(self._part(data, np.arange(len(data))).features)
        names = (*self.names, UNKNOWN)
        labels = np.array([*map(spelled, data.modulations)])[data.modulation]
        by_label = {
            label: _counted(answers.numbers[labels == label], names)
            for label in dict.fromkeys(labels)
        }
        counts = _counted(answers.numbers, names)
        return answers, {"windows": len(data), "recognised": counts, "by_label": by_label}

    def _part(self, data: Dataset, rows: Numbers) -> Part:
        features = []
        with bar("windows", len(rows)) as advance, torch.no_grad():
            for some in _batches(rows):
                x = torch.from_numpy(data.x.rows(some))
                features.append(self._network.features(x)["embedding"].numpy())
                advance(len(some))
        return Part(np.concatenate(features), data.modulation[rows], data.snr_db[rows])


def _batches(rows: Numbers) -> Iterator[Numbers]:
    for at in range(0, max(len(rows), 1), _BATCH):
        yield rows[at : at + _BATCH]


def _counted(answers: Numbers, names: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(answers, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}
