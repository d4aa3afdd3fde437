"""Makes passes of the RML2016.10a generator with the real blocks of GNU Radio 3.10.

A script for the interpreter that has GNU Radio (numpy 1 there): `python3 -I gnuradio_worker.py
REQUEST`. REQUEST is one JSON document; `hertzian.experiments.peers.gnuradio` writes it and names
its members. Arrays go to `.npy` files in REQUEST's folder `out`; the last line of stdout is a JSON
document that says what was made, or `{"failed": why}`. The recipe is that of O'Shea and West, Radio
machine learning dataset generation with GNU Radio, 2016, with constellations as they stand there.

-I matters: without it the script's own folder, where a module called gnuradio lies, comes first.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from gnuradio import (  # type: ignore[import-not-found]
    analog,
    blocks,
    channels,
    digital,
    filter,
    gr,
)
from gnuradio.filter import firdes, optfir  # type: ignore[import-not-found]

SAMPLES_PER_SYMBOL = 8
ARMS = 32
AUDIO_HZ = 44.1e3
CHANNEL_SEEDS = 2**31 - 16  # the paths of the fader count on from the seed, in 32 bits


def gray(value: int) -> int:
    """Return the place of the code word `value` in the Gray sequence."""
    place = value
    while value := value >> 1:
        place ^= value
    return place


def square(bits: int) -> "list[complex]":
    """Return the points of a square constellation on odd integers, Gray on each axis."""
    side = 2 ** (bits // 2)
    axis = [2 * gray(code) - side + 1 for code in range(side)]
    return [complex(axis[word % side], axis[word // side]) for word in range(side * side)]


def ring(size: int, turn: float) -> "list[complex]":
    """Return the points of a phase constellation, Gray, the first at the angle `turn`."""
    angles = [2 * math.pi * gray(word) / size + turn for word in range(size)]
    return [complex(math.cos(angle), math.sin(angle)) for angle in angles]


CONSTELLATIONS = {
    "BPSK": [-1 + 0j, 1 + 0j],
    "QPSK": ring(4, math.pi / 4),
    "8PSK": ring(8, 0.0),
    "PAM4": [complex(2 * gray(word) - 3) for word in range(4)],
    "QAM16": square(4),
    "QAM64": square(6),
}


class Collect(gr.sync_block):  # type: ignore[misc]
    """A sink that keeps what it gets as numpy arrays: a vector sink's lists cost milliseconds."""

    def __init__(self) -> None:
        gr.sync_block.__init__(self, "collect", [np.complex64], None)
        self._parts: list[np.ndarray[Any, Any]] = []

    def work(self, input_items: Any, output_items: Any) -> int:
        """Take what there is."""
        self._parts.append(input_items[0].copy())
        return len(input_items[0])

    def samples(self) -> "np.ndarray[Any, Any]":
        """Return all samples, complex64."""
        return np.concatenate([np.empty(0, np.complex64), *self._parts])


def run(*chain: Any) -> "np.ndarray[Any, Any]":
    """Connect the blocks in a row, run them to the end and return what comes out."""
    graph = gr.top_block()
    sink = Collect()
    graph.connect(*chain, sink)
    graph.run()
    return sink.samples()


def linear(name: str) -> "list[Any]":
    """Bits to symbols to pulses of 88 symbols, through 32 arms of unit gain."""
    points = CONSTELLATIONS[name]
    bits = len(points).bit_length() - 1
    taps = firdes.root_raised_cosine(ARMS, ARMS, 1.0, 0.35, ARMS * 11 * SAMPLES_PER_SYMBOL)
    return [
        blocks.pack_k_bits_bb(bits),
        digital.chunks_to_symbols_bc(points, 1),
        filter.pfb_arb_resampler_ccf(float(SAMPLES_PER_SYMBOL), taps, ARMS),
    ]


def gfsk() -> "list[Any]":
    """Gaussian frequency shift keying, fed with one bit a byte."""
    return [
        digital.gfsk_mod(
            samples_per_symbol=SAMPLES_PER_SYMBOL, sensitivity=0.1, bt=0.35, do_unpack=False
        )
    ]


def wbfm() -> "list[Any]":
    """Broadcast FM without the pre-emphasis, which the transmitter of 2016 did not have."""
    rate = 5 * AUDIO_HZ
    taps = optfir.low_pass(5, rate, 16e3, 18e3, 0.1, 40)
    return [
        filter.interp_fir_filter_fff(5, taps),
        analog.frequency_modulator_fc(2 * math.pi * 75e3 / rate),
    ]


def am_dsb() -> "list[Any]":
    """Audio at 200 kHz, and a carrier of one."""
    return [
        filter.mmse_resampler_ff(0.0, AUDIO_HZ / 200e3),
        blocks.float_to_complex(),
        blocks.add_const_cc(1.0),
    ]


def modulator(name: str) -> "list[Any]":
    """Return the blocks that make a class of its source."""
    if name in CONSTELLATIONS:
        return linear(name)
    if name == "CPFSK":
        return [analog.cpfsk_bc(0.5, 1.0, SAMPLES_PER_SYMBOL)]
    return {"GFSK": gfsk, "WBFM": wbfm, "AM-DSB": am_dsb}[name]()


def channel_model(channel: "dict[str, Any]", noise: float, seed: int) -> Any:
    """Return the channel of one pass."""
    return channels.dynamic_channel_model(
        channel["sample_rate_hz"],
        channel["sro_std_hz"],
        channel["sro_max_hz"],
        channel["cfo_std_hz"],
        channel["cfo_max_hz"],
        channel["sinusoids"],
        channel["doppler_hz"],
        channel["line_of_sight"],
        channel["k"],
        channel["delays"],
        channel["magnitudes"],
        channel["taps"],
        noise,
        seed,
    )


