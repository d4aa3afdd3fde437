"""How scores of seen and unseen classes become a decision, and what it is worth.

What is seen taught the scores, so that they favour it. All rules here are set by seen windows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hertzian.evaluation import evaluation_block, evaluation_curves, softmax
from hertzian.experiments.classifiers.train import stage_name
from hertzian.experiments.stages import StageContext, StageSettings
from hertzian.experiments.zeroshot.features import Extracted, Features, Labels, Part, open_test
from hertzian.experiments.zeroshot.vectors import ClassVectors
from hertzian.recordings import atomic_path
from hertzian.training.discriminant import ClassGaussians

Rule = Literal["scores", "stacked", "gate"]
Rows = npt.NDArray[np.floating[Any]]
Score = Callable[[Features], Rows]
"""Features [n, length] -> scores [n, classes], those of seen classes first."""

_FILE = "decision.npz"
_STEPS = 201


class RuleSettings(StageSettings):
    """How seen and unseen classes are told apart in the generalised setting.

    `decide_by` is "scores", the largest of all; "stacked", after taking from those of seen classes
    a number (calibrated stacking: Chao et al., An empirical study and analysis of generalized
    zero-shot learning, 2016, eq. 4); or "gate": windows that fit no seen class's features at any
    SNR are one of the unseen, all others one of the seen (after Chen et al., A boundary based
    out-of-distribution classifier for generalized zero-shot learning, 2020; the Gaussians are ours,
    see `training.discriminant`, which has `pooled` and `shrunk`). Number and gate leave the share
    `accept` of the seen windows of the validation part to the seen classes.
    """

    decide_by: Rule = "scores"
    accept: float = Field(default=0.95, gt=0, lt=1)
    pooled: float = Field(default=0.5, ge=0, le=1)
    shrunk: float = Field(default=0.1, ge=0, le=1)


class DecisionSettings(RuleSettings):
    """`unseen` names a stage `dataset` of one part, `test`, opened when all is learnt."""

    unseen: str
    confusion_at: tuple[int, ...] = ()


@dataclass(frozen=True)
class Classes:
    """Canonical labels, those of the `seen` first."""

    names: Sequence[str]
    seen: int


class Decision:
    """The rules, as windows of seen classes have set them.

    Args:
        settings: of the stage.
        classes: all of them.
        train: windows of seen classes that have taught the scores.
        validation: others, which have not.
        score: what gives the scores.
    """

    def __init__(
        self,
        settings: RuleSettings,
        classes: Classes,
        train: Part,
        validation: Part,
        score: Score,
    ) -> None:
        self.settings, self.classes, self.score = settings, classes, score
        self._gaussians = gaussians_of(settings, train, classes.seen)
        strange = self._strangeness(validation.features, score(validation.features))
        self.limits: dict[Rule, float] = {
            rule: float(np.quantile(found, settings.accept)) for rule, found in strange.items()
        }

    def save(self, context: StageContext) -> None:
        """Write the limits to the stage's folder."""
        with atomic_path(context.folder / _FILE) as partial, partial.open("wb") as file:
            np.savez(file, stacked=self.limits["stacked"], gate=self.limits["gate"])

    def decide(self, features: Features, rule: Rule) -> Rows:
        """Return scores [n, classes] of which the largest is the decision by a rule."""
        scores = self.score(features)
        if rule == "scores":
            return scores
        return self._chosen(scores, self._strangeness(features, scores)[rule] > self.limits[rule])

    def compare(self, tested: Part) -> dict[str, dict[str, float]]:
        """Return what each rule is worth: `seen`, `unseen`, `harmonic_mean`, `accuracy`.

        The harmonic mean is that of SigZSLNet, eq. 8. `area`, of rules with a limit, is that under
        the curve of unseen over seen as the limit moves (Chao et al. 2016, AUSUC).
        """
        truth, scores = tested.labels, self.score(tested.features)
        found = {"scores": self._shares(scores.argmax(axis=1), truth)}
        for rule, strange in self._strangeness(tested.features, scores).items():
            decided = self._chosen(scores, strange > self.limits[rule]).argmax(axis=1)
            area = self._area(scores, strange, truth)
            found[rule] = {**self._shares(decided, truth), "area": area}
        return found

    def _strangeness(self, features: Features, scores: Rows) -> dict[Rule, Rows]:
        """Return by each rule how much speaks for the unseen classes, [n]."""
        seen = self.classes.seen
        ahead = scores[:, seen:].max(axis=1) - scores[:, :seen].max(axis=1)
        return {"stacked": ahead, "gate": -self._gaussians.log_density(features)}

    def _chosen(self, scores: Rows, strange: npt.NDArray[np.bool_]) -> Rows:
        """Return scores of which only those of the unseen are left where `strange` says so."""
        unseen = np.arange(scores.shape[1]) >= self.classes.seen
        return np.where(unseen == strange[:, None], scores, -np.inf)

    def _shares(self, decided: Labels, truth: Labels) -> dict[str, float]:
        right = decided == truth
        shares = [float(right[truth == one].mean()) for one in range(len(self.classes.names))]
        seen = float(np.mean(shares[: self.classes.seen]))
        unseen = float(np.mean(shares[self.classes.seen :]))
        harmonic = 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0
        told = {"seen": seen, "unseen": unseen, "harmonic_mean": harmonic}
        return {**told, "accuracy": float(right.mean())}

    def _area(self, scores: Rows, strange: Rows, truth: Labels) -> float:
        limits = np.quantile(strange, np.linspace(0, 1, _STEPS))
        shares = [
            self._shares(self._chosen(scores, strange > limit).argmax(axis=1), truth)
            for limit in (-np.inf, *limits)
        ]
        seen, unseen = (np.array([one[key] for one in shares]) for key in ("seen", "unseen"))
        return float(np.trapezoid(unseen, seen))


