"""Where and when something is on the air, and the way of each find to baseband."""

from hertzian.detection.background import Background, background
from hertzian.detection.detector import Detector, Sighting
from hertzian.detection.front_end import (
    FEWEST_SAMPLES,
    LINE_BANDWIDTH,
    OCCUPIED_SHARE,
    SURE_SLACK_DB,
    WINDOW,
    Baseband,
    cut_windows,
    least_snr_db,
    to_baseband,
    windows,
)

__all__ = [
    "FEWEST_SAMPLES",
    "LINE_BANDWIDTH",
    "OCCUPIED_SHARE",
    "SURE_SLACK_DB",
    "WINDOW",
    "Background",
    "Baseband",
    "Detector",
    "Sighting",
    "background",
    "cut_windows",
    "least_snr_db",
    "to_baseband",
    "windows",
]
