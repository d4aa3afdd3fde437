"""Where and when something is on the air, and the way of each find to baseband."""

from hertzian.detection.detector import Detector, Sighting
from hertzian.detection.front_end import (
    FEWEST_SAMPLES,
    OCCUPIED_SHARE,
    WINDOW,
    Baseband,
    least_snr_db,
    to_baseband,
    windows,
)

__all__ = [
    "FEWEST_SAMPLES",
    "OCCUPIED_SHARE",
    "WINDOW",
    "Baseband",
    "Detector",
    "Sighting",
    "least_snr_db",
    "to_baseband",
    "windows",
]
