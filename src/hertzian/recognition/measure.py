"""How fast recognition is and what it needs, measured in a process of its own.

Run as `python -m hertzian.recognition.measure`; `bench recognition` does. It prints a line with the
number of samples done for each chunk, and at the end one JSON document.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft

from hertzian.deployment.finding import load_predictor
from hertzian.deployment.runtime import Predictor
from hertzian.detection import FEWEST_SAMPLES, WINDOW, Detector, to_baseband, windows
from hertzian.detection.frames import FRAME, HOP
from hertzian.recognition.recogniser import WINDOWS_PER_PIECE, Recogniser
from hertzian.recordings import Recording, open_recording
from hertzian.signal import HertzianError, to_channels

CORES = 2
_CHUNK = 1 << 20
_STAGED_SAMPLES = 1 << 25
_LIMIT_SECONDS = 0.5


@dataclass
class _Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextlib.contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Count the time that the block takes."""
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start

    def shares(self) -> dict[str, float]:
        """Return each stage's share of all of the time."""
        total = sum(self.seconds.values())
        return {stage: seconds / total for stage, seconds in self.seconds.items()}


def measure(path: Path, model: str, sample_rate_hz: float) -> dict[str, Any]:
    """Recognise a recording end to end on two cores, and say how long it took.

    Reading and decoding count; starting Python and loading the model do not. Memory is the peak of
    resident memory up to the end of recognition, the libraries included.

    Raises:
        HertzianError: the recording or the model cannot be used.
    """
    cores = _use_cores()
    predictor = load_predictor(model, threads=max(1, cores - 1))
    predictor.logits(np.ones((WINDOWS_PER_PIECE, 2, WINDOW), dtype=np.float32))
    recording = open_recording(path, sample_rate_hz=sample_rate_hz)
    recogniser = Recogniser(predictor, sample_rate_hz, workers=cores)
    start = time.perf_counter()
    detections = []
    for chunk in recording.chunks(_CHUNK):
        detections += recogniser.push(chunk)
        print(chunk.size, flush=True)
    detections += recogniser.finish()
    seconds = time.perf_counter() - start
    return {
        "samples": recording.samples,
        "cores": cores,
        "seconds": seconds,
        "samples_per_second": recording.samples / seconds,
        "peak_memory_bytes": _peak_memory_bytes(),
        "detections": [detection.to_dict() for detection in detections],
    }


def stage_shares(predictor: Predictor, recording: Recording) -> dict[str, float]:
    """Return the share of work of reading, detector, front end and network over some of it."""
    clock, detector = _Clock(), Detector()
    chunks = recording.chunks(_CHUNK)
    for _ in range(0, min(_STAGED_SAMPLES, recording.samples), _CHUNK):
        with clock.time("reading"):
            chunk = next(chunks)
        with clock.time("detector"):
            sightings = detector.push(chunk)
        for sighting in sightings:
            with clock.time("front_end"):
                found = to_baseband(sighting)
                if found.iq.size < FEWEST_SAMPLES:
                    continue
                cut = to_channels(windows(found, WINDOWS_PER_PIECE))
            with clock.time("network"):
                predictor.logits(cut)
    return clock.shares()


def limits(workers: int) -> dict[str, float]:
    """Return what the machine allows, in samples per second.

    `fft`: through transforms of half-overlapping frames, as the detector has them, and nothing
    else; `copy`: complex64 from memory to memory.
    """
    slab = 128 * HOP
    noise = np.random.default_rng(0).normal(size=(128, 2 * FRAME)).astype(np.float32)
    frames = noise.view(np.complex64)
    large = np.ones(1 << 24, dtype=np.complex64)
    copy = np.empty_like(large)
    return {
        "fft": _rate(lambda: fft.fft(frames, axis=1, workers=workers), slab),
        "copy": _rate(lambda: np.copyto(copy, large), large.size),
    }


def _rate(work: Callable[[], object], samples: int) -> float:
    """Return how many samples a second a repeated piece of work does."""
    work()
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < _LIMIT_SECONDS:
        work()
        done += samples
    return done / passed


def _use_cores() -> int:
    """Keep this process to two cores, where the system lets it; return how many it has."""
    if not hasattr(os, "sched_setaffinity"):
        return min(CORES, os.cpu_count() or 1)
    chosen = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, chosen)
    return len(chosen)


def _peak_memory_bytes() -> int | None:
    """Return the most resident memory that this process has had, or None where nobody counts it."""
    status = Path("/proc/self/status")
    if status.is_file():
        # getrusage would count what the parent process held when it started this one
        words = status.read_text(encoding="ascii", errors="replace").split()
        return 1024 * int(words[words.index("VmHWM:") + 1])
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m hertzian.recognition.measure")
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--sample-rate", type=float, required=True)
    parser.add_argument("--stages", action="store_true", help="shares of stages, and limits")
    given = parser.parse_args()
    try:
        told = measure(given.path, given.model, given.sample_rate)
        if given.stages:
            recording = open_recording(given.path, sample_rate_hz=given.sample_rate)
            predictor = load_predictor(given.model, threads=1)
            told["shares"] = stage_shares(predictor, recording)
            told["limits"] = limits(told["cores"])
    except HertzianError as error:
        sys.exit(str(error))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
