"""Recognising a whole recording in bounded memory, with samples of its strongest detections."""

import heapq
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import numpy.typing as npt

from hertzian.deployment.runtime import Predictor
from hertzian.recognition import DetectionView, Recogniser, ReportRules
from hertzian.recordings import Recording
from hertzian.report import DetectionView as Snippet
from hertzian.report import ReportEntry
from hertzian.signal import Detection, summarise

CHUNK_SAMPLES = 1 << 18


class _Strongest:
    """Samples of the detections of most energy, and no more of them than asked for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[float, int, Detection, Snippet]] = []
        self._numbers = count()

    def take(self, view: DetectionView) -> None:
        snippet = Snippet(view.iq, view.sample_rate_hz)
        item = (view.detection.energy, next(self._numbers), view.detection, snippet)
        heapq.heappush(self._heap, item)
        if len(self._heap) > self._most:
            heapq.heappop(self._heap)

    def of(self) -> Callable[[Detection], Snippet | None]:
        """Return the function that gives a detection's samples; detections are told by identity."""
        snippets = {id(detection): snippet for _, _, detection, snippet in self._heap}
        return lambda detection: snippets.get(id(detection))


def hear(
    predictor: Predictor,
    recording: Recording,
    *,
    model: str,
    rules: ReportRules | None = None,
    snippets: int = 0,
    advance: Callable[[float], None] = lambda samples: None,
) -> ReportEntry:
    """Recognise a recording of any length from its beginning to its end.

    Args:
        predictor: the model.
        recording: to read.
        model: how to name the model.
        rules: which detections are told.
        snippets: how many detections, those of most energy, keep samples to draw.
        advance: told how many samples are done.

    Raises:
        HertzianError: the recording cannot be read, or is silent.
    """
    recogniser = Recogniser(predictor, rules=rules)
    strongest = _Strongest(snippets)
    detections: list[Detection] = []

    def chunks() -> Iterator[npt.NDArray[np.complex64]]:
        for chunk in recording.chunks(CHUNK_SAMPLES):
            yield chunk
            advance(chunk.size)

    for view in recogniser.views_of(chunks(), recording.sample_rate_hz):
        detections.append(view.detection)
        strongest.take(view)
    detections.sort(key=lambda detection: detection.start)
    return ReportEntry(
        recording=recording,
        detections=tuple(detections),
        summary=summarise(detections, recogniser.noise_confidence),
        model=model,
        view=strongest.of(),
    )
