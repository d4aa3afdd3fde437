"""Which detections are worth telling: not the receiver's own products, not bare noise."""

from dataclasses import dataclass

from hertzian.detection import LINE_BANDWIDTH, SURE_SLACK_DB, least_snr_db
from hertzian.recognition.evidence import Evidence, Verdict

_SPUR_LINE = 0.4
_SPUR_SNR_DB = 15.0
_SPUR_CONFIDENCE = 0.5
_GUESSED_SNR_DB = 25.0
_SURE = 0.95


@dataclass(frozen=True)
class ReportRules:
    """When a detection is told.

    Attributes:
        min_snr_db: least in-band SNR; None leaves it to `detection.least_snr_db`: 9 dB for narrow
            signals, 3 dB for wide ones, and 4 dB less where the model is sure of the family.
            Pulses whose timing carries data are told at any SNR, if nothing strong is beside
            them, and nothing else is told that shows in long averages only.
        drop_spurs: leave out steady lines that are there from the first sample on (or till the
            last) at less than 15 dB, as clocks in and near a receiver make them, and narrow
            detections under 25 dB of which the model can't even tell the family.
    """

    min_snr_db: float | None = None
    drop_spurs: bool = True

    def required_snr_db(self, bandwidth: float) -> float:
        """Return the least SNR of a detection of this bandwidth, cycles per sample."""
        if self.min_snr_db is not None:
            return self.min_snr_db
        return least_snr_db(bandwidth)

    def worth_telling(self, evidence: Evidence, verdict: Verdict, touches_end: bool) -> bool:
        """Tell whether a finished emission, and what the model says of it, passes the rules."""
        # noise has no two sharp intervals: pulses that have are a signal, however weak
        proven = evidence.keyed and not evidence.outshone
        if self.min_snr_db is None and (proven or evidence.faint):
            return proven
        lower, upper = evidence.band
        required = self.required_snr_db(upper - lower)
        if self.min_snr_db is None and verdict.family_confidence >= _SURE:
            required -= SURE_SLACK_DB
        if evidence.snr_db < required:
            return False
        return not (self.drop_spurs and self._like_a_spur(evidence, verdict, touches_end))

    def _like_a_spur(self, evidence: Evidence, verdict: Verdict, touches_end: bool) -> bool:
        lower, upper = evidence.band
        if upper - lower >= LINE_BANDWIDTH:
            return False
        guessed = verdict.family_confidence < _SPUR_CONFIDENCE
        if guessed and evidence.snr_db < _GUESSED_SNR_DB:
            return True
        lasting = evidence.touches_start or touches_end
        line = evidence.line_share > _SPUR_LINE and evidence.snr_db < _SPUR_SNR_DB
        return lasting and line
