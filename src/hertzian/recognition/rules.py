"""Which detections are worth telling: not the receiver's own products, not bare noise."""

from dataclasses import dataclass

from hertzian.detection import least_snr_db
from hertzian.recognition.evidence import Evidence, Verdict

_SPUR_BANDWIDTH = 0.03
_SPUR_LINE = 0.4
_SPUR_SNR_DB = 15.0
_SPUR_CONFIDENCE = 0.5


@dataclass(frozen=True)
class ReportRules:
    """When a detection is told.

    Attributes:
        min_snr_db: least in-band SNR; None leaves it to `detection.least_snr_db`: 9 dB for narrow
            signals, 3 dB for wide ones.
        drop_spurs: leave out steady lines that are there from the first sample on (or till the
            last) at less than 15 dB, as clocks in and near a receiver make them, and narrow
            detections of which the model can't even tell the family.
    """

    min_snr_db: float | None = None
    drop_spurs: bool = True

    def required_snr_db(self, bandwidth: float) -> float:
        """Return the least SNR of a detection of this bandwidth, cycles per sample."""
        if self.min_snr_db is not None:
            return self.min_snr_db
        return least_snr_db(bandwidth)

    def sure_enough(self, verdict: Verdict, bandwidth: float) -> bool:
        """Tell whether the model knows what a narrow detection is: of a spur it does not."""
        narrow = bandwidth < _SPUR_BANDWIDTH
        return not (self.drop_spurs and narrow and verdict.family_confidence < _SPUR_CONFIDENCE)

    def worth_telling(self, evidence: Evidence, touches_end: bool) -> bool:
        """Tell whether a finished emission passes the rules."""
        lower, upper = evidence.band
        if evidence.snr_db < self.required_snr_db(upper - lower):
            return False
        lasting = evidence.touches_start or touches_end
        line = evidence.line_share > _SPUR_LINE and upper - lower < _SPUR_BANDWIDTH
        return not (self.drop_spurs and lasting and line and evidence.snr_db < _SPUR_SNR_DB)
