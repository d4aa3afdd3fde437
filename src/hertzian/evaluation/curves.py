"""How predictions change with SNR and class: what the figures of a paper are drawn from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.evaluation.classes import EvaluationError
from hertzian.evaluation.metrics import Floats, Labels, confusion

CURVES = frozenset(
    {
        *("recall_by_snr", "confusion_at", "taken_for"),
        *("confidence_by_snr", "confidence_by_class", "weight_by_snr", "weight_by_class"),
    }
)
"""Keys of `evaluation_curves`."""


def evaluation_curves(
    *,
    classes: Sequence[str],
    probabilities: npt.ArrayLike,
    truth: npt.ArrayLike,
    snr_db: npt.ArrayLike,
    confusion_at: Sequence[int] = (),
    weights: npt.ArrayLike | None = None,
) -> dict[str, Any]:
    """Return what `evaluation_block` leaves out, under keys that it does not use.

    SNRs are rounded to whole decibels and ascend, as in `accuracy_by_snr`; classes, SNRs and pairs
    of them without examples are left out.

    Args:
        classes: names in the order of the columns.
        probabilities: [n, classes]; the largest of a row is the prediction and its confidence.
        truth: int [n], indices into `classes`.
        snr_db: [n]; examples where it is not finite count only in what is over class.
        confusion_at: SNRs in whole decibels to count confusions at.
        weights: [n], such as those of `training.confidence_weights`; None for no weights.

    Returns:
        `recall_by_snr` {class: {SNR: share}}; `confusion_at` {SNR: {"classes", "counts"}};
        `confidence_by_snr` {SNR: mean} and `confidence_by_class` {class: mean}, of the true class;
        `taken_for` {class: {predicted class: share}} at SNR >= 0; with weights, `weight_by_snr`
        and `weight_by_class`, their means.

    Raises:
        EvaluationError: no examples, labels that name no class, or shapes that do not belong
            together.
    """
    scores, labels = np.asarray(probabilities), np.asarray(truth)
    snr = np.asarray(snr_db, dtype=np.float64)
    given = None if weights is None else np.asarray(weights, dtype=np.float64)
    _check(len(classes), scores, labels, snr, given)
    predicted = scores.argmax(axis=1)
    known = np.isfinite(snr)
    levels, place = np.unique(np.rint(snr[known]).astype(np.int64), return_inverse=True)
    size = len(classes)
    # one count for every (SNR, truth): the SNRs are rows of classes in one long table
    cells = place * size + labels[known]
    examples = np.bincount(cells, minlength=len(levels) * size).reshape(-1, size)
    right = np.bincount(cells, (predicted == labels)[known], len(levels) * size).reshape(-1, size)
    curves: dict[str, Any] = {
        "recall_by_snr": {
            name: {
                str(level): float(right[row, column] / examples[row, column])
                for row, level in enumerate(levels)
                if examples[row, column]
            }
            for column, name in enumerate(classes)
            if examples[:, column].any()
        },
        "confusion_at": {
            str(level): {
                "classes": list(classes),
                "counts": confusion(labels[known][at], predicted[known][at], size).tolist(),
            }
            for level, at in ((level, levels[place] == level) for level in sorted({*confusion_at}))
            if at.any()
        },
        "taken_for": _taken_for(classes, labels[snr >= 0], predicted[snr >= 0]),
    }
    for name, values in (("confidence", scores.max(axis=1)), ("weight", given)):
        if values is not None:
            curves[f"{name}_by_snr"] = _means(levels.tolist(), place, values[known])
            curves[f"{name}_by_class"] = _means(classes, labels, values)
    return curves


def _check(size: int, scores: Floats, labels: Labels, snr: Floats, weights: Floats | None) -> None:
    if not len(labels):
        raise EvaluationError("curves need at least one example")
    fitting = scores.shape == (len(labels), size) and snr.shape == labels.shape
    if not fitting or (weights is not None and weights.shape != labels.shape):
        also = "" if weights is None else f", weights {list(weights.shape)}"
        raise EvaluationError(
            f"probabilities {list(scores.shape)}, labels {list(labels.shape)}, SNR "
            f"{list(snr.shape)}{also} do not belong together for {size} classes"
        )
    if labels.min() < 0 or labels.max() >= size:
        raise EvaluationError(f"labels lie in [0, {size}), not in [{labels.min()}, {labels.max()}]")


def _taken_for(
    classes: Sequence[str], labels: Labels, predicted: Labels
) -> dict[str, dict[str, float]]:
    """Return the rows of the confusion as shares, those of classes with examples."""
    counts = confusion(labels, predicted, len(classes))
    totals = counts.sum(axis=1)
    return {
        name: dict(zip(classes, (counts[row] / totals[row]).tolist(), strict=True))
        for row, name in enumerate(classes)
        if totals[row]
    }


def _means(names: Sequence[object], place: Labels, values: Floats) -> dict[str, float]:
    """Return the mean of the values at each place; a name without a value is left out."""
    examples = np.bincount(place, minlength=len(names))
    sums = np.bincount(place, weights=values, minlength=len(names))
    return {
        str(name): float(total / count)
        for name, total, count in zip(names, sums, examples, strict=True)
        if count
    }
