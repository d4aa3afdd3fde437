"""Stages that make a trained network smaller: fewer filters, or integers of 8 bits."""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hertzian.deployment.aware import quantize_with_training
from hertzian.deployment.export import export_onnx, save_safetensors
from hertzian.deployment.pruning import prune
from hertzian.deployment.quantization import count_integers, quantize_after_training
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.model import calibrated_metadata
from hertzian.experiments.classifiers.tested import columns, size_of
from hertzian.experiments.classifiers.train import (
    INTEGERS,
    WEIGHTS,
    NetworkSettings,
    TrainSettings,
    source_of,
    stage_name,
    trained,
)
from hertzian.experiments.stages import StageContext, StageOutcome, stage
from hertzian.models import outputs_of
from hertzian.training import FitResult, ImitationPlan, history, imitate, without_randomness


class SmallerSettings(NetworkSettings):
    """`network` is the stage of the network that the smaller one learns to answer as.

    The rest as `training.ImitationPlan` has it.
    """

    network: str
    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    halve_after: int | None = Field(default=1, ge=1)
    stop_after: int | None = Field(default=3, ge=1)
    threads: int | None = Field(default=None, ge=1)

    def source(self, context: StageContext) -> TrainSettings:
        """Return those of the network that was first trained."""
        return source_of(context, self.network)

    def plan(self, seed: int) -> ImitationPlan:
        """Return how the copy learns."""
        kept = self.model_dump(include=set(ImitationPlan.__dataclass_fields__) - {"seed"})
        return ImitationPlan(**kept, seed=seed)


class PruneSettings(SmallerSettings):
    """`keep` is the share of the parameters to keep at most."""

    pruned: ClassVar[bool] = True

    keep: float = Field(gt=0, lt=1)


@stage("prune", PruneSettings, per_seed=True)
def prune_network(settings: PruneSettings, context: StageContext) -> StageOutcome:
    """Take out filters and units, and train what is left to answer as before."""
    original, data = trained(context, settings.network), _data(settings, context)
    smaller = prune(without_randomness(original), data.samples, settings.keep)
    heads = outputs_of(original, len(data.classes))
    windows = data.part("train"), data.part("validation")
    result = imitate(smaller, original, heads, windows, context.folder, settings.plan(context.seed))
    save_safetensors(smaller, context.folder / WEIGHTS)
    return _outcome(context, {**_learnt(context, result), **size_of(smaller, data.samples)})


class QuantizeSettings(SmallerSettings):
    """`method` is "qat", trained to answer as before, or "static", scaled by `windows` of them."""

    in_integers: ClassVar[bool] = True

    method: Literal["static", "qat"] = "qat"
    windows: int = Field(default=1000, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)


@stage("quantize", QuantizeSettings, per_seed=True)
def quantize_network(settings: QuantizeSettings, context: StageContext) -> StageOutcome:
    """Write a network in integers of 8 bits, and count what it stores and computes in them."""
    original, data = trained(context, settings.network), _data(settings, context)
    metadata = calibrated_metadata(context, settings.network)
    out = context.folder / INTEGERS
    found: dict[str, Any] = {}
    if settings.method == "qat":
        windows = data.part("train"), data.part("validation")
        result = quantize_with_training(
            original,
            metadata,
            windows,
            out,
            directory=context.folder,
            plan=settings.plan(context.seed),
        )
        found = _learnt(context, result)
    else:
        floats = context.folder / "floats.onnx"
        export_onnx(original, metadata, floats)
        quantize_after_training(floats, _some(data, settings.windows, context.seed), out)
    context.publish(out, f"{stage_name(context)}.onnx")
    counts = count_integers(out)
    found |= {
        "bytes": counts.bytes,
        "int8_weights": counts.int8_weights,
        "float_weights": counts.float_weights,
        "integer_layers": sum(counts.integer_kernels.values()),
        "float_layers": sum(counts.float_kernels.values()),
    }
    return _outcome(context, {**found, **size_of(original, data.samples)})


def _data(settings: SmallerSettings, context: StageContext) -> SplitData:
    return split_data(context, settings.source(context).data)


def _some(data: SplitData, count: int, seed: int) -> Any:
    """Return windows of the training part, chosen at random."""
    windows = data.part("train")
    rows = np.random.default_rng(seed).permutation(len(windows))[:count]
    return windows[np.sort(rows)][0].numpy()


def _learnt(context: StageContext, result: FitResult) -> dict[str, Any]:
    return {
        "epochs": result.epochs,
        "same_answer": result.best_accuracy,
        "history": columns(history(context.folder)),
    }


def _outcome(context: StageContext, found: dict[str, Any]) -> StageOutcome:
    context.log(
        f"{stage_name(context)}: {found['parameters']:,} parameters"
        + (f", {found['bytes']:,} bytes" if "bytes" in found else "")
    )
    return StageOutcome(metrics={stage_name(context): found})
