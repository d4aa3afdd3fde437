"""What a report is made of: recordings, what was found in them, and the samples behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.recordings import Recording
from hertzian.signal import Detection, Summary


@dataclass(frozen=True)
class DetectionView:
    """A detection at baseband, as its classifier saw it.

    Attributes:
        iq: complex64 [samples]; the detection's centre is at 0 Hz.
        sample_rate_hz: their rate, which need not be that of the recording.
    """

    iq: npt.NDArray[np.complex64]
    sample_rate_hz: float


def _no_view(_: Detection) -> DetectionView | None:
    return None


@dataclass(frozen=True)
class ReportEntry:
    """A recording and what was found in it.

    Attributes:
        recording: where it was found.
        detections: in the order that tables show and number them.
        summary: the answer for the whole recording.
        model: name of the model that answered.
        view: gives the baseband samples of a detection, or None; asked only for those drawn.
    """

    recording: Recording
    detections: Sequence[Detection]
    summary: Summary
    model: str
    view: Callable[[Detection], DetectionView | None] = _no_view
