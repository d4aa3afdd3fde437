"""Stages of the likelihood: as a classifier of the test part, and as a bound to networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator
from scipy.stats import norm

from hertzian.evaluation.bound import BOUNDS, LikelihoodClassifier, keyed
from hertzian.experiments.arrays import read_arrays
from hertzian.experiments.classifiers.data import SplitData, bar, split_data
from hertzian.experiments.classifiers.tested import Answers, answers_block
from hertzian.experiments.comparisons import PREDICTIONS
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.training import batch_loader

_BATCH = 1024


class LikelihoodSettings(StageSettings):
    """`classifier` is one of `evaluation.bound.BOUNDS`."""

    data: str = "data"
    classifier: str = "likelihood"
    confusion_at: tuple[int, ...] = ()

    @field_validator("classifier")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in BOUNDS:
            raise ValueError(f"no likelihood is called {name!r}; known are {', '.join(BOUNDS)}")
        return name


@stage("likelihood", LikelihoodSettings)
def likelihood(settings: LikelihoodSettings, context: StageContext) -> StageOutcome:
    """Classify the test part by its likelihood."""
    data = split_data(context, settings.data)
    name = context.folder.name
    answers = Answers(_logits(settings.classifier, data), data.labels("test"), data.classes)
    block = answers_block(answers, data, name, context.folder, settings.confusion_at)
    context.log(f"{name}: {100 * block['accuracy']:.2f}% of the test")
    return StageOutcome(metrics={name: block})


def _logits(classifier: str, data: SplitData) -> npt.NDArray[np.float32]:
    """Return log-likelihoods [n, classes] of the test part, that of the likeliest being zero."""
    what = data.dataset.preset or "the file"
    snr_db, windows = data.snr_db("test"), data.part("test")
    asked = LikelihoodClassifier(
        classifier, keyed(data.dataset, what), data.classes, data.dataset.snr_db
    )
    found = []
    with bar("likelihoods", len(windows)) as advance:
        first = 0
        for x, *_ in batch_loader(windows, _BATCH, None):
            found.append(asked.log_likelihoods(x.numpy(), snr_db[first : first + len(x)]))
            first += len(x)
            advance(len(x))
    scores = np.concatenate(found)
    # differences alone matter, and single precision holds these
    return np.asarray(scores - scores.max(axis=1, keepdims=True), dtype=np.float32)


class DistanceSettings(StageSettings):
    """`bound` is a stage of kind `likelihood`, `networks` stages that were tested on the same data.

    `share` is the confidence of all intervals together.
    """

    bound: str
    networks: tuple[str, ...] = Field(min_length=1)
    share: float = Field(default=0.99, gt=0.5, lt=1)


@stage("distance-to-bound", DistanceSettings, per_seed=True)
def distance(settings: DistanceSettings, context: StageContext) -> StageOutcome:
    """Measure how far below a bound networks are at each SNR, and whether any is above it."""
    bound = _predictions(context.output(settings.bound))
    levels = np.unique(np.rint(bound["snr_db"])).astype(int)
    # Bonferroni: an interval for each network at each SNR, all of which hold with this confidence
    many = len(settings.networks) * len(levels)
    reach = float(norm.ppf(1 - (1 - settings.share) / (2 * many)))
    found: dict[str, Any] = {}
    for name in settings.networks:
        theirs = _predictions(context.output(name))
        if str(theirs["examples"]) != str(bound["examples"]):
            raise ExperimentError(
                f"stages {settings.bound} and {name} were tested on different windows; give both "
                f"the same data"
            )
        found[name] = _distances(_right(bound), _right(theirs), bound["snr_db"], levels, reach)
    above = [name for name, one in found.items() if any(top < 0 for top in one["upper"].values())]
    for name, one in found.items():
        context.log(f"{name}: {100 * one['mean']:.2f} points below {settings.bound}")
    return StageOutcome(
        metrics={
            context.folder.parent.name: {
                "bound": settings.bound,
                "share": settings.share,
                "distance": found,
                "above_bound": above,
            }
        }
    )


def _distances(
    bound: npt.NDArray[np.bool_],
    network: npt.NDArray[np.bool_],
    snr_db: npt.NDArray[Any],
    levels: npt.NDArray[Any],
    reach: float,
) -> dict[str, Any]:
    """Return differences paired by window, at each SNR with an interval, and their mean.

    The interval is Agresti and Min's (Simple improved confidence intervals for comparing matched
    proportions, 2005): half an example more in each of the four cells, so that no difference at all
    is no certainty.
    """
    by_snr, lower, upper = {}, {}, {}
    rounded = np.rint(snr_db)
    for level in levels:
        at = rounded == level
        better = float((bound & ~network)[at].sum())
        worse = float((~bound & network)[at].sum())
        count = float(at.sum())
        by_snr[str(level)] = (better - worse) / count
        gain, total = better - worse, count + 2
        either = better + worse + 1
        spread = reach * np.sqrt(max(either - gain**2 / total, 0.0)) / total
        lower[str(level)] = float(gain / total - spread)
        upper[str(level)] = float(gain / total + spread)
    mean = float(np.mean(list(by_snr.values())))
    return {"mean": mean, "by_snr": by_snr, "lower": lower, "upper": upper}


def _right(predictions: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    right: npt.NDArray[np.bool_] = (
        predictions["probabilities"].argmax(axis=1) == predictions["truth"]
    )
    return right


def _predictions(folder: Path) -> Mapping[str, npt.NDArray[Any]]:
    wanted = ("probabilities", "truth", "snr_db", "examples")
    return read_arrays(folder / PREDICTIONS, "the predictions of a stage", wanted)
