"""Metrics, calibration, and the comparison of answers with labels."""

from hertzian.evaluation.calibration import (
    Calibration,
    fit_calibration,
    pooled_log_probabilities,
)
from hertzian.evaluation.classes import EvaluationError, Matching, match_classes
from hertzian.evaluation.curves import CURVES, evaluation_curves
from hertzian.evaluation.json_values import json_safe
from hertzian.evaluation.manifest import Entry, evaluate_manifest, read_manifest
from hertzian.evaluation.metrics import (
    accuracy,
    accuracy_by_snr,
    bootstrap_interval,
    confusion,
    error_block,
    evaluation_block,
    expected_calibration_error,
    recall,
    softmax,
)
from hertzian.evaluation.sent import Comparison, Heard, Sent, compare_sent
from hertzian.evaluation.windows import evaluate_windows, refuse_seen

__all__ = [
    "CURVES",
    "Calibration",
    "Comparison",
    "Entry",
    "EvaluationError",
    "Heard",
    "Matching",
    "Sent",
    "accuracy",
    "accuracy_by_snr",
    "bootstrap_interval",
    "compare_sent",
    "confusion",
    "error_block",
    "evaluate_manifest",
    "evaluate_windows",
    "evaluation_block",
    "evaluation_curves",
    "expected_calibration_error",
    "fit_calibration",
    "json_safe",
    "match_classes",
    "pooled_log_probabilities",
    "read_manifest",
    "recall",
    "refuse_seen",
    "softmax",
]
