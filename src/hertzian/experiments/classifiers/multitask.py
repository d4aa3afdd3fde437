"""Stages that train a network with several heads, and test one of them.

A head is tested by a stage of its own, so that recipes compare, print and draw heads as they do
networks.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator
from torch import nn

from hertzian.evaluation import error_block
from hertzian.experiments.classifiers.answering import Answering, answering
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.tested import Answers, answers_block, columns, size_of
from hertzian.experiments.classifiers.train import (
    TrainSettings,
    fit_network,
    fresh_network,
    source_of,
    stage_name,
)
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models import MultiHead, build
from hertzian.models.heads import Quantity
from hertzian.signal import MODULATION, POSITIVE, PROTOCOL, QUANTITIES
from hertzian.training import MultiTask, TaskDataset, history

# Jagannath and Jagannath 2022, section IV-A.
_WEIGHTS = {MODULATION: 0.2, PROTOCOL: 0.8}


class MultiTaskSettings(TrainSettings):
    """Names modulation and protocol at once, and estimates `quantities`.

    `weights` are those of the heads' losses, by name; null learns them (`training.MultiTask`).
    The default is the paper's, of two heads.
    """

    weights: dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        default_factory=lambda: dict(_WEIGHTS)
    )
    quantities: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "MultiTaskSettings":
        unknown = [name for name in self.quantities if name not in QUANTITIES]
        if unknown:
            raise ValueError(f"quantities: {unknown[0]!r} is none of {', '.join(QUANTITIES)}")
        if len(set(self.quantities)) != len(self.quantities):
            raise ValueError("quantities: one comes twice")
        self._check_weights()
        if self.compiled:
            raise ValueError("compiled: a network with several heads can't be")
        return self

    def _check_weights(self) -> None:
        """Check the names: of the data's protocols, which may be none, only they know."""
        if self.weights is None:
            return
        needed, possible = {MODULATION, *self.quantities}, {PROTOCOL}
        if not needed <= set(self.weights) <= needed | possible or not any(self.weights.values()):
            heads = ", ".join((MODULATION, PROTOCOL, *self.quantities))
            raise ValueError(
                f"weights: expected one for each of {heads}, not all of them 0, or null to learn "
                f"them; found {self.weights}"
            )

    def network(self, data: SplitData) -> nn.Module:
        """Return the network with fresh weights, for the classes of these data."""
        options: dict[str, Any] = dict(self.options)
        return build(
            self.model,
            data.classes,
            protocols=data.protocols,
            quantities=self.quantities,
            **options,
        )


@stage("train-multitask", MultiTaskSettings, per_seed=True)
def train_multitask(settings: MultiTaskSettings, context: StageContext) -> StageOutcome:
    """Train every head at once; a stage `test-head` tests one."""
    data = split_data(context, settings.data)
    model = fresh_network(settings, context, data)
    if not isinstance(model, MultiHead):
        raise ExperimentError(
            f"{data.dataset.preset or 'the file'} names no protocols and no quantities are asked "
            f"for: there is one task, which a stage of kind 'train-classifier' learns"
        )
    _standardise(model, data)
    learner = MultiTask(
        model, settings.learning_rate, weights=settings.weights, **settings.schedule()
    )
    parts = [_told(data, part, model) for part in ("train", "validation")]
    result = fit_network(settings, context, learner, *parts)
    name = stage_name(context)
    found: dict[str, Any] = {"epochs": result.epochs, "precision": result.precision}
    if learner.log_variances is not None:
        scales = learner.log_variances.detach().neg().exp().tolist()
        found["loss_weights"] = dict(zip(model.outputs, scales, strict=True))
    found |= {**size_of(model, data.samples), "history": columns(history(context.folder))}
    context.log(f"{name}: {result.epochs} epochs")
    return StageOutcome(metrics={name: found})


def _standardise(model: MultiHead, data: SplitData) -> None:
    for name, head in model.heads.items():
        if isinstance(head, Quantity):
            head.standardise(torch.from_numpy(_target(data, "train", name)))


