"""Samples in, labelled detections out: the push pipeline that every door of Hertzian leads to."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hertzian.deployment import Predictor, load_predictor
from hertzian.detection import (
    FEWEST_SAMPLES,
    WINDOW,
    Baseband,
    Detector,
    Sighting,
    background,
    to_baseband,
    windows,
)
from hertzian.recognition.asking import Asking
from hertzian.recognition.evidence import Answers, Evidence, judge
from hertzian.recognition.keying import pulses_carry_data
from hertzian.recognition.protocol import name_protocol
from hertzian.recognition.rules import ReportRules
from hertzian.recordings import Recording, open_recording
from hertzian.signal import MODULATION, PROTOCOL, Detection, HertzianError, to_channels

WINDOWS_PER_PIECE = 24
"""Windows that are judged of each sighting, spread evenly over it."""
SNIPPET_SAMPLES = 16_384
"""Samples at baseband that are kept to draw a detection."""
_CHUNK = 1 << 20
_STEP = 1 << 16
_AT_END = 2048
_FEWEST = 64
_LOUDEST = 1e9


_Sighted = tuple[Sighting, Baseband]


def network_threads() -> int:
    """Return the threads that a predictor should use: all cores but the one that detects."""
    return max(1, (os.cpu_count() or 1) - 1)


@dataclass(frozen=True)
class DetectionView:
    """A detection and its first `SNIPPET_SAMPLES` at baseband.

    complex64 `iq` at `sample_rate_hz`; of an emission in pieces, that of most energy.
    """

    detection: Detection
    iq: npt.NDArray[np.complex64]
    sample_rate_hz: float


@dataclass(frozen=True)
class _Snippet:
    """Samples to draw, their rate over that of the recording, and the energy of their piece."""

    iq: npt.NDArray[np.complex64]
    rate: float
    energy: float


@dataclass
class _Waiting:
    """A detection under a plateau that may yet turn out to be the signal itself."""

    view: DetectionView
    band: tuple[float, float]


@dataclass
class _Stream:
    """The state of one stream of samples."""

    detector: Detector
    evidence: dict[int, Evidence] = field(default_factory=dict)
    snippets: dict[int, _Snippet] = field(default_factory=dict)
    waiting: list[_Waiting] = field(default_factory=list)
    samples: int = 0


def _spread(cut: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Return at most `WINDOWS_PER_PIECE` windows, evenly spaced."""
    count = min(len(cut), WINDOWS_PER_PIECE)
    return np.asarray(cut[np.linspace(0, len(cut) - 1, count).round().astype(int)])


