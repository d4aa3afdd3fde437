"""Recognising raw samples from standard input, as the program of an SDR writes them."""

import sys
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import cast

import numpy as np

from hertzian.cli.inputs import Given
from hertzian.deployment.runtime import Predictor
from hertzian.recognition import Recogniser, ReportRules
from hertzian.recordings import Recording
from hertzian.recordings.samples import SAMPLE_TYPES, Complex, SampleType, named_format
from hertzian.report import ReportEntry
from hertzian.signal import Detection, HertzianError, summarise

STREAM = Path("-")
"""What stands for standard input among the files."""

_BLOCK_BYTES = 1 << 18
_ENDLESS = 1 << 62  # so that times are told in seconds


def hear_stream(
    predictor: Predictor,
    given: Given,
    *,
    model: str,
    rules: ReportRules,
    tell: Callable[[Recording, Detection], None],
    keep: bool,
) -> ReportEntry:
    """Recognise standard input until it ends, or until it is interrupted (Ctrl-C).

    Args:
        predictor: the model.
        given: format and sampling rate, which a stream doesn't say.
        model: how to name the model.
        rules: which detections are told.
        tell: takes each detection as it ends; they are in order of their end.
        keep: whether the result has them all, by start; endless streams want no memory for that.

    Raises:
        HertzianError: format or rate are missing, nothing came, or a sample is not finite.
    """
    if given.format is None or given.sample_rate_hz is None:
        raise HertzianError("samples on standard input need --format F and --sample-rate HZ")
    kind = SAMPLE_TYPES[named_format(given.format)]
    recording = Recording(
        path=STREAM,
        format=kind.name,
        sample_rate_hz=given.sample_rate_hz,
        center_frequency_hz=given.center_frequency_hz or 0.0,
        samples=_ENDLESS,
        annotations=(),
        data_path=STREAM,
    )
    recogniser = Recogniser(predictor, given.sample_rate_hz, rules)
    kept: list[Detection] = []

    def take(detections: list[Detection]) -> None:
        for detection in detections:
            tell(recording, detection)
        kept.extend(detections if keep else ())

    came = 0
    try:
        for block in sample_blocks(cast(BufferedReader, sys.stdin.buffer), kind):
            came += block.size
            take(recogniser.push(block))
    except KeyboardInterrupt:
        pass  # the end of a stream that has none of its own
    if not came:
        raise HertzianError("no samples came on standard input")
    take(recogniser.finish())
    kept.sort(key=lambda detection: detection.start)
    summary = summarise(kept, recogniser.noise_confidence)
    return ReportEntry(recording, tuple(kept), summary, model)


def sample_blocks(source: BufferedReader, kind: SampleType) -> Iterator[Complex]:
    """Yield the samples of a stream as they come; bytes at its end that are no sample are left."""
    rest = b""
    while data := source.read1(_BLOCK_BYTES):
        data = rest + data
        whole = len(data) - len(data) % kind.sample_bytes
        rest = data[whole:]
        if whole:
            yield kind.decode(np.frombuffer(data[:whole], np.uint8))