def gaussians_of(settings: RuleSettings, part: Part, classes: int) -> ClassGaussians:
    """Return the Gaussians of the classes of a part, at its SNRs in whole decibels."""
    return ClassGaussians(
        part.features,
        part.labels,
        np.round(part.snr_db),
        classes,
        pooled=settings.pooled,
        shrunk=settings.shrunk,
    )


def distances(
    vectors: ClassVectors, tested: Part, drawn: Mapping[int, Features]
) -> dict[str, dict[str, float]]:
    """Return how far the means of what is drawn of classes are from means of real features.

    `own` is the distance to the class's own, `nearest_seen` the least to a seen class's.

    Args:
        vectors: have the names of the classes.
        tested: real features.
        drawn: number of a class -> features [n, length] in the same units.
    """
    means = np.stack(
        [tested.features[tested.labels == one].mean(axis=0) for one in range(len(vectors.classes))]
    )
    found = {}
    for number, features in drawn.items():
        apart = np.linalg.norm(means - features.mean(axis=0), axis=1)
        nearest = float(apart[: vectors.seen].min())
        told = {"own": float(apart[number]), "nearest_seen": nearest}
        found[vectors.classes[number]] = told
    return found


def decided(
    settings: DecisionSettings, known: Extracted, score: Score, context: StageContext
) -> tuple[dict[str, Any], Part]:
    """Set the rules, then open the test; return the metrics of the stage's rule, and the test.

    `decisions` among them has all rules beside each other.
    """
    classes = Classes(known.vectors.classes, known.vectors.seen)
    decision = Decision(settings, classes, known.part("train"), known.part("validation"), score)
    decision.save(context)
    tested = open_test(known, settings.unseen, context)
    compared = decision.compare(tested)
    own, name = compared[settings.decide_by], stage_name(context)
    context.log(
        f"{name}: {100 * own['seen']:.2f}% of seen, {100 * own['unseen']:.2f}% of unseen classes, "
        f"harmonic mean {100 * own['harmonic_mean']:.2f}%"
    )
    common: dict[str, Any] = {
        "classes": classes.names,
        "probabilities": softmax(decision.decide(tested.features, settings.decide_by)),
        "truth": tested.labels,
        "snr_db": tested.snr_db,
    }
    block = {
        **evaluation_block(model=name, data="test parts, seen and unseen", **common),
        **evaluation_curves(confusion_at=settings.confusion_at, **common),
        **{key: own[key] for key in ("seen", "unseen", "harmonic_mean")},
        "decisions": compared,
    }
    return block, tested
