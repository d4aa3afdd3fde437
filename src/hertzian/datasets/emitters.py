"""What an emitter of each kind may look like on the air: random parameters for every waveform.

Bandwidths are 99% occupied ones in cycles per sample of the recording; the closed forms that turn
them into symbol rates are the first-order ones (Nyquist, Carson), not exact, and need not be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.random import Generator

from hertzian.waveforms import Waveform, make

MIN_SAMPLES_PER_SYMBOL = 1.5
_REFERENCE_RATE = 64.0
_TIMELINE = {"packet_bits", "preamble_bits", "repeats", "gap_symbols", "preamble_symbols"}
_RISES = (0.0, 0.2, 0.5)
_BT_PRODUCTS = (0.3, 0.5, 0.7, 1.0)
_CODES = ("barker11", "m15", "m31", "m63", "m127")
_MESSAGES = ("speech", "speech", "music", "tone", "noise")


@dataclass(frozen=True)
class Emitter:
    """A waveform and how long it takes to say something.

    Attributes:
        waveform: with its parameters.
        unit_samples: samples per symbol, chip code, sweep or (analog) reciprocal of the message's
            bandwidth.
        reference_bandwidth: that SNR refers to; a carrier has none of its own.
    """

    waveform: Waveform
    unit_samples: float
    reference_bandwidth: float

    @property
    def center(self) -> float:
        """Centre of the waveform's band, cycles per sample: a single sideband lies beside 0 Hz."""
        sign = {"upper": 1, "lower": -1}.get(getattr(self.waveform, "side", ""), 0)
        return sign * self.reference_bandwidth / 2


Draw = Callable[[str, float, Generator], Emitter]
Style = Literal["plain", "close", "cheap"]


def _symbols(bandwidth: float, excess: float) -> float:
    return max(MIN_SAMPLES_PER_SYMBOL, excess / bandwidth)


def _emitter(waveform: Waveform, unit_samples: float) -> Emitter:
    return Emitter(waveform, unit_samples, waveform.occupied_bandwidth)


@lru_cache(maxsize=4096)
def _symbol_bandwidth(waveform: Waveform) -> float:
    return waveform.occupied_bandwidth


def _keyed_emitter(label: str, samples_per_symbol: float, **parameters: Any) -> Emitter:
    """Return an emitter whose bandwidth takes long to compute, but scales with its symbol rate."""
    waveform = make(label, samples_per_symbol=samples_per_symbol, **parameters)
    shape = {name: value for name, value in parameters.items() if name not in _TIMELINE}
    reference = make(label, samples_per_symbol=_REFERENCE_RATE, **shape)
    bandwidth = _symbol_bandwidth(reference) * _REFERENCE_RATE / samples_per_symbol
    return Emitter(waveform, samples_per_symbol, min(1.0, bandwidth))


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _linear(label: str, bandwidth: float, rng: Generator) -> Emitter:
    roll_off = float(rng.uniform(0.1, 0.5))
    sps = _symbols(bandwidth, 1 + 0.5 * roll_off)
    return _emitter(make(label, samples_per_symbol=sps, roll_off=roll_off), sps)


def _on_off(label: str, bandwidth: float, rng: Generator) -> Emitter:
    return _remote(label, bandwidth, rng, float(rng.uniform(2.0, 6.0)), _RISES)


def _sharp_on_off(label: str, bandwidth: float, rng: Generator) -> Emitter:
    """Long pulses with hard edges: close by, their sidebands show far beyond the symbol rate."""
    return _remote(label, bandwidth, rng, _log_uniform(rng, 4.0, 60.0), (0.0,))


def _sparse_on_off(label: str, bandwidth: float, rng: Generator) -> Emitter:
    """Hard-edged pulses far apart, the gap telling the bit, as weather sensors send them."""
    return _remote(label, bandwidth, rng, _log_uniform(rng, 4.0, 60.0), (0.0,), 17)


def _remote(
    label: str,
    bandwidth: float,
    rng: Generator,
    excess: float,
    rises: tuple[float, ...],
    ratios: int = 5,
) -> Emitter:
    coding = str(rng.choice(["nrz", "rz", "manchester", "pwm", "ppm"]))
    sps = _symbols(bandwidth, excess)
    packets: dict[str, Any] = {}
    if rng.random() < 0.6:
        packets = {
            "packet_bits": int(rng.integers(12, 100)),
            "preamble_bits": int(rng.choice([0, 0, 4, 8, 16])),
            "repeats": int(rng.integers(1, 13)),
            "gap_symbols": int(rng.integers(4, 40)),
        }
    ratio = int(rng.integers(2, ratios)) if coding in ("pwm", "ppm") else 2
    rise = float(rng.choice(rises))
    return _keyed_emitter(label, sps, coding=coding, ratio=ratio, rise_share=rise, **packets)


def _levels(label: str, bandwidth: float, rng: Generator) -> Emitter:
    if rng.random() < 0.5:
        roll_off = float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.5]))
        sps = _symbols(bandwidth, 1 + 0.5 * roll_off)
        return _keyed_emitter(label, sps, pulse="rrc", roll_off=roll_off)
    sps = _symbols(bandwidth, float(rng.uniform(2.0, 4.0)))
    return _keyed_emitter(label, sps, rise_share=float(rng.choice(_RISES)))


