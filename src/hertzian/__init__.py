"""Hertzian recognises radio signals from IQ samples."""

from hertzian.recognition import Recogniser, ReportRules
from hertzian.signal import Detection, HertzianError, Summary, summarise

load = Recogniser.load

__all__ = [
    "Detection",
    "HertzianError",
    "Recogniser",
    "ReportRules",
    "Summary",
    "load",
    "summarise",
]
