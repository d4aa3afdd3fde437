"""The stage that grows trees on classical features, `boosted-features`."""

from typing import Any

import torch
from pydantic import Field
from torch import nn

from hertzian.deployment.export import save_safetensors
from hertzian.experiments.classifiers.data import SplitData, bar, split_data
from hertzian.experiments.classifiers.tested import answers_of, test_block
from hertzian.experiments.classifiers.train import (
    WEIGHTS,
    TrainSettings,
    fresh_network,
    stage_name,
)
from hertzian.experiments.stages import ExperimentError, StageContext, StageOutcome, stage
from hertzian.models.boosted_features import BoostedFeatures
from hertzian.training.boosting import grow


class BoostedSettings(TrainSettings):
    """`epochs` are rounds of boosting, a tree of each class; batches and schedules don't count."""

    model: str = "boosted-features"
    epochs: int = Field(default=150, ge=1)
    learning_rate: float = Field(default=0.1, gt=0)

    def network(self, data: SplitData) -> nn.Module:
        """Return fresh trees for windows of this length."""
        told: dict[str, Any] = {"samples": data.samples, **self.options, "rounds": self.epochs}
        return BoostedFeatures(len(data.classes), **told)


@stage("train-boosted", BoostedSettings, per_seed=True)
def train_boosted(settings: BoostedSettings, context: StageContext) -> StageOutcome:
    """Describe every window, grow trees, and test them."""
    data = split_data(context, settings.data)
    model = fresh_network(settings, context, data)
    if not isinstance(model, BoostedFeatures):
        raise ExperimentError(f"{settings.model} has no trees to grow; boosted-features has")
    parts = {}
    for name in ("train", "validation"):
        windows = data.part(name)
        with bar(f"features of the {name} part", len(windows)) as advance:

            def described(x: torch.Tensor, told: Any = advance) -> torch.Tensor:
                told(len(x))
                found: torch.Tensor = model.describe(x)
                return found

            parts[name] = answers_of(described, windows), data.labels(name)
    losses = grow(
        model.trees,
        parts["train"],
        parts["validation"],
        learning_rate=settings.learning_rate,
        seed=context.seed,
        threads=settings.threads or torch.get_num_threads(),
    )
    save_safetensors(model, context.folder / WEIGHTS)
    name = stage_name(context)
    block = test_block(model, data, name, context.folder, settings.confusion_at)
    block |= {"epochs": losses.index(min(losses)) + 1}
    context.log(f"{name}: {100 * block['accuracy']:.2f}% of the test, {block['epochs']} rounds")
    return StageOutcome(metrics={name: block})
