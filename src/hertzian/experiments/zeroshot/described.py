"""Stages that recognise unseen classes by what their symbol alphabets make of features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import nn

from hertzian.experiments.classifiers.data import bar, split_data
from hertzian.experiments.classifiers.train import stage_name
from hertzian.experiments.clustering import FreshSettings, asked_network
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    stage,
)
from hertzian.experiments.zeroshot.decision import (
    Classes,
    Decision,
    DecisionSettings,
    RuleSettings,
    Score,
    decided,
    distances,
    gaussians_of,
)
from hertzian.experiments.zeroshot.features import (
    ExtractedSettings,
    Features,
    Part,
    extracted,
    part_of,
)
from hertzian.models.characteristic_net import CharacteristicNet
from hertzian.signal import Alphabet, alphabet_of


@dataclass(frozen=True)
class Drawing:
    """What draws features of described alphabets: as of windows of so many samples."""

    network: CharacteristicNet
    samples: int
    generator: torch.Generator

    def features(self, alphabet: Alphabet, snr_db: npt.NDArray[np.float32]) -> Features:
        """Return a feature vector for each SNR, [n, length].

        Raises:
            HertzianError: an SNR at which nothing can be drawn.
        """
        levels = torch.from_numpy(snr_db.astype(np.float32))
        drawn: Features = self.network.drawn(alphabet, levels, self.samples, self.generator).numpy()
        return drawn


class DrawnSettings(RuleSettings):
    """`per` features are drawn of each unseen class at each SNR, in whole decibels, of the seen."""

    per: int = Field(default=200, ge=2)


class DescribedSettings(ExtractedSettings, DecisionSettings, DrawnSettings):
    """Gaussians of the features of seen windows, and of features drawn from alphabets.

    Scores are log densities (see `training.discriminant`), so that "scores" takes the likeliest
    class. The network is a `characteristic-net`.
    """


@stage("recognise-described", DescribedSettings, per_seed=True)
def recognise_described(settings: DescribedSettings, context: StageContext) -> StageOutcome:
    """Recognise seen classes by their windows and unseen ones by their alphabets."""
    known = extracted(settings, context)
    train, network = known.part("train"), _drawing(known.network, settings.network)
    alphabets = [alphabet_of(name) for name in known.vectors.unseen]
    drawing = Drawing(network, known.data.samples, torch.Generator().manual_seed(context.seed))
    score = described_score(settings, train, known.vectors.seen, alphabets, drawing)
    block, tested = decided(settings, known, score, context)
    levels = drawn_levels(train, settings.per)
    drawn = {
        number: drawing.features(alphabet, levels)
        for number, alphabet in enumerate(alphabets, known.vectors.seen)
    }
    block["distances"] = distances(known.vectors, tested, drawn)
    return StageOutcome(metrics={stage_name(context): block})


class LeaveOneOutSettings(DrawnSettings):
    """`network` is a stage `fresh-network`: what it had learnt, it would have from all classes."""

    data: str = "data"
    network: str


@stage("leave-one-out", LeaveOneOutSettings, per_seed=True)
def leave_one_out(settings: LeaveOneOutSettings, context: StageContext) -> StageOutcome:
    """Take each class in turn as unseen, and recognise it among all others."""
    if not isinstance(context.stages[settings.network], FreshSettings):
        raise ExperimentError(
            f"stage {settings.network} may have learnt from the classes that are left out; expected"
            f" a stage of kind 'fresh-network'"
        )
    data = split_data(context, settings.data)
    network = _drawing(asked_network(context, settings.network, data), settings.network)
    parts = {name: part_of(network, data, name) for name in ("train", "validation", "test")}
    found = {}
    with bar("classes", len(data.classes)) as advance:
        for name in data.classes:
            generator = torch.Generator().manual_seed(context.seed)
            drawing = Drawing(network, data.samples, generator)
            found[name] = without(settings, parts, data.classes, name, drawing)
            advance(1)
            told = found[name]["rules"][settings.decide_by]
            context.log(
                f"without {name}: {100 * told['seen']:.2f}% of the others, "
                f"{100 * told['unseen']:.2f}% of it, harmonic mean "
                f"{100 * told['harmonic_mean']:.2f}%"
            )
    means = [one["rules"][settings.decide_by]["harmonic_mean"] for one in found.values()]
    told = {"harmonic_mean": float(np.mean(means)), "least": float(min(means))}
    return StageOutcome(metrics={stage_name(context): {**told, "left_out": found}})


def drawn_levels(train: Part, per: int) -> npt.NDArray[np.float32]:
    """Return the SNRs of windows in whole decibels, each `per` times."""
    return np.unique(np.round(train.snr_db)).repeat(per)


def described_score(
    settings: DrawnSettings,
    train: Part,
    seen: int,
    alphabets: Sequence[Alphabet],
    drawing: Drawing,
) -> Score:
    """Return what gives the log densities of seen and described classes, [n, classes].

    Args:
        settings: of the Gaussians, and how many features are drawn.
        train: windows of seen classes.
        seen: number of these.
        alphabets: of the described classes, whose numbers follow.
        drawing: of whose windows features are drawn.

    Raises:
        HertzianError: SNRs at which nothing can be drawn.
    """
    levels = drawn_levels(train, settings.per)
    drawn = [drawing.features(one, levels) for one in alphabets]
    numbers = np.arange(seen, seen + len(alphabets)).repeat(len(levels))
    both = Part(
        np.concatenate([train.features, *drawn]),
        np.concatenate([train.labels, numbers]),
        np.concatenate([train.snr_db, *[levels] * len(alphabets)]),
    )
    return gaussians_of(settings, both, seen + len(alphabets)).log_densities


def without(
    settings: LeaveOneOutSettings,
    parts: Mapping[str, Part],
    classes: Sequence[str],
    name: str,
    drawing: Drawing,
) -> dict[str, Any]:
    """Return what each rule is worth where a class is known by its alphabet alone.

    Of the windows of `name` those of the part `test` alone count.
    """
    left = classes.index(name)
    order = np.array([*range(left), len(classes) - 1, *range(left, len(classes) - 1)])
    told = {
        key: Part(part.features, order[part.labels], part.snr_db) for key, part in parts.items()
    }
    seen = len(classes) - 1
    train, validation = (
        told[key].taken(told[key].labels < seen) for key in ("train", "validation")
    )
    score = described_score(settings, train, seen, [alphabet_of(name)], drawing)
    names = [*(one for one in classes if one != name), name]
    decision = Decision(settings, Classes(names, seen), train, validation, score)
    own = told["test"].taken(told["test"].labels == seen)
    answers = decision.decide(own.features, settings.decide_by).argmax(axis=1)
    levels = np.unique(np.round(own.snr_db))
    by_snr = {f"{level:g}": answers[np.round(own.snr_db) == level] == seen for level in levels}
    others = np.bincount(answers, minlength=seen + 1)[:seen]
    return {
        "rules": decision.compare(told["test"]),
        "recall_by_snr": {level: float(right.mean()) for level, right in by_snr.items()},
        "taken_for": names[int(others.argmax())] if others.any() else None,
    }


def _drawing(network: nn.Module, name: str) -> CharacteristicNet:
    if not isinstance(network, CharacteristicNet):
        raise ExperimentError(
            f"stage {name}: features are drawn from alphabets by a characteristic-net alone, not "
            f"by a {type(network).__name__}"
        )
    return network
