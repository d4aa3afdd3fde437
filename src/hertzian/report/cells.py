"""The cells that the page's table and the terminal's share."""

import math

from hertzian.recordings import Recording
from hertzian.report.engineering import axis_prefix, engineering, time_prefix
from hertzian.report.text import printable
from hertzian.signal import Detection


def time_and_band(recording: Recording, detection: Detection) -> tuple[str, str, str, str, str]:
    """Return start, duration, centre, bandwidth and SNR of a detection, each with its unit.

    The centre is absolute where the recording's is known, otherwise a signed offset from it; it has
    digits to a hundredth of the bandwidth.
    """
    rate = recording.sample_rate_hz
    factor, prefix = time_prefix(recording.samples / rate)
    start = f"{detection.start / rate / factor:.3f} {prefix}s"
    length = engineering(detection.count / rate, "s")
    offset, known = detection.center_hz, recording.center_frequency_hz
    center = _frequency(known + offset if known else offset, detection.bandwidth_hz)
    if not known and offset > 0:
        center = f"+{center}"
    bandwidth = engineering(detection.bandwidth_hz, "Hz", 3)
    return start, length, center, bandwidth, f"{detection.snr_db:.1f} dB".replace("-", "−")


def _frequency(value_hz: float, bandwidth_hz: float) -> str:
    factor, prefix = axis_prefix(abs(value_hz), 1.0)
    steps = 100 * factor / bandwidth_hz if bandwidth_hz > 0 else 1000.0
    decimals = min(max(math.ceil(math.log10(steps)), 0), 9)
    return f"{value_hz / factor:.{decimals}f} {prefix}Hz".replace("-", "−")


def protocol_cell(detection: Detection) -> str:
    """Return the protocol and how sure it is, a dash where there is none."""
    if detection.protocol is None:
        return "–"
    name, sure = printable(detection.protocol), detection.protocol_confidence
    return name if sure is None else f"{name} {percent(sure)}"


def percent(probability: float) -> str:
    """Return a probability in percent; what is not quite certain never shows as 0 or 100."""
    if 0.995 <= probability < 1:
        return f"{min(math.floor(probability * 1000) / 10, 99.9):.1f} %"
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %" if 0 < probability < 0.1 else f"{100 * probability:.0f} %"
