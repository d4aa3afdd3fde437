"""Streams of RML2016.10a's classes: ours beside those of one GNU Radio process.

Both go through modulator, dynamic channel and noise. A digital class is one stream; an analog one
is sent in passes of 10 000 samples of audio, as in the generator of the published set.
"""

import math
import time
from concurrent.futures import Executor
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from hertzian.datasets import rml2016
from hertzian.datasets.making import labelled_noise
from hertzian.datasets.passes import received_stream
from hertzian.datasets.randomness import generator
from hertzian.datasets.synthesis import open_pool
from hertzian.experiments.generation import Advance
from hertzian.experiments.peers import gnuradio
from hertzian.signal import canonical, constellation
from hertzian.waveforms.gnuradio import (
    SAMPLES_PER_SYMBOL,
    Broadcast,
    MostlySilent,
    PhaseModulated,
    Shaped,
    Transmitter,
)

CLASSES = gnuradio.MODULATIONS
"""The ten classes that are more than noise, as RML2016.10a spells them."""

_SEED = 1
_LABEL_DB = 0.0
_BLOCK = 128
_WARM_UP_SAMPLES = 100_000

# GNU Radio 3.10 has the later rule of the fader
_CHANNEL = replace(rml2016.CHANNEL, rule="3.8")


@dataclass(frozen=True)
class Stream:
    """What both sides make of a class.

    Attributes:
        modulation: of `CLASSES`.
        transmitter: ours.
        samples: of a pass.
        passes: one after the other.
        bits: of a pass; None where it sends audio.
    """

    modulation: str
    transmitter: Transmitter
    samples: int
    passes: int
    bits: int | None


def plan_stream(modulation: str, samples: int) -> Stream:
    """Return the stream of a class that has so many samples, or a few more."""
    transmitter = rml2016.TRANSMITTERS[modulation]
    if isinstance(transmitter, Broadcast):
        # the audio is there before; both sides modulate it for every pass
        told = _audio()
        transmitter = replace(transmitter, audio=lambda passes, generator: told)
        passes = math.ceil(samples / transmitter.samples)
        return Stream(modulation, transmitter, transmitter.samples, passes, None)
    symbols = math.ceil(samples / SAMPLES_PER_SYMBOL)
    bits = symbols * _bits_per_symbol(transmitter)
    return Stream(modulation, transmitter, symbols * SAMPLES_PER_SYMBOL, 1, bits)


def _audio() -> Tensor:
    return MostlySilent(rml2016.SILENT_SHARE, seed=0)(1, torch.Generator())


def _bits_per_symbol(transmitter: Transmitter) -> int:
    if isinstance(transmitter, PhaseModulated):
        return 1
    assert isinstance(transmitter, Shaped)
    return len(constellation(canonical(transmitter.label))).bit_length() - 1


def send(stream: Stream, seed: int) -> Tensor:
    """Return all passes of a stream with channel and noise, complex64 [passes, samples]."""
    drawn = generator(seed)
    received = torch.empty(stream.passes, stream.samples, dtype=torch.complex64)
    for row in received:
        states = _CHANNEL.draw(1, stream.samples + _BLOCK, drawn)
        x = received_stream(stream.transmitter, states, stream.samples, drawn, _BLOCK)
        row.copy_((x + labelled_noise(x, _LABEL_DB, drawn))[0])
    return received


def beside_gnuradio(samples: int, rounds: int, workers: int, advance: Advance) -> dict[str, Any]:
    """Make a stream of each class by turns, ours and GNU Radio's; give rates of median times.

    Ours are as many streams at once as there are workers, each on one thread; then one stream on
    one worker. GNU Radio's is one process, which has a thread for each of its blocks. The start of
    interpreters and workers does not count. On a busy machine the ratio of CPU times, of all
    threads together for as many samples, tells more than that of times by the clock.

    Returns:
        samples per second `all_workers`, `one_worker`, `gnuradio`; of GNU Radio's time to ours
        `ratio`, `ratio_of_one_worker`, `ratio_of_cpu`; the same for each of `classes`.

    Raises:
        WorkerError: GNU Radio is missing or failed.
    """
    python = gnuradio.find_python()
    classes: dict[str, _Costs] = {}
    with open_pool("threads", workers) as pool:
        for modulation in CLASSES:
            _send_at_once(plan_stream(modulation, _WARM_UP_SAMPLES), pool, workers)
        for modulation in CLASSES:
            stream = plan_stream(modulation, samples)
            costs = []
            for number in range(rounds):
                together = _send_at_once(stream, pool, workers)
                theirs = _from_gnuradio(stream, _SEED + number, python)
                alone = _send_at_once(stream, pool, 1)
                # its clock offset and its filters leave some samples fewer
                share = stream.samples * stream.passes / int(theirs.length.sum())
                costs.append(
                    (*together, *alone, theirs.seconds * share, theirs.cpu_seconds * share)
                )
                advance(1)
            middle = (median(column) for column in zip(*costs, strict=True))
            classes[modulation] = _Costs(stream.samples * stream.passes, *middle)
    total = _Costs(*(sum(column) for column in zip(*map(astuple, classes.values()), strict=True)))
    return {
        **{"version": theirs.version, "rounds": rounds, "workers": workers},
        **total.rates(),
        "classes": {name: costs.rates() for name, costs in classes.items()},
    }


@dataclass(frozen=True)
class _Costs:
    """Seconds for so many samples: by the clock, and of CPU."""

    samples: float
    together: float
    together_cpu: float
    alone: float
    alone_cpu: float
    theirs: float
    theirs_cpu: float

    def rates(self) -> dict[str, float]:
        """Return samples per second and ratios."""
        return {
            "samples": self.samples,
            "all_workers": self.samples / self.together,
            "one_worker": self.samples / self.alone,
            "gnuradio": self.samples / self.theirs,
            "ratio": self.theirs / self.together,
            "ratio_of_one_worker": self.theirs / self.alone,
            "ratio_of_cpu": self.theirs_cpu / self.together_cpu,
        }


def _send_at_once(stream: Stream, pool: Executor, count: int) -> tuple[float, float]:
    """Send so many streams at once; return the seconds for each by the clock and of CPU."""
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in pool.map(send, [stream] * count, range(_SEED, _SEED + count)):
        pass
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    return seconds / count, cpu / count


def _from_gnuradio(stream: Stream, seed: int, python: Path) -> gnuradio.Passes:
    request = gnuradio.PassRequest(
        stream.modulation,
        passes=stream.passes,
        seed=seed,
        snr_db=_LABEL_DB,
        bits=stream.bits,
        audio=None if stream.bits else _audio()[0].numpy(),
        windows=None,
    )
    return gnuradio.make_passes(request, python=python)