def source(
    request: "dict[str, Any]", number: int, audio: Any, generator: np.random.Generator
) -> Any:
    """Return the source of a pass: fresh random bits, or the next stretch of the audio."""
    if audio is None:
        bits = generator.integers(0, 2, request["bits"], dtype=np.uint8)
        return blocks.vector_source_b(bits.tolist(), False)
    count = request["audio_samples"]
    stretch = np.arange(number * count, (number + 1) * count) % len(audio)
    return blocks.vector_source_f(audio[stretch].tolist(), False)


def window_starts(
    length: int, window: "dict[str, Any]", generator: np.random.Generator
) -> "np.ndarray[Any, Any]":
    """Draw where the windows of a pass begin, by the generator's rule; both ends can occur."""
    samples = window["samples"]
    longest = max(round(0.05 * length), samples)
    starts = []
    start = int(generator.integers(50, 501))
    while start + samples < length:
        starts.append(start)
        start += int(generator.integers(samples, longest + 1))
    kept = np.array(starts, np.int64)
    per_pass = window["per_pass"]
    if per_pass is not None and per_pass < len(kept):
        kept = np.sort(generator.choice(kept, per_pass, replace=False))
    return kept


def cut(stream: Any, window: "dict[str, Any]", generator: np.random.Generator) -> "tuple[Any, Any]":
    """Return windows [n, samples] and their starts."""
    starts = window_starts(len(stream), window, generator)
    windows = stream[starts[:, None] + np.arange(window["samples"])]
    if window["normalise"]:
        windows = windows / np.abs(windows).sum(axis=1, keepdims=True)
    return windows.astype(np.complex64), starts


def make_passes(request: "dict[str, Any]") -> "dict[str, Any]":
    """Run passes until there are as many as asked for, or enough rows."""
    generator = np.random.default_rng(request["seed"])
    audio = None if request["audio"] is None else np.load(request["audio"], allow_pickle=False)
    snr_db = request["snr_db"]
    noise = 0.0 if snr_db is None else 10 ** (-snr_db / 10)
    rows, starts, numbers, seeds, lengths = [], [], [], [], []
    total = 0
    began, began_cpu = time.perf_counter(), time.process_time()
    for number in range(request["passes"]):
        chain = [source(request, number, audio, generator), *modulator(request["modulation"])]
        drawn = int(generator.integers(1, CHANNEL_SEEDS))
        seed = drawn if request["channel_seed"] is None else request["channel_seed"]
        if request["channel"] is not None:
            chain.append(channel_model(request["channel"], noise, seed))
        made = run(*chain)
        lengths.append(len(made))
        seeds.append(seed)
        if request["window"] is None:
            begins = np.zeros(1, np.int64)
        else:
            made, begins = cut(made, request["window"], generator)
        rows.append(made)
        starts.append(begins)
        numbers.append(np.full(len(begins), number, np.int64))
        total += len(made)
        if request["limit"] is not None and total >= request["limit"]:
            break
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    iq = np.concatenate(rows)[: request["limit"]]
    kept = len(iq) if request["window"] is not None else None
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "iq": iq,
        "start": np.concatenate(starts)[:kept],
        "number": np.concatenate(numbers)[:kept],
        "channel_seed": np.array(seeds, np.int64),
        "length": np.array(lengths, np.int64),
    }


def block(request: "dict[str, Any]", seed: int) -> Any:
    """Return one part of the channel by itself."""
    channel = request["channel"]
    rate = channel["sample_rate_hz"]
    fading = (
        channel["sinusoids"],
        channel["doppler_hz"] / rate,
        channel["line_of_sight"],
        channel["k"],
        seed,
    )
    name = request["block"]
    if name == "cfo":
        return channels.cfo_model(rate, channel["cfo_std_hz"], channel["cfo_max_hz"], seed)
    if name == "sro":
        return channels.sro_model(rate, channel["sro_std_hz"], channel["sro_max_hz"], seed)
    if name == "fading":
        return channels.fading_model(*fading)
    if name == "selective":
        return channels.selective_fading_model(
            *fading, channel["delays"], channel["magnitudes"], channel["taps"]
        )
    return channel_model(channel, request["noise_amplitude"], seed)


def run_block(request: "dict[str, Any]") -> "dict[str, Any]":
    """Send one input through a block for each seed; rows are cut to the shortest."""
    data = np.load(request["input"], allow_pickle=False).tolist()
    began, began_cpu = time.perf_counter(), time.process_time()
    rows = [run(blocks.vector_source_c(data, False), block(request, s)) for s in request["seeds"]]
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    shortest = min(map(len, rows))
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "iq": np.stack([row[:shortest] for row in rows]),
        "length": np.array([len(row) for row in rows], np.int64),
    }


def main(text: str) -> int:
    """Answer one request; return the exit status."""
    try:
        request = json.loads(text)
        made = (make_passes if request["task"] == "passes" else run_block)(request)
        answer = {"gnuradio": gr.version(), "arrays": {}}
        for name in ("seconds", "cpu_seconds"):
            answer[name] = made.pop(name)
        for name, array in made.items():
            file = Path(request["out"]) / f"{name}.npy"
            np.save(file, array)
            answer["arrays"][name] = file.name
    except Exception as error:  # whatever it is, the caller has to hear of it
        answer = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
    return int("failed" in answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
