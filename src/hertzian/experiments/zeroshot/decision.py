"""How scores of seen and unseen classes become a decision, and what it is worth.

What is seen taught the scores, so that they favour it. All rules here are set by seen windows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hertzian.evaluation import evaluation_block, evaluation_curves, softmax
from hertzian.experiments.classifiers.data import split_data
from hertzian.experiments.classifiers.tested import embeddings
from hertzian.experiments.classifiers.train import stage_name
from hertzian.experiments.stages import ExperimentError, StageContext, StageSettings
from hertzian.experiments.zeroshot.features import Extracted, Features, Labels
from hertzian.recordings import atomic_path
from hertzian.training.discriminant import ClassGaussians

Rule = Literal["scores", "stacked", "gate"]
Rows = npt.NDArray[np.floating[Any]]
Score = Callable[[Features], Rows]
"""Features [n, length] -> scores [n, classes], those of seen classes first."""

_FILE = "decision.npz"
_STEPS = 201


class DecisionSettings(StageSettings):
    """How seen and unseen classes are told apart in the generalised setting.

    `unseen` names a stage `dataset` of one part, `test`, whose windows are opened when all is
    learnt. `decide_by` is "scores", the largest of all; "stacked", after taking from those of seen
    classes a number (calibrated stacking: Chao et al., An empirical study and analysis of
    generalized zero-shot learning, 2016, eq. 4); or "gate": windows that fit no seen class's
    features at any SNR are one of the unseen, all others one of the seen (after Chen et al., A
    boundary based out-of-distribution classifier for generalized zero-shot learning, 2020; the
    Gaussians are ours, see `training.discriminant`, which has `pooled` and `shrunk`). Number and
    gate leave the share `accept` of the seen windows of the validation part to the seen classes.
    """

    unseen: str
    decide_by: Rule = "scores"
    accept: float = Field(default=0.95, gt=0, lt=1)
    pooled: float = Field(default=0.5, ge=0, le=1)
    shrunk: float = Field(default=0.1, ge=0, le=1)
    confusion_at: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tested:
    """The test part of seen classes, and the windows of unseen ones.

    Attributes:
        features: [n, length].
        truth: [n], numbers of all classes.
        snr_db: [n].
    """

    features: Features
    truth: Labels
    snr_db: npt.NDArray[np.float32]

    @classmethod
    def opened(cls, known: Extracted, unseen: str, context: StageContext) -> "Tested":
        """Open the windows of the stage `unseen`, for the first time.

        Raises:
            ExperimentError: they are of other classes than were described.
        """
        other = split_data(context, unseen)
        if set(other.classes) != set(known.vectors.unseen):
            raise ExperimentError(
                f"stage {unseen} has windows of {', '.join(other.classes)}; described as unseen "
                f"are {', '.join(known.vectors.unseen)}"
            )
        numbers = np.array([known.vectors.classes.index(name) for name in other.classes])
        features = (known.features("test"), embeddings(known.network, other.part("test")))
        labels = (known.data.labels("test"), numbers[other.labels("test")])
        snr_db = (known.data.snr_db("test"), other.snr_db("test"))
        return cls(np.concatenate(features), np.concatenate(labels), np.concatenate(snr_db))


class Decision:
    """The rules, as seen windows have set them.

    Args:
        settings: of the stage.
        known: what it may know; parts of it are opened.
        score: what gives its scores.
    """

    def __init__(self, settings: DecisionSettings, known: Extracted, score: Score) -> None:
        self.settings, self.known, self.score = settings, known, score
        self._gaussians = ClassGaussians(
            known.features("train"),
            known.data.labels("train"),
            np.round(known.data.snr_db("train")),
            pooled=settings.pooled,
            shrunk=settings.shrunk,
        )
        features = known.features("validation")
        strange = self._strangeness(features, score(features))
        self.limits: dict[Rule, float] = {
            rule: float(np.quantile(found, settings.accept)) for rule, found in strange.items()
        }

    def save(self, context: StageContext) -> None:
        """Write the limits to the stage's folder."""
        with atomic_path(context.folder / _FILE) as partial, partial.open("wb") as file:
            np.savez(file, stacked=self.limits["stacked"], gate=self.limits["gate"])

    def _strangeness(self, features: Features, scores: Rows) -> dict[Rule, Rows]:
        """Return by each rule how much speaks for the unseen classes, [n]."""
        seen = self.known.vectors.seen
        ahead = scores[:, seen:].max(axis=1) - scores[:, :seen].max(axis=1)
        return {"stacked": ahead, "gate": -self._gaussians.log_density(features)}

    def block(self, tested: "Tested", context: StageContext) -> dict[str, Any]:
        """Return the metrics of the stage's rule.

        `decisions` has all rules beside each other; their `area` is that under the curve of unseen
        over seen as the rule's limit moves (Chao et al. 2016, AUSUC).
        """
        truth, scores = tested.truth, self.score(tested.features)
        strange = self._strangeness(tested.features, scores)
        decided = {"scores": scores.argmax(axis=1)}
        found: dict[str, dict[str, float]] = {"scores": self._shares(decided["scores"], truth)}
        for rule, strangeness in strange.items():
            decided[rule] = self._chosen(scores, strangeness > self.limits[rule]).argmax(axis=1)
            area = self._area(scores, strangeness, truth)
            found[rule] = {**self._shares(decided[rule], truth), "area": area}
        rule = self.settings.decide_by
        told = scores
        if rule != "scores":
            told = self._chosen(scores, strange[rule] > self.limits[rule])
        own = found[rule]
        name = stage_name(context)
        context.log(
            f"{name}: {100 * own['seen']:.2f}% of seen, {100 * own['unseen']:.2f}% of unseen "
            f"classes, harmonic mean {100 * own['harmonic_mean']:.2f}%"
        )
        common: dict[str, Any] = {
            **{"classes": self.known.vectors.classes, "probabilities": softmax(told)},
            **{"truth": truth, "snr_db": tested.snr_db},
        }
        return {
            **evaluation_block(model=name, data="test parts, seen and unseen", **common),
            **evaluation_curves(confusion_at=self.settings.confusion_at, **common),
            **{key: own[key] for key in ("seen", "unseen", "harmonic_mean")},
            "decisions": found,
        }

    def _chosen(self, scores: Rows, strange: npt.NDArray[np.bool_]) -> Rows:
        """Return scores of which only those of the unseen are left where `strange` says so."""
        numbers = np.arange(scores.shape[1]) >= self.known.vectors.seen
        return np.where(numbers == strange[:, None], scores, -np.inf)

    def _shares(self, decided: Labels, truth: Labels) -> dict[str, float]:
        """Return the mean recall of seen and of unseen classes, their harmonic mean (eq. 8)."""
        right, count = decided == truth, len(self.known.vectors.classes)
        shares = [float(right[truth == number].mean()) for number in range(count)]
        seen = float(np.mean(shares[: self.known.vectors.seen]))
        unseen = float(np.mean(shares[self.known.vectors.seen :]))
        harmonic = 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0
        told = {"seen": seen, "unseen": unseen, "harmonic_mean": harmonic}
        return {**told, "accuracy": float(right.mean())}

    def _area(self, scores: Rows, strangeness: Rows, truth: Labels) -> float:
        """Return the area under unseen over seen, both 0..1, as the limit moves."""
        limits = np.quantile(strangeness, np.linspace(0, 1, _STEPS))
        shares = [
            self._shares(self._chosen(scores, strangeness > limit).argmax(axis=1), truth)
            for limit in (-np.inf, *limits)
        ]
        seen, unseen = (np.array([one[key] for one in shares]) for key in ("seen", "unseen"))
        return float(np.trapezoid(unseen, seen))
