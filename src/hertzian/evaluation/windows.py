"""A model against a dataset of windows."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from hertzian.datasets.dataset import Dataset
from hertzian.deployment import DatasetIdentity, Predictor
from hertzian.evaluation.classes import EvaluationError, match_classes
from hertzian.evaluation.metrics import evaluation_block, softmax


def refuse_seen(dataset: Dataset, trained_on: Iterable[DatasetIdentity], data: str) -> None:
    """Check that a model has not seen a dataset, by preset and seed.

    Raises:
        EvaluationError: it has.
    """
    if DatasetIdentity(preset=dataset.preset, seed=dataset.seed) in set(trained_on):
        raise EvaluationError(
            f"{data}: the model was trained on this data (preset {dataset.preset!r}, seed "
            f"{dataset.seed}), so the result would mean nothing; make data with another seed"
        )


def evaluate_windows(
    predictor: Predictor,
    dataset: Dataset,
    *,
    data: str,
    model: str | None = None,
    common: bool = False,
    advance: Callable[[float], None] = lambda windows: None,
) -> dict[str, Any]:
    """Return the block of `evaluate --json` for a model on windows.

    The probabilities of a window are softmax(logits / T + b), over the classes compared.

    Args:
        predictor: the model.
        dataset: windows of the model's length.
        data: how to name the data.
        model: how to name the model; None takes its own name.
        common: compare on the classes that both have.
        advance: told how many windows are done.

    Raises:
        EvaluationError: classes or window lengths differ, or no window is left to compare.
    """
    metadata = predictor.metadata
    samples = dataset.x.shape[2]
    if samples != metadata.samples:
        raise EvaluationError(
            f"{data}: windows have {samples} samples, but {metadata.name} takes {metadata.samples}"
        )
    matching = match_classes(metadata.classes, dataset.modulations, common=common)
    truth = matching.labels[dataset.modulation]
    compared = truth >= 0
    rows = []
    for place, x in dataset.batches():
        kept = compared[place]
        if kept.any():
            rows.append(predictor.logits(x[kept])[:, matching.columns])
        advance(len(x))
    logits = np.concatenate(rows) if rows else np.empty((0, len(matching.classes)))
    biases = np.asarray(metadata.biases or np.zeros(len(metadata.classes)))[matching.columns]
    return evaluation_block(
        model=metadata.name if model is None else model,
        data=data,
        classes=matching.classes,
        probabilities=softmax(logits / metadata.temperature + biases),
        truth=truth[compared],
        snr_db=dataset.snr_db[compared],
    )
