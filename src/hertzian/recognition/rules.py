"""Which detections are worth telling: not the receiver's own products, not bare noise."""

from dataclasses import dataclass

import numpy as np

from hertzian.recognition.evidence import Evidence

_NARROW, _WIDE = 0.03, 0.3
_NARROW_SNR_DB, _WIDE_SNR_DB = 9.0, 3.0
_SPUR_BANDWIDTH = 0.03
_SPUR_LINE = 0.4
_SPUR_SNR_DB = 15.0


@dataclass(frozen=True)
class ReportRules:
    """When a detection is told.

    Attributes:
        min_snr_db: least in-band SNR; None asks for 9 dB of narrow signals (under 3% of the
            sampled band, where receivers put their spurs), 3 dB of wide ones (over 30%), and in
            between what lies between on a logarithmic scale of bandwidth.
        drop_spurs: leave out steady lines that are there from the first sample on (or till the
            last) at less than 15 dB, as clocks in and near a receiver make them.
    """

    min_snr_db: float | None = None
    drop_spurs: bool = True

    def required_snr_db(self, bandwidth: float) -> float:
        """Return the least SNR of a detection of this bandwidth, cycles per sample."""
        if self.min_snr_db is not None:
            return self.min_snr_db
        places = np.log([_NARROW, _WIDE])
        place = np.log(max(bandwidth, 1e-9))
        return float(np.interp(place, places, [_NARROW_SNR_DB, _WIDE_SNR_DB]))

    def worth_telling(self, evidence: Evidence, touches_end: bool) -> bool:
        """Tell whether a finished emission passes the rules."""
        lower, upper = evidence.band
        if evidence.snr_db < self.required_snr_db(upper - lower):
            return False
        lasting = evidence.touches_start or touches_end
        line = evidence.line_share > _SPUR_LINE and upper - lower < _SPUR_BANDWIDTH
        return not (self.drop_spurs and lasting and line and evidence.snr_db < _SPUR_SNR_DB)
