"""How good predictions are: counts, accuracies, calibration, and the interval around them.

Labels are integers in [0, classes); a confusion matrix has the truth in its rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.evaluation.classes import EvaluationError

Labels = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.floating[Any]]

CALIBRATION_BINS = 15


def confusion(truth: Labels, predicted: Labels, classes: int) -> npt.NDArray[np.int64]:
    """Count pairs: int64 [classes, classes], entry (t, p) = examples of class t taken for p."""
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def accuracy(truth: Labels, predicted: Labels) -> float:
    """Return the share of right predictions; NaN for no examples."""
    return float(np.mean(truth == predicted)) if len(truth) else float("nan")


def recall(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the share of each class that was found [classes]; NaN for a class without examples."""
    examples = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.diagonal(counts) / examples, dtype=np.float64)


def accuracy_by_snr(truth: Labels, predicted: Labels, snr_db: Floats) -> dict[str, float]:
    """Return the accuracy at each SNR, rounded to whole decibels, in ascending order.

    Examples without a finite SNR (noise alone) count at none.
    """
    known = np.isfinite(snr_db)
    rounded = np.rint(snr_db[known]).astype(np.int64)
    right = (truth == predicted)[known]
    levels, place = np.unique(rounded, return_inverse=True)
    shares = np.bincount(place, weights=right) / np.maximum(np.bincount(place), 1)
    return {str(level): float(share) for level, share in zip(levels, shares, strict=True)}


def expected_calibration_error(
    confidence: Floats, correct: npt.NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float:
    """Return the expected calibration error: sum over bins of |B|/n * |acc(B) - conf(B)|.

    Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, eq. 5,
    with `bins` bins of equal width ((m-1)/bins, m/bins]. NaN for no examples.
    """
    if not len(confidence):
        return float("nan")
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=correct - np.asarray(confidence, np.float64), minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def bootstrap_interval(
    values: npt.ArrayLike, *, share: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile interval of the mean of values [n] by resampling examples.

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13. `share` is the coverage.

    Raises:
        EvaluationError: no values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size:
        raise EvaluationError("a bootstrap interval needs at least one value")
    # drawing how often each distinct value comes is the same as drawing values, and quicker
    distinct, times = np.unique(sample, return_counts=True)
    random = np.random.default_rng(seed)
    draws = (random.multinomial(sample.size, times / sample.size) for _ in range(resamples))
    means = [float(draw @ distinct) / sample.size for draw in draws]
    lower, upper = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(lower), float(upper)


def softmax(logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return probabilities float64 [..., classes] of logits [..., classes]."""
    scores = np.asarray(logits, dtype=np.float64)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def evaluation_block(
    *,
    model: str,
    data: str,
    classes: Sequence[str],
    probabilities: npt.ArrayLike,
    truth: npt.ArrayLike,
    snr_db: npt.ArrayLike,
) -> dict[str, Any]:
    """Return what `evaluate --json` prints of one head.

    Args:
        model: name of the model, as printed.
        data: name of the data, as printed.
        classes: names in the order of the columns.
        probabilities: [n, classes], rows sum to one; the largest is the prediction.
        truth: int [n], indices into `classes`.
        snr_db: [n]; not finite where there is none.

    Raises:
        EvaluationError: no examples, or shapes that do not belong together.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    labels, levels = np.asarray(truth), np.asarray(snr_db, dtype=np.float64)
    if not len(labels):
        raise EvaluationError(f"{data}: holds no example to evaluate")
    if scores.shape != (len(labels), len(classes)) or levels.shape != labels.shape:
        raise EvaluationError(
            f"{data}: probabilities {list(scores.shape)}, labels {list(labels.shape)} and SNR "
            f"{list(levels.shape)} do not belong together for {len(classes)} classes"
        )
    predicted = scores.argmax(axis=1)
    counts = confusion(labels, predicted, len(classes))
    audible = levels >= 0
    by_snr = accuracy_by_snr(labels, predicted, levels)
    return {
        "model": model,
        "data": data,
        "examples": len(labels),
        "accuracy": accuracy(labels, predicted),
        "accuracy_by_snr": by_snr,
        "accuracy_snr_ge_0": (
            accuracy(labels[audible], predicted[audible]) if audible.any() else None
        ),
        "peak": max(by_snr.values(), default=None),
        "recall": _known(dict(zip(classes, recall(counts), strict=True))),
        "confusion": {"classes": list(classes), "counts": counts.tolist()},
        "ece": expected_calibration_error(scores.max(axis=1), predicted == labels),
    }


def error_block(
    estimates: npt.ArrayLike,
    truth: npt.ArrayLike,
    snr_db: npt.ArrayLike,
    *,
    labels: Labels,
    classes: Sequence[str],
    relative: bool = False,
) -> dict[str, Any]:
    """Return how far estimates of a quantity are from the truth, in its unit or as shares of it.

    Args:
        estimates: [n].
        truth: [n]; examples where it is not finite don't count.
        snr_db: [n]; examples where it is not finite count only in the whole.
        labels: [n], the modulations; -1 counts only in the whole.
        classes: names of the modulations.
        relative: whether errors are shares of the truth, which then is above zero.

    Returns:
        `examples`, `relative`, `rms_error` (root mean square), `median_error` (of its size), `bias`
        (mean error), `rms_error_by_snr` as `accuracy_by_snr`, `rms_error_snr_ge_0` and
        `median_error_snr_ge_0`, None without such examples, and `by_modulation`, which has the
        first of these but `relative` for each modulation that there is.

    Raises:
        EvaluationError: nothing to compare, or shapes that do not belong together.
    """
    said, true = np.asarray(estimates, np.float64), np.asarray(truth, np.float64)
    levels = np.asarray(snr_db, np.float64)
    if not said.shape == true.shape == levels.shape == labels.shape or said.ndim != 1:
        raise EvaluationError(
            f"estimates {list(said.shape)}, truth {list(true.shape)}, SNR {list(levels.shape)} and "
            f"labels {list(labels.shape)} do not belong together"
        )
    known = np.isfinite(true)
    errors, levels, labels = (said - true)[known], levels[known], labels[known]
    if relative:
        errors = errors / true[known]
    if not len(errors):
        raise EvaluationError("no example has a known value of the quantity")
    heard = np.isfinite(levels)
    rounded, place = np.unique(np.rint(levels[heard]).astype(np.int64), return_inverse=True)
    squares = np.bincount(place, weights=errors[heard] ** 2) / np.maximum(np.bincount(place), 1)
    audible = errors[levels >= 0]
    return {
        "relative": relative,
        **_spread(errors),
        "rms_error_snr_ge_0": _rms(audible) if len(audible) else None,
        "median_error_snr_ge_0": float(np.median(np.abs(audible))) if len(audible) else None,
        "rms_error_by_snr": {
            str(level): float(np.sqrt(square))
            for level, square in zip(rounded, squares, strict=True)
        },
        "by_modulation": {
            name: _spread(errors[labels == number])
            for number, name in enumerate(classes)
            if (labels == number).any()
        },
    }


def _spread(errors: Floats) -> dict[str, Any]:
    return {
        "examples": len(errors),
        "rms_error": _rms(errors),
        "median_error": float(np.median(np.abs(errors))),
        "bias": float(errors.mean()),
    }


def _rms(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _known(shares: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(share) else float(share) for name, share in shares.items()}
