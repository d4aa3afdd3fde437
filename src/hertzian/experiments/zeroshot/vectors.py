"""The stage `describe-classes`: a vector for each class, seen or not, from its description.

It sees windows of seen classes alone; of the others it knows the descriptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator

from hertzian.experiments.arrays import read_arrays
from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.train import fit_network, stage_name
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.models.sigzslnet import JointEmbedding
from hertzian.recordings import atomic_path
from hertzian.signal import attributes_of, canonical
from hertzian.signal.descriptions import AS_PRINTED, CORRECTED, Description
from hertzian.training import Mixed, Precision
from hertzian.training.joint_embedding import JointEmbeddingClassifier, semantic_vectors

_FILE = "vectors.npz"
_WORDS = {"as-printed": AS_PRINTED, "corrected": CORRECTED}
_SAMPLES = 1024
_ROUNDING = 1e-6


class DescribeSettings(StageSettings):
    """Vectors of the classes of `data`, and of `unseen` ones.

    `descriptions` are the paper's table 3, "as-printed" or "corrected", or "derived" from the
    symbol alphabets. Vectors are `learnt` from the words by a joint embedding, or else are the
    numbers of the descriptions, in deviations from the mean over the seen classes.
    """

    data: str = "data"
    unseen: tuple[str, ...] = Field(min_length=1)
    descriptions: Literal["as-printed", "corrected", "derived"] = "corrected"
    learnt: bool = True
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    stop_after: int | None = Field(default=5, ge=1)
    precision: Precision | Literal["auto"] = "auto"
    threads: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _words_to_learn(self) -> "DescribeSettings":
        if self.learnt and self.descriptions == "derived":
            raise ValueError("learnt: derived descriptions have no words; say learnt: false")
        if len(set(map(canonical, self.unseen))) < len(self.unseen):
            raise ValueError("unseen: a class is there twice")
        return self


@dataclass(frozen=True)
class ClassVectors:
    """What the stage leaves: canonical labels, those of seen classes first, and their vectors."""

    classes: tuple[str, ...]
    seen: int
    vectors: npt.NDArray[np.float32]

    @property
    def unseen(self) -> tuple[str, ...]:
        """Labels of the classes without windows."""
        return self.classes[self.seen :]


@stage("describe-classes", DescribeSettings, per_seed=True)
def describe_classes(settings: DescribeSettings, context: StageContext) -> StageOutcome:
    """Turn descriptions of classes into vectors."""
    data = split_data(context, settings.data)
    unseen = tuple(map(canonical, settings.unseen))
    shared = sorted(set(unseen) & set(data.classes))
    if shared:
        raise ExperimentError(f"unseen: stage {settings.data} has windows of {', '.join(shared)}")
    classes, count = (*data.classes, *unseen), len(data.classes)
    if settings.learnt:
        vectors, metrics = _learnt(settings, context, data, classes)
    else:
        vectors, metrics = _standard(_numbers(settings, classes), count), {}
    with atomic_path(context.folder / _FILE) as partial, partial.open("wb") as file:
        np.savez(file, classes=np.array(classes), seen=np.array(count), vectors=vectors)
    return StageOutcome(metrics={stage_name(context): metrics} if metrics else {})


def class_vectors(context: StageContext, name: str) -> ClassVectors:
    """Return the vectors of an earlier stage `describe-classes`.

    Raises:
        ExperimentError: the stage is none of these.
    """
    folder, settings = context.output(name), context.stages[name]
    if not isinstance(settings, DescribeSettings):
        raise ExperimentError(
            f"stage {name!r} is of kind {settings.kind!r}, expected 'describe-classes'"
        )
    found = read_arrays(folder / _FILE, "the vectors of classes", ("classes", "seen", "vectors"))
    return ClassVectors(tuple(map(str, found["classes"])), int(found["seen"]), found["vectors"])


def _learnt(
    settings: DescribeSettings, context: StageContext, data: SplitData, classes: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], dict[str, float]]:
    """Teach the joint embedding on seen classes, and ask it for the vectors of all."""
    if data.samples != _SAMPLES:
        raise ExperimentError(
            f"the joint embedding was published for windows of {_SAMPLES} samples, not "
            f"{data.samples}; say learnt: false"
        )
    known = _WORDS[settings.descriptions]
    codes = torch.from_numpy(np.stack([_described(known, name).coded for name in classes]))
    torch.manual_seed(context.seed)
    model = JointEmbedding(codes[: len(data.classes)])
    learner = JointEmbeddingClassifier(
        model, len(data.classes), settings.learning_rate, stop_after=settings.stop_after
    )
    validation = Mixed(data.part("validation"))
    result = fit_network(settings, context, learner, data.part("train"), validation)
    context.log(f"{stage_name(context)}: {100 * result.best_accuracy:.2f}% described rightly")
    told = {"described_rightly": result.best_accuracy, "epochs": result.epochs}
    return semantic_vectors(model.cpu().descriptions, codes).numpy(), told


def _numbers(settings: DescribeSettings, classes: tuple[str, ...]) -> npt.NDArray[np.float64]:
    if settings.descriptions == "derived":
        return np.stack([attributes_of(name).numbers for name in classes])
    known = _WORDS[settings.descriptions]
    return np.stack([_described(known, name).numbers for name in classes])


def _described(known: Mapping[str, Description], name: str) -> Description:
    if name not in known:
        raise ExperimentError(
            f"the paper describes {', '.join(known)}, not {name}; say descriptions: derived"
        )
    return known[name]


def _standard(numbers: npt.NDArray[np.float64], seen: int) -> npt.NDArray[np.float32]:
    """Bring numbers to deviations from the mean of the first `seen` rows."""
    mean, spread = numbers[:seen].mean(axis=0), numbers[:seen].std(axis=0)
    # what all seen classes share has no spread of its own but rounding's
    standard: npt.NDArray[np.float32] = (numbers - mean) / np.where(spread > _ROUNDING, spread, 1)
    return standard.astype(np.float32)
