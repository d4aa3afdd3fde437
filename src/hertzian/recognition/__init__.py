"""From a recording or a stream to detections."""

from hertzian.recognition.evidence import Evidence, Verdict, judge, pooled_scores
from hertzian.recognition.recogniser import (
    SNIPPET_SAMPLES,
    WINDOWS_PER_PIECE,
    DetectionView,
    Recogniser,
    network_threads,
)
from hertzian.recognition.rules import ReportRules

__all__ = [
    "SNIPPET_SAMPLES",
    "WINDOWS_PER_PIECE",
    "DetectionView",
    "Evidence",
    "Recogniser",
    "ReportRules",
    "Verdict",
    "judge",
    "network_threads",
    "pooled_scores",
]
