"""The stage `recognise-unseen`: a classifier of real features of seen and generated of unseen."""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from hertzian.experiments.classifiers.train import fit_network, stage_name
from hertzian.experiments.stages import StageContext, StageOutcome, stage
from hertzian.experiments.zeroshot.decision import DecisionSettings, Rows, decided, distances
from hertzian.experiments.zeroshot.features import Extracted, Features, Labels, Part, generator_of
from hertzian.models.sigzslnet import FeatureClassifier, FeatureGan
from hertzian.training import Classifier, Mixed, Precision
from hertzian.training.feature_gan import FeatureRows

_SHOWN = 1000


class RecogniseSettings(DecisionSettings):
    """A classifier of real features of seen classes and generated ones of unseen classes.

    Of each unseen class it learns from `per` generated ones, by default as many as a seen class
    has windows in the mean.
    """

    generator: str
    per: int | None = Field(default=None, ge=1)
    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    stop_after: int | None = Field(default=5, ge=1)
    precision: Precision | Literal["auto"] = "32-true"
    threads: int | None = Field(default=None, ge=1)


@stage("recognise-unseen", RecogniseSettings, per_seed=True)
def recognise_unseen(settings: RecogniseSettings, context: StageContext) -> StageOutcome:
    """Learn to tell seen and unseen classes apart, and test it on both (generalised setting)."""
    known, gan = generator_of(context, settings.generator)
    torch.manual_seed(context.seed)
    train, validation = (
        _with_generated(known, gan, part, settings.per) for part in ("train", "validation")
    )
    model = FeatureClassifier(train[0].shape[1], len(known.vectors.classes))
    learner = Classifier(
        model,
        len(known.vectors.classes),
        settings.learning_rate,
        stop_after=settings.stop_after,
    )
    result = fit_network(
        settings, context, learner, FeatureRows(*train), Mixed(FeatureRows(*validation))
    )
    model.cpu().eval()

    def score(features: Features) -> Rows:
        with torch.no_grad():
            scores: Rows = model(_normalised(gan, features)).numpy()
        return scores

    block, tested = decided(settings, known, score, context)
    block["distances"] = _distances(known, gan, tested)
    return StageOutcome(metrics={stage_name(context): {**block, "epochs": result.epochs}})


def _with_generated(
    known: Extracted, gan: FeatureGan, part: str, per: int | None
) -> tuple[Features, Labels]:
    """Return normalised features and labels: real ones of seen classes, generated of unseen."""
    real = known.part(part)
    share = len(real.labels) / len(known.data.labels("train"))
    mean = len(real.labels) // known.vectors.seen
    count = mean if per is None else max(1, round(per * share))
    level = torch.from_numpy(known.level(real.snr_db))
    numbers = torch.arange(known.vectors.seen, len(known.vectors.classes)).repeat_interleave(count)
    chosen = level[torch.randint(len(level), (len(numbers),))]
    with torch.no_grad():
        drawn = gan.draw(numbers, chosen).numpy()
    both = np.concatenate([_normalised(gan, real.features).numpy(), drawn])
    return both, np.concatenate([real.labels, numbers.numpy()])


def _normalised(gan: FeatureGan, features: Features) -> torch.Tensor:
    return gan.normalised(torch.from_numpy(features))


def _distances(known: Extracted, gan: FeatureGan, tested: Part) -> dict[str, dict[str, float]]:
    level = torch.linspace(0, 1, _SHOWN)
    with torch.no_grad():
        drawn = {
            number: gan.draw(torch.full((_SHOWN,), number), level).numpy()
            for number in range(known.vectors.seen, len(known.vectors.classes))
        }
    real = replace(tested, features=_normalised(gan, tested.features).numpy())
    return distances(known.vectors, real, drawn)
