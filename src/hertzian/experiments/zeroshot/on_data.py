"""Recognise modulations that were only described beside those of a dataset, in other windows."""

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
from hertzian.experiments.zeroshot.described import DrawnSettings, described_score
from hertzian.experiments.zeroshot.features import Part
from hertzian.models.characteristic_net import CharacteristicNet
from hertzian.signal import Alphabet, HertzianError, attributes_of_alphabet, canonical

UNKNOWN = "unknown"

_FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
_BATCH = 1024

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


class Recogniser:
    """Tells the modulations of a dataset, and described ones, apart.

    Args:
        data: windows of the modulations that have some.
        described: the others, by name.
        asked: how.

    Raises:
        ExperimentError: a name is there twice, or DATA has no SNRs.
    """

    def __init__(self, data: Dataset, described: Mapping[str, Alphabet], asked: Asked) -> None:
        known = tuple(map(canonical, data.modulations))
        self.names = (*known, *map(_spelled, described))
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ExperimentError(f"{', '.join(twice)}: described, and among the windows of DATA")
        if not np.isfinite(data.snr_db).all():
            raise ExperimentError("DATA has windows without an SNR, at which features are drawn")
        self._alphabets, self._seen = list(described.values()), len(known)
        self._network = CharacteristicNet(2, asked.samples_per_symbol, asked.roll_off).eval()
        parts = split(data, _FRACTIONS, asked.seed).parts
        train, validation, self._test = (
            self._part(data, parts[name]) for name in ("train", "validation", "test")
        )
        settings = DrawnSettings(kind="recognise-described", per=asked.per)
        generator = torch.Generator().manual_seed(asked.seed)
        samples = int(data.x.shape[2])
        self._score = described_score(
            settings, train, self._alphabets, self._network, samples, generator
        )
        self._drawn = [
            self._network.drawn(one, _levels(train, asked.per), samples, generator).numpy()
            for one in self._alphabets
        ]
        strange = self._score(validation.features).max(axis=1)
        self._least = float(np.quantile(strange, 1 - asked.accept))
        self._samples = samples

    def answers(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Return for each row the number of its name, or that of `unknown` after all of them."""
        scores = self._score(features)
        found = scores.argmax(axis=1)
        return np.where(scores.max(axis=1) < self._least, len(self.names), found)

    def expected(self) -> dict[str, Any]:
        """Return what to expect: of DATA's own windows, held out, and of the described as drawn."""
        told: dict[str, Any] = {}
        for number, name in enumerate(self.names):
            own = number < self._seen
            rows = (
                self._test.features[self._test.labels == number]
                if own
                else self._drawn[number - self._seen]
            )
            counts = np.bincount(self.answers(rows), minlength=len(self.names) + 1)
            others = np.delete(counts, number)
            most = [*self.names, UNKNOWN]
            del most[number]
            told[name] = {
                "described": not own,
                "windows": int(counts.sum()),
                "recall": float(counts[number] / counts.sum()) if counts.sum() else None,
                "taken_for": most[int(others.argmax())] if others.any() else None,
            }
            if not own:
                alphabet = self._alphabets[number - self._seen]
                told[name]["attributes"] = asdict(attributes_of_alphabet(alphabet))
        return told

    def recognise(self, data: Dataset) -> tuple[Numbers, dict[str, Any]]:
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
        by_label = {
            _spelled(label): _counted(answers[data.modulation == number], names)
            for number, label in enumerate(data.modulations)
            if (data.modulation == number).any()
        }
        told = {"windows": len(data), "recognised": _counted(answers, names), "by_label": by_label}
        return answers, told

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


def _levels(train: Part, per: int) -> torch.Tensor:
    return torch.from_numpy(np.unique(np.round(train.snr_db))).repeat_interleave(per)


def _spelled(name: str) -> str:
    """Return a canonical label where the table has the name, and the name itself otherwise."""
    try:
        return canonical(name)
    except HertzianError:
        return name.strip()


def _counted(answers: Numbers, names: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(answers, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}