def _told(data: SplitData, part: str, model: MultiHead) -> TaskDataset:
    others = [name for name in model.outputs if name != MODULATION]
    return TaskDataset(data.part(part), [_target(data, part, name) for name in others])


def _target(data: SplitData, part: str, head: str) -> npt.NDArray[Any]:
    """Return what a head is to say of each window of a part."""
    if head == MODULATION:
        return data.labels(part)
    if head == PROTOCOL:
        return data.protocol_labels(part)
    return data.quantity(part, head)


class HeadSettings(StageSettings):
    """`network` is the stage that trained it; `data` those tested on, or its own test part.

    Data tested on may have some of the classes that were learnt, in any order.
    """

    network: str
    head: str
    data: str | None = None
    confusion_at: tuple[int, ...] = ()


@stage("test-head", HeadSettings, per_seed=True)
def test_head(settings: HeadSettings, context: StageContext) -> StageOutcome:
    """Test one head of a network."""
    learnt = split_data(context, source_of(context, settings.network).data)
    network = answering(context, settings.network)
    data = learnt if settings.data is None else split_data(context, settings.data)
    _refuse_unfit(settings, learnt, data)
    classes = _classes(settings.head, network, learnt, data)
    answers = network.ask(data.part("test"), settings.head)
    truth, name = _target(data, "test", settings.head), stage_name(context)
    if classes:
        truth = _renumbered(truth, _names(settings.head, data), classes)
        said = Answers(answers, truth, classes)
        block = answers_block(said, data, name, context.folder, settings.confusion_at)
        context.log(f"{name}: {100 * block['accuracy']:.2f}%")
    else:
        relative = settings.head in POSITIVE
        block = error_block(
            answers[:, 0],
            truth,
            data.snr_db("test"),
            labels=data.labels("test"),
            classes=data.classes,
            relative=relative,
        )
        error = f"{100 * block['rms_error']:.3g}%" if relative else f"{block['rms_error']:.3g}"
        context.log(f"{name}: root mean square error {error}")
    return StageOutcome(metrics={name: {**block, **network.size}})


def _refuse_unfit(settings: HeadSettings, learnt: SplitData, data: SplitData) -> None:
    """Check that other data than the network's own have windows of its length, and new ones."""
    if settings.data is None:
        return
    if data.samples != learnt.samples:
        raise ExperimentError(
            f"stage {settings.data} has windows of {data.samples} samples, but {settings.network} "
            f"learnt from {learnt.samples}"
        )
    # labels and groups of two generated sets are alike, so that a fingerprint tells files alone
    same_file = not data.identity and data.split.fingerprint == learnt.split.fingerprint
    if same_file or {*data.identity} & {*learnt.identity}:
        raise ExperimentError(
            f"stage {settings.data} has the data that {settings.network} learnt from; give it "
            f"another seed, or leave `data` out to test on the part that was set aside"
        )


def _classes(head: str, network: Answering, learnt: SplitData, data: SplitData) -> Sequence[str]:
    """Return the names of a head's classes, none for a quantity.

    Raises:
        ExperimentError: no such head, or the data tested on have classes that were not learnt.
    """
    if head not in network.heads:
        raise ExperimentError(f"no head {head!r}; the network has {', '.join(network.heads)}")
    if head not in (MODULATION, PROTOCOL):
        return ()
    ours, theirs = (_names(head, one) for one in (learnt, data))
    if not set(theirs) <= set(ours):
        raise ExperimentError(
            f"head {head}: learnt {', '.join(ours)}, but the data tested on have "
            f"{', '.join(theirs)}"
        )
    return ours


def _names(head: str, data: SplitData) -> Sequence[str]:
    return data.classes if head == MODULATION else data.protocols


def _renumbered(
    truth: npt.NDArray[np.int64], theirs: Sequence[str], ours: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Return labels that index `ours` of those that index `theirs`; -1, for none, stays."""
    numbers = np.array([*(ours.index(name) for name in theirs), -1], dtype=np.int64)
    renumbered: npt.NDArray[np.int64] = numbers[truth]
    return renumbered
