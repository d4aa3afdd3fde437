"""Probabilities that mean what they say, also when several windows of one signal are pooled."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.evaluation.classes import EvaluationError
from hertzian.evaluation.metrics import Floats, Labels

_LARGEST_LOG_TEMPERATURE = 5.0


@dataclass(frozen=True)
class Calibration:
    """How mean logits become probabilities.

    Attributes:
        temperature: T, Guo et al. (ICML 2017), sec. 4.2.
        evidence_exponent: a; windows of one signal are alike, so n of them are worth less than n
            independent ones. 0 takes the mean for one window's word, 1 takes them for independent.
        nll_before: mean negative log-likelihood in nats with T = 1, a = 0.
        nll: the same with this T and a.
    """

    temperature: float
    evidence_exponent: float
    nll_before: float
    nll: float


def pooled_log_probabilities(
    mean_logits: npt.ArrayLike,
    windows: npt.ArrayLike,
    *,
    temperature: float,
    evidence_exponent: float,
) -> npt.NDArray[np.float64]:
    """Return log_softmax(mean_logits * n**a / T), float64 [detections, classes].

    Args:
        mean_logits: [detections, classes], mean over the windows of each detection.
        windows: [detections], n >= 1.
        temperature: T > 0.
        evidence_exponent: a.
    """
    scale = np.asarray(windows, dtype=np.float64) ** evidence_exponent / temperature
    scores = np.asarray(mean_logits, dtype=np.float64) * scale[:, None]
    return _log_softmax(scores)


def _log_softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def fit_calibration(
    mean_logits: npt.ArrayLike, windows: npt.ArrayLike, labels: npt.ArrayLike
) -> Calibration:
    """Fit temperature and evidence exponent by maximum likelihood over detections.

    The exponent stays within [0, 1]; it is 0 where every detection has one window, as nothing then
    tells it.

    Args:
        mean_logits: [detections, classes].
        windows: int [detections], windows of each, >= 1.
        labels: int [detections], in [0, classes).

    Raises:
        EvaluationError: no detections, or shapes or values that do not belong together.
    """
    # scipy.optimize takes longer to import than most commands that never calibrate
    from scipy.optimize import minimize

    logits = np.asarray(mean_logits, dtype=np.float64)
    counts, truth = np.asarray(windows), np.asarray(labels)
    _check(logits, counts, truth)
    rows = np.arange(len(truth))
    log_counts = np.log(counts)
    right = logits[rows, truth]

    def objective(point: Floats) -> tuple[float, Floats]:
        """Mean NLL and its gradient in (log T, a), through the scale s = n**a / T of each row."""
        scale = np.exp(point[1] * log_counts - point[0])
        log_p = _log_softmax(logits * scale[:, None])
        slope = ((np.exp(log_p) * logits).sum(axis=1) - right) * scale
        return (
            float(-log_p[rows, truth].mean()),
            np.array([-slope.mean(), (slope * log_counts).mean()]),
        )

    before, _ = objective(np.zeros(2))
    highest_exponent = 1.0 if (counts > 1).any() else 0.0
    fit = minimize(
        objective,
        np.zeros(2),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_LARGEST_LOG_TEMPERATURE, _LARGEST_LOG_TEMPERATURE), (0.0, highest_exponent)],
    )
    return Calibration(float(np.exp(fit.x[0])), float(fit.x[1]), before, float(fit.fun))


def _check(logits: Floats, counts: Labels, truth: Labels) -> None:
    if logits.ndim != 2 or not len(logits) or not counts.shape == truth.shape == logits.shape[:1]:
        raise EvaluationError(
            f"calibration needs logits [detections, classes] with as many windows and labels, "
            f"not {list(logits.shape)}, {list(counts.shape)} and {list(truth.shape)}"
        )
    if not np.isfinite(logits).all() or (counts < 1).any():
        raise EvaluationError("calibration needs finite logits and at least one window each")
    if (truth < 0).any() or (truth >= logits.shape[1]).any():
        raise EvaluationError(f"calibration labels must lie in [0, {logits.shape[1]})")
