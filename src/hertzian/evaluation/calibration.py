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
        biases: b of each class, float64 [classes], for what training showed too often.
        nll_before: mean negative log-likelihood in nats with T = 1, a = 0, b = 0.
        nll: the same with this T, a and b.
    """

    temperature: float
    evidence_exponent: float
    biases: Floats
    nll_before: float
    nll: float


def pooled_log_probabilities(
    mean_logits: npt.ArrayLike,
    windows: npt.ArrayLike,
    *,
    temperature: float,
    evidence_exponent: float,
    biases: npt.ArrayLike = 0.0,
) -> npt.NDArray[np.float64]:
    """Return log_softmax(mean_logits * n**a / T + b), float64 [detections, classes].

    Args:
        mean_logits: [detections, classes], mean over the windows of each detection.
        windows: [detections], n >= 1.
        temperature: T > 0.
        evidence_exponent: a.
        biases: b, [classes].
    """
    scale = np.asarray(windows, dtype=np.float64) ** evidence_exponent / temperature
    scores = np.asarray(mean_logits, dtype=np.float64) * scale[:, None] + np.asarray(biases)
    return _log_softmax(scores)


def _log_softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def fit_calibration(
    mean_logits: npt.ArrayLike, windows: npt.ArrayLike, labels: npt.ArrayLike
) -> Calibration:
    """Fit temperature, evidence exponent and biases by maximum likelihood over detections.

    Bias-corrected temperature scaling (Alexandari, Kundaje and Shrikumar 2020), the biases under a
    normal prior of unit variance, as a class may have few detections. The exponent stays within
    [0, 1]; it is 0 where every detection has one window, as nothing then tells it.

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
    rows, classes = np.arange(len(truth)), logits.shape[1]
    log_counts = np.log(counts)
    right = logits[rows, truth]
    shares = np.bincount(truth, minlength=classes) / len(truth)

    def objective(point: Floats) -> tuple[float, Floats]:
        """Loss and its gradient in (log T, a, b), through the scale s = n**a / T of each row."""
        scale, biases = np.exp(point[1] * log_counts - point[0]), point[2:]
        log_p = _log_softmax(logits * scale[:, None] + biases)
        p = np.exp(log_p)
        slope = ((p * logits).sum(axis=1) - right) * scale
        prior = biases / len(truth)
        gradient = np.concatenate(
            [[-slope.mean(), (slope * log_counts).mean()], p.mean(axis=0) - shares + prior]
        )
        return float(-log_p[rows, truth].mean() + 0.5 * prior @ biases), gradient

    highest_exponent = 1.0 if (counts > 1).any() else 0.0
    limit = _LARGEST_LOG_TEMPERATURE
    start = np.zeros(2 + classes)
    fit = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-limit, limit), (0.0, highest_exponent), *[(None, None)] * classes],
    )
    temperature, exponent, biases = float(np.exp(fit.x[0])), float(fit.x[1]), fit.x[2:]
    after = pooled_log_probabilities(
        logits, counts, temperature=temperature, evidence_exponent=exponent, biases=biases
    )
    nll = float(-after[rows, truth].mean())
    return Calibration(temperature, exponent, biases, objective(start)[0], nll)


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