def _pulse_position(label: str, bandwidth: float, rng: Generator) -> Emitter:
    order = int(rng.choice([2, 2, 4]))
    sps = max(MIN_SAMPLES_PER_SYMBOL, order * float(rng.uniform(1.0, 3.0)) / bandwidth)
    packets: dict[str, Any] = {}
    if rng.random() < 0.5:
        packets = {
            "packet_bits": int(rng.choice([56, 112, 88])),
            "repeats": 1,
            "gap_symbols": int(rng.integers(8, 200)),
        }
    rise = float(rng.choice(_RISES))
    return _keyed_emitter(label, sps, order=order, rise_share=rise, **packets)


def _shift_keying(label: str, bandwidth: float, rng: Generator) -> Emitter:
    parameters: dict[str, Any] = {}
    index = 0.5
    if label == "2FSK":
        index = float(rng.choice(np.geomspace(0.5, 8.0, 17)))
        parameters["coding"] = str(rng.choice(["nrz", "nrz", "manchester"]))
    elif label == "4FSK":
        index = float(rng.choice(np.geomspace(0.3, 3.0, 11)))
    elif label == "GFSK":
        index = float(rng.choice(np.geomspace(0.25, 2.0, 10)))
        parameters["bt"] = float(rng.choice(_BT_PRODUCTS))
    else:
        parameters["bt"] = float(rng.choice([0.2, 0.25, 0.3, 0.4, 0.5]))
    if label != "GMSK":
        parameters["modulation_index"] = index
    spread = 3 * index if label == "4FSK" else index
    sps = _symbols(bandwidth, 0.8 + 1.1 * spread)
    preamble = int(rng.choice([0, 0, 16, 32, 64]))
    return _keyed_emitter(label, sps, preamble_symbols=preamble, **parameters)


def _amplitude(label: str, bandwidth: float, rng: Generator) -> Emitter:
    message = bandwidth / 2
    waveform = make(
        label,
        message_bandwidth=message,
        modulation_index=float(rng.uniform(0.4, 1.0)),
        message=str(rng.choice(_MESSAGES)),
    )
    return Emitter(waveform, 1 / message, bandwidth)


def _sideband(label: str, bandwidth: float, rng: Generator) -> Emitter:
    bandwidth = min(bandwidth, 0.45)
    waveform = make(
        label,
        message_bandwidth=bandwidth,
        side=str(rng.choice(["upper", "lower"])),
        message=str(rng.choice(["speech", "speech", "music", "noise"])),
    )
    return Emitter(waveform, 1 / bandwidth, bandwidth)


def _frequency(label: str, bandwidth: float, rng: Generator) -> Emitter:
    index = rng.uniform(0.5, 1.7) if label == "NBFM" else rng.uniform(2.0, 6.0)
    message = bandwidth / (2 * (1 + float(index)))
    choices = _MESSAGES if label == "NBFM" else (*_MESSAGES, "stereo", "video")
    waveform = make(
        label,
        message_bandwidth=message,
        deviation=float(index) * message,
        message=str(rng.choice(choices)),
        pre_emphasis=bool(rng.random() < 0.5),
    )
    return Emitter(waveform, 1 / message, bandwidth)


def _video(label: str, bandwidth: float, rng: Generator) -> Emitter:
    index = float(rng.uniform(0.5, 3.0))
    message = bandwidth / (2 * (1 + index))
    kind = str(rng.choice(["video", "video", "stereo", "music"]))
    emphasised = bool(rng.random() < 0.5)
    waveform = make(
        label,
        message_bandwidth=message,
        deviation=index * message,
        message=kind,
        pre_emphasis=emphasised,
    )
    return Emitter(waveform, 1 / message, bandwidth)


def _pulses(label: str, bandwidth: float, rng: Generator) -> Emitter:
    pulse = max(4.0, float(rng.uniform(1.5, 4.0)) / bandwidth)
    repetition = pulse * _log_uniform(rng, 3.0, 20.0)
    waveform = make(
        label,
        pulse_samples=pulse,
        repetition_samples=repetition,
        jitter_samples=float(rng.choice([0.0, 0.0, 0.1])) * repetition,
        rise_samples=float(rng.uniform(0.0, 0.3)) * pulse,
    )
    return _emitter(waveform, repetition)


def _sweep(label: str, bandwidth: float, rng: Generator) -> Emitter:
    pulse = _log_uniform(rng, 20.0, 1000.0) / bandwidth
    repetition = None if rng.random() < 0.5 else pulse * float(rng.uniform(1.0, 5.0))
    waveform = make(
        label,
        bandwidth=bandwidth,
        pulse_samples=pulse,
        repetition_samples=repetition,
        direction=str(rng.choice(["up", "down"])),
    )
    return Emitter(waveform, repetition or pulse, bandwidth)


