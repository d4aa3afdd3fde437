"""Metrics, calibration, and the comparison of answers with labels."""

from hertzian.evaluation.calibration import (
    Calibration,
    fit_calibration,
    pooled_log_probabilities,
)
from hertzian.evaluation.classes import EvaluationError, Matching, match_classes
from hertzian.evaluation.json_values import json_safe
from hertzian.evaluation.metrics import (
    accuracy,
    accuracy_by_snr,
    bootstrap_interval,
    confusion,
    evaluation_block,
    expected_calibration_error,
    recall,
    softmax,
)

__all__ = [
    "Calibration",
    "EvaluationError",
    "Matching",
    "accuracy",
    "accuracy_by_snr",
    "bootstrap_interval",
    "confusion",
    "evaluation_block",
    "expected_calibration_error",
    "fit_calibration",
    "json_safe",
    "match_classes",
    "pooled_log_probabilities",
    "recall",
    "softmax",
]
