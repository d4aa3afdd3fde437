"""What recognition says of a recording: detections and their summary."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Detection:
    """One signal found in a recording.

    Attributes:
        start: first sample, counted from the beginning of the recording.
        count: number of samples.
        center_hz: centre of the occupied band, as an offset from the recording's centre.
        bandwidth_hz: 99% occupied bandwidth.
        snr_db: signal over noise within that bandwidth.
        modulation: canonical label, `unknown` included.
        family: family of the modulation.
        protocol: name of the protocol, or None.
        protocol_confidence: calibrated probability of the protocol; None where there is none.
        confidence: calibrated probability of the modulation.
        family_confidence: calibrated probability of the family.
        scores: calibrated probability of every label; they sum to one.
    """

    start: int
    count: int
    center_hz: float
    bandwidth_hz: float
    snr_db: float
    modulation: str
    family: str
    protocol: str | None
    protocol_confidence: float | None
    confidence: float
    family_confidence: float
    scores: dict[str, float]

    @property
    def stop(self) -> int:
        """First sample after the signal."""
        return self.start + self.count

    @property
    def energy(self) -> float:
        """Energy relative to the noise's density: SNR x bandwidth x duration, without a unit."""
        return float(10 ** (self.snr_db / 10) * self.bandwidth_hz * self.count)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as `classify --json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class Summary:
    """The answer for a whole recording: that of its strongest detection, or `noise`."""

    modulation: str
    family: str
    confidence: float
    family_confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as `classify --json` prints them."""
        return asdict(self)


def summarise(detections: Sequence[Detection], noise_confidence: float) -> Summary:
    """Return the summary: the detection of the most energy; with none it is `noise`.

    `noise_confidence` is how sure that answer is: a model knows how often it hears nothing where
    something was sent.
    """
    if not detections:
        return Summary("noise", "noise", noise_confidence, noise_confidence)
    best = max(detections, key=lambda detection: detection.energy)
    return Summary(best.modulation, best.family, best.confidence, best.family_confidence)