def _spread_chirp(label: str, bandwidth: float, rng: Generator) -> Emitter:
    factor = int(rng.integers(6, 11))
    while factor > 6 and 16 * 2**factor / bandwidth > 60_000:
        factor -= 1
    waveform = make(label, bandwidth=bandwidth, spreading_factor=factor)
    return Emitter(waveform, 2**factor / bandwidth, bandwidth)


def _direct_sequence(label: str, bandwidth: float, rng: Generator) -> Emitter:
    roll_off = float(rng.uniform(0.2, 0.5))
    code = str(rng.choice(_CODES))
    chip = _symbols(bandwidth, 1 + 0.5 * roll_off)
    waveform = make(label, samples_per_chip=chip, code=code, roll_off=roll_off)
    length = 11 if code == "barker11" else int(code[1:])
    return _emitter(waveform, chip * length)


def _offset_sequence(label: str, bandwidth: float, rng: Generator) -> Emitter:
    chip = max(MIN_SAMPLES_PER_SYMBOL, 1.2 / bandwidth)
    return _emitter(make(label, samples_per_chip=chip), 32 * chip)


def _complementary_codes(label: str, bandwidth: float, rng: Generator) -> Emitter:
    roll_off = float(rng.uniform(0.2, 0.5))
    chip = _symbols(bandwidth, 1 + 0.5 * roll_off)
    return _emitter(make(label, samples_per_chip=chip, roll_off=roll_off), 8 * chip)


def _continuous_sweep(label: str, bandwidth: float, rng: Generator) -> Emitter:
    period = _log_uniform(rng, 20.0, 1000.0) / bandwidth
    shape = str(rng.choice(["triangle", "sawtooth"]))
    waveform = make(label, bandwidth=bandwidth, period_samples=period, shape=shape)
    return Emitter(waveform, period, bandwidth)


def _multicarrier(label: str, bandwidth: float, rng: Generator) -> Emitter:
    size = int(2 ** rng.integers(6, 12))
    used = int(size * rng.uniform(0.6, 0.9))
    oversampling = max(1.0, used / size / bandwidth)
    while size > 64 and 8 * size * oversampling > 60_000:
        size //= 2
        used //= 2
    waveform = make(
        label,
        fft_size=size,
        occupied_subcarriers=used,
        cyclic_prefix=float(rng.choice([1 / 4, 1 / 8, 1 / 16, 1 / 32])),
        alphabet=str(rng.choice(["BPSK", "QPSK", "16QAM", "64QAM"])),
        pilot_spacing=int(rng.choice([0, 0, 7, 14])),
        null_dc=bool(rng.random() < 0.7),
        preamble=str(rng.choice(["none", "none", "schmidl-cox", "wifi"])),
        oversampling=oversampling,
    )
    return _emitter(waveform, size * oversampling)


def _carrier(label: str, bandwidth: float, rng: Generator) -> Emitter:
    return Emitter(make(label), 64 / CARRIER_BANDWIDTH, CARRIER_BANDWIDTH)


CARRIER_BANDWIDTH = 2 / 1024
"""Bandwidth that the SNR of an unmodulated carrier refers to, cycles per sample."""

_DRAWS: dict[str, Draw] = {
    **dict.fromkeys(("4PAM", "BPSK", "QPSK", "8PSK", "OQPSK", "16QAM", "64QAM", "16APSK"), _linear),
    **dict.fromkeys(("2FSK", "4FSK", "GFSK", "GMSK"), _shift_keying),
    **dict.fromkeys(("NBFM", "WBFM"), _frequency),
    "OOK": _on_off,
    "4ASK": _levels,
    "PPM": _pulse_position,
    "AM-DSB": _amplitude,
    "AM-SSB": _sideband,
    "PCW": _pulses,
    "LFM": _sweep,
    "CSS": _spread_chirp,
    "DSSS-BPSK": _direct_sequence,
    "OFDM": _multicarrier,
    "CW": _carrier,
}

_CLOSE_DRAWS: dict[str, Draw] = {**_DRAWS, "OOK": _sharp_on_off, "WBFM": _video}
_STYLES: dict[str, dict[str, Draw]] = {
    "plain": _DRAWS,
    "close": _CLOSE_DRAWS,
    "cheap": {**_CLOSE_DRAWS, "OOK": _sparse_on_off},
}

_FURTHER_DRAWS: dict[str, Draw] = {
    "PI4-DQPSK": _linear,
    "DSSS-OQPSK": _offset_sequence,
    "DSSS-CCK": _complementary_codes,
    "FMCW": _continuous_sweep,
}

EMITTED: tuple[str, ...] = tuple(_DRAWS)
"""Labels of the emitters of every scene."""

FURTHER: tuple[str, ...] = tuple(_FURTHER_DRAWS)
"""Labels that protocols have beside: who sends these at any rate, sends no protocol."""


def draw_emitter(label: str, bandwidth: float, rng: Generator, style: Style = "plain") -> Emitter:
    """Draw the parameters of an emitter of about this occupied bandwidth, cycles per sample.

    A "close" one is near the receiver: remotes with hard-edged pulses, video links. Of the "cheap"
    ones, remotes and sensors also send few pulses far apart.
    """
    draw = _FURTHER_DRAWS.get(label) or _STYLES[style][label]
    return draw(label, bandwidth, rng)