class Recogniser:
    """Finds and names the signals in recordings and streams.

    Args:
        predictor: the model.
        sample_rate_hz: of the stream for `push`; recordings bring their own.
        rules: which detections are told.
        workers: threads; of several, one judges and the others detect.
    """

    def __init__(
        self,
        predictor: Predictor,
        sample_rate_hz: float | None = None,
        rules: ReportRules | None = None,
        workers: int = 2,
    ) -> None:
        if predictor.metadata.samples != WINDOW:
            raise HertzianError(
                f"model {predictor.metadata.name}: takes windows of {predictor.metadata.samples} "
                f"samples, but recognition cuts {WINDOW}; choose a model made for recognition"
            )
        self.predictor = predictor
        self.rules = rules or ReportRules()
        self.sample_rate_hz = sample_rate_hz
        self._asking = Asking(predictor.metadata.classes)
        self._workers = workers
        self._judging = ThreadPoolExecutor(1) if workers > 1 else None
        self._stream = self._fresh_stream()

    @classmethod
    def load(
        cls,
        model: str | Path = "field",
        *,
        sample_rate: float | None = None,
        rules: ReportRules | None = None,
    ) -> "Recogniser":
        """Load a shipped model by name, a run's folder, or a file that `export` writes."""
        return cls(load_predictor(model, network_threads()), sample_rate, rules)

    @property
    def noise_confidence(self) -> float:
        """How sure it is that nothing was sent where nothing is detected."""
        return self.predictor.metadata.noise_confidence

    def recognise(
        self,
        source: str | Path | Recording | npt.ArrayLike,
        *,
        sample_rate: float | None = None,
    ) -> list[Detection]:
        """Return the detections in a recording (path, `Recording` or complex samples), by start.

        Raises:
            HertzianError: unreadable recording, samples that are no complex row of 64 or more,
                without a sampling rate, or with NaN in them.
        """
        chunks, rate = self._opened(source, sample_rate)
        found = (view.detection for view in self.views_of(chunks, rate))
        return sorted(found, key=lambda detection: detection.start)

    def views(
        self,
        source: str | Path | Recording | npt.ArrayLike,
        *,
        sample_rate: float | None = None,
    ) -> list[DetectionView]:
        """Return the same as `recognise`, each detection with samples of it at baseband."""
        chunks, rate = self._opened(source, sample_rate)
        return sorted(self.views_of(chunks, rate), key=lambda view: view.detection.start)

    def views_of(
        self, chunks: Iterable[npt.NDArray[np.complex64]], sample_rate_hz: float
    ) -> Iterator[DetectionView]:
        """Recognise a finite stream of chunks from its beginning to its end, as it goes on."""
        fresh = Recogniser(self.predictor, sample_rate_hz, self.rules, self._workers)
        for chunk in chunks:
            yield from fresh.push_views(chunk)
        yield from fresh.finish_views()

    def _opened(
        self, source: str | Path | Recording | npt.ArrayLike, sample_rate: float | None
    ) -> tuple[Iterable[npt.NDArray[np.complex64]], float]:
        if isinstance(source, str | Path):
            source = open_recording(source, sample_rate_hz=sample_rate)
        if isinstance(source, Recording):
            return source.chunks(_CHUNK), source.sample_rate_hz
        samples = np.asarray(source)
        if samples.ndim != 1 or samples.size < _FEWEST or not np.iscomplexobj(samples):
            raise HertzianError(
                f"samples: expected a row of {_FEWEST} complex numbers or more, "
                f"found {samples.dtype} {list(samples.shape)}"
            )
        starts = range(0, samples.size, _CHUNK)
        chunks = (samples[start : start + _CHUNK].astype(np.complex64) for start in starts)
        return chunks, self._rate(sample_rate)

    def push(self, iq: npt.ArrayLike) -> list[Detection]:
        """Take the next samples of a live stream, complex [any]; return what has ended since."""
        return [view.detection for view in self.push_views(iq)]

    def finish(self) -> list[Detection]:
        """End the stream: return the rest of its detections, and be ready for another one."""
        return [view.detection for view in self.finish_views()]

    def push_views(self, iq: npt.ArrayLike) -> list[DetectionView]:
        """Do as `push`, with samples of each detection."""
        self._rate(self.sample_rate_hz)
        samples = np.asarray(iq, dtype=np.complex64).ravel()
        if not np.isfinite(samples.view(np.float32)).all():
            raise HertzianError("the samples hold NaN or infinity; mend the source")
        if samples.size and float(np.abs(samples.view(np.float32)).max()) > _LOUDEST:
            raise HertzianError(
                f"the samples exceed {_LOUDEST:.0e}; scale the source, full scale is 1"
            )
        self._stream.samples += samples.size
        if self._judging is None:
            return self._take(self._sighted(samples), ended=False)
        # the network judges, in order, while the detector looks at what comes next
        jobs = [
            self._judging.submit(self._take, self._sighted(samples[begin : begin + _STEP]), False)
            for begin in range(0, samples.size, _STEP)
        ]
        return [view for job in jobs for view in job.result()]

    def _sighted(self, samples: npt.NDArray[np.complex64]) -> list[_Sighted]:
        return [(one, to_baseband(one)) for one in self._stream.detector.push(samples)]

    def finish_views(self) -> list[DetectionView]:
        """Do as `finish`, with samples of each detection."""
        last = [(one, to_baseband(one)) for one in self._stream.detector.finish()]
        views = self._take(last, ended=True)
        views += [waiting.view for waiting in self._stream.waiting]
        self._stream = self._fresh_stream()
        return views

    def _fresh_stream(self) -> _Stream:
        return _Stream(Detector(max(1, self._workers - 1)))

    def _rate(self, sample_rate: float | None) -> float:
        rate = self.sample_rate_hz if sample_rate is None else sample_rate
        if rate is None or not np.isfinite(rate) or rate <= 0:
            raise HertzianError(
                f"sampling rate in hertz: expected a positive number, found {rate}; "
                "give it as sample_rate"
            )
        return float(rate)

    def _take(self, sightings: list[_Sighted], ended: bool) -> list[DetectionView]:
        views: list[DetectionView] = []
        for sighting, found in sightings:
            views += self._judge(sighting, found, ended)
        return views

    def _judge(self, sighting: Sighting, found: Baseband, ended: bool) -> Iterator[DetectionView]:
        stream = self._stream
        if found.iq.size >= FEWEST_SAMPLES and found.energy > 0:
            self._gather(sighting.track, found)
        evidence = stream.evidence.get(sighting.track)
        if evidence is None:
            if sighting.plateau:
                yield from (waiting.view for waiting in self._ripe(sighting.stop))
            return
        told = None
        if sighting.last:
            told = self._conclude(sighting.track, evidence, ended)
        if sighting.plateau:
            yield from self._settle(evidence, sighting.stop)
        if told is None:
            return
        if sighting.on_plateau:
            stream.waiting.append(_Waiting(told, evidence.band))
        else:
            yield told

    def _gather(self, track: int, found: Baseband) -> None:
        stream = self._stream
        keyed = found.faint and pulses_carry_data(found.iq)
        if found.faint and not (keyed or track in stream.evidence):
            # its timing is all that such a piece is told by
            return
        answers = self._ask(windows(found, WINDOWS_PER_PIECE))
        logits = answers.logits
        if track not in stream.evidence:
            stream.evidence[track] = Evidence(
                start=found.start,
                stop=found.stop,
                touches_start=found.start < _AT_END,
                faint=found.faint,
                logits=np.zeros(logits.shape[1]),
                protocol_logits=np.zeros(answers.protocols.shape[1]),
            )
        evidence = stream.evidence[track]
        evidence.add(found, answers)
        evidence.keyed |= keyed
        self._ask_more(evidence, found, logits)
        best = stream.snippets.get(track)
        if best is None or found.energy > best.energy:
            # a copy, lest the view keep all of the piece alive
            shown = found.iq[:SNIPPET_SAMPLES].copy()
            stream.snippets[track] = _Snippet(shown, found.rate, found.energy)

    def _ask(self, cut: npt.NDArray[np.complex64]) -> Answers:
        x = to_channels(cut)
        if not self.predictor.metadata.protocols:
            return Answers(self.predictor.logits(x), np.empty((len(x), 0), np.float32))
        said = self.predictor.heads(x)
        return Answers(said[MODULATION], said[PROTOCOL])

    def _ask_more(
        self, evidence: Evidence, found: Baseband, logits: npt.NDArray[np.float32]
    ) -> None:
        """Ask a whole piece what its windows, of logits [windows, classes], leave open."""
        asking = self._asking
        evidence.plateau |= found.plateau
        samples, noisy = found.iq, asking.noisy(logits)
        rest = background(found) if found.plateau else None
        if rest is not None:
            bare = self.predictor.logits(to_channels(_spread(rest.windows)))
            evidence.add_background(bare)
            samples, noisy = rest.iq, noisy or asking.noisy(bare)
        if not evidence.repeats:
            lag = asking.repetition(samples, logits, plateau=found.plateau, noisy=noisy)
            evidence.repeat(lag, found.rate)
            if lag is None and asking.maybe_ofdm(logits) and not found.plateau:
                evidence.searched = max(evidence.searched, samples.size)
        if asking.maybe_pulsed(logits) and not found.faint:
            evidence.keyed |= pulses_carry_data(found.iq)

    def _conclude(self, track: int, evidence: Evidence, ended: bool) -> DetectionView | None:
        stream = self._stream
        del stream.evidence[track]
        snippet = stream.snippets.pop(track)
        touches_end = ended and evidence.stop > stream.samples - _AT_END
        verdict = judge(evidence.scores(self.predictor.metadata))
        told = self.rules.worth_telling(evidence, verdict, touches_end)
        if verdict.family == "noise" or not told:
            return None
        lower, upper = evidence.band
        rate = self._rate(None)
        protocol, protocol_confidence = name_protocol(
            evidence.protocol_logits,
            evidence.windows,
            self.predictor.metadata,
            bandwidth_hz=(upper - lower) * rate,
            repetition_s=None if evidence.repetition is None else evidence.repetition / rate,
        )
        detection = Detection(
            start=evidence.start,
            count=evidence.stop - evidence.start,
            center_hz=(lower + upper) / 2 * rate,
            bandwidth_hz=(upper - lower) * rate,
            snr_db=evidence.snr_db,
            modulation=verdict.modulation,
            family=verdict.family,
            protocol=protocol,
            protocol_confidence=protocol_confidence,
            confidence=verdict.confidence,
            family_confidence=verdict.family_confidence,
            scores=verdict.scores,
        )
        return DetectionView(detection, snippet.iq, rate * snippet.rate)

    def _settle(self, plateau: Evidence, until: int) -> list[DetectionView]:
        """Decide on what waits under a plateau: noise lets it through, a signal swallows it."""
        ripe = self._ripe(until)
        if judge(plateau.scores(self.predictor.metadata)).family == "noise":
            return [w.view for w in ripe]
        lower, upper = plateau.band
        return [
            w.view
            for w in ripe
            if w.view.detection.start < plateau.start
            or w.view.detection.stop > plateau.stop + _AT_END
            or not lower <= sum(w.band) / 2 <= upper
        ]

    def _ripe(self, until: int) -> list[_Waiting]:
        """Take out what waits and has ended by `until`."""
        stream = self._stream
        ripe = [w for w in stream.waiting if w.view.detection.stop <= until + _AT_END]
        stream.waiting = [w for w in stream.waiting if w.view.detection.stop > until + _AT_END]
        return ripe
