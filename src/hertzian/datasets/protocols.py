"""Protocols as emitters: transmissions whose rates are fixed in hertz, at any sampling rate.

| protocol | sent as | source |
| --- | --- | --- |
| radars, Radar-Altimeter, SATCOM, Short-Range | as in `radcom_like` | there |
| AM radio | 3 to 5 kHz of speech or music, or as in `radcom_like` | ITU-R SM.1138 |
| Bluetooth | GFSK, BT 0.5, 1 MBd, h 0.28 to 0.35, low energy 0.45 to 0.55 | Core 5.4, 2A, 6A |
| 802.11bg | Barker or CCK chips of 11 MHz, or 52 of 64 subcarriers | IEEE 802.11-2020, 15 to 18 |
| 802.15.4 | O-QPSK chips of 2 MHz | IEEE 802.15.4-2015, 12 |
| ADS-B | PPM, 1 Mbit/s, 56 or 112 bits after 8 us of preamble | ICAO Annex 10, vol. IV, 3.1.2 |
| LoRa | chirps of 125, 250 or 500 kHz, SF 7 to 12 | Semtech AN1200.22 |
| wM-Bus | 2FSK, +-50 kHz, 3-of-6 at 100 or Manchester at 32.768 kchip/s | EN 13757-4, T and S |
| DVB-T | 1705 of 2048 or 6817 of 8192 subcarriers, scattered pilots, 6 to 8 MHz | EN 300 744 |
| FM broadcast | 75 kHz of deviation, stereo multiplex of 53 kHz or mono | ITU-R BS.450-3 |
| GSM | GMSK, BT 0.3, 1625/6 kBd | 3GPP TS 45.004 |
| AIS | GMSK, BT 0.4, 9.6 kBd | ITU-R M.1371-5 |
| POCSAG | 2FSK, +-4.5 kHz, 512, 1200 or 2400 Bd | ITU-R M.584-2 |
| TETRA | pi/4-DQPSK, roll-off 0.35, 18 kBd | EN 300 392-2, 5 |

Simpler than the standards: data are random, and without frames of their own; preambles are those
of 802.11 and Mode S, others alternate; DVB-T has no continual pilots and no signalling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from numpy.random import Generator

from hertzian.datasets.emitters import MIN_SAMPLES_PER_SYMBOL, Emitter
from hertzian.signal import NO_PROTOCOL
from hertzian.waveforms import Waveform, make

FASTEST_HZ = 61.44e6
"""Sampling rate of the fastest receivers in common use."""

_TUNED = 0.7  # share of a narrow receiver's band
_FINE = 16.0  # times the lowest sampling rate: there a bandwidth is that of endless resolution


@dataclass(frozen=True)
class Transmission:
    """What is sent, in seconds and hertz.

    Attributes:
        at: sampling rate in hertz -> waveform.
        unit_s: duration of a symbol, or what stands for it, see `Emitter`.
        lowest_hz: least sampling rate that it can have.
        narrow_hz: band that a receiver may be tuned to for all that counts of it, where hard edges
            reach far beyond; None where there are none.
    """

    at: Callable[[float], Waveform]
    unit_s: float
    lowest_hz: float
    narrow_hz: float | None = None

    @property
    def bandwidth_hz(self) -> float:
        """Occupied bandwidth."""
        rate_hz = _FINE * self.lowest_hz
        return _occupied(self.at(rate_hz)) * rate_hz

    def heard(self, bandwidth: float, narrowly: bool = False) -> "Heard":
        """Return what a receiver hears that it fills a share of, or as near as can be.

        Args:
            bandwidth: cycles per sample.
            narrowly: whether the receiver takes in what counts of it and little more.
        """
        own = self.bandwidth_hz
        if narrowly and self.narrow_hz:
            own, bandwidth = self.narrow_hz, max(bandwidth, _TUNED)
        # rounded, the lowest rate must not fall below what the waveform can be
        rate_hz = max(min(own / bandwidth, FASTEST_HZ), self.lowest_hz * (1 + 1e-9))
        waveform = self.at(rate_hz)
        emitter = Emitter(waveform, self.unit_s * rate_hz, _occupied(waveform))
        return Heard(emitter, rate_hz)


@dataclass(frozen=True)
class Heard:
    """A transmission, as an emitter in samples of some rate."""

    emitter: Emitter
    sample_rate_hz: float


@lru_cache(maxsize=4096)
def _occupied(waveform: Waveform) -> float:
    return waveform.occupied_bandwidth


Draw = Callable[[Generator], Transmission]


def _symbols(
    label: str, rate_hz: float, fewest: float = MIN_SAMPLES_PER_SYMBOL, **parameters: Any
) -> Transmission:
    """Return digital keying; of pulses with hard edges two main lobes count."""
    return Transmission(
        lambda fs: make(label, samples_per_symbol=fs / rate_hz, **parameters),
        1 / rate_hz,
        fewest * rate_hz,
        2 * rate_hz if label in ("OOK", "PPM") else None,
    )


def _chips(label: str, rate_hz: float, code: int, **parameters: Any) -> Transmission:
    return Transmission(
        lambda fs: make(label, samples_per_chip=fs / rate_hz, **parameters),
        code / rate_hz,
        MIN_SAMPLES_PER_SYMBOL * rate_hz,
    )


def _subcarriers(spacing_hz: float, size: int, used: int, **parameters: Any) -> Transmission:
    band_hz = spacing_hz * size
    return Transmission(
        lambda fs: make(
            "OFDM",
            fft_size=size,
            occupied_subcarriers=used,
            oversampling=fs / band_hz,
            **parameters,
        ),
        1 / spacing_hz,
        band_hz,
    )


def _analog(label: str, width_hz: float, **parameters: Any) -> Transmission:
    return Transmission(
        lambda fs: make(label, message_bandwidth=width_hz / fs, **parameters),
        1 / width_hz,
        2.5 * width_hz,
    )


def _one(rng: Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _step(rng: Generator, low: float, high: float) -> float:
    """Draw one of nine: what repeats, no bandwidth needs to be computed of anew."""
    return low + (high - low) * int(rng.integers(9)) / 8


def _radar(pulse_us: float, repetition_us: float) -> Draw:
    def draw(rng: Generator) -> Transmission:
        pulse_s, repetition_s = (
            1e-6 * us * _step(rng, 0.9, 1.1) for us in (pulse_us, repetition_us)
        )
        return Transmission(
            lambda fs: make(
                "PCW",
                pulse_samples=pulse_s * fs,
                repetition_samples=repetition_s * fs,
                rise_samples=1e-7 * fs,
            ),
            repetition_s,
            4 / pulse_s,
        )

    return draw


def _altimeter(rng: Generator) -> Transmission:
    sweep_hz, period_s = float(rng.uniform(4e6, 7e6)), float(rng.uniform(8e-6, 16e-6))
    return Transmission(
        lambda fs: make(
            "FMCW", bandwidth=sweep_hz / fs, period_samples=period_s * fs, shape="triangle"
        ),
        period_s,
        sweep_hz,
    )


def _am_radio(rng: Generator) -> Transmission:
    kind = int(rng.integers(4))
    if kind < 2:
        index, message = _step(rng, 0.4, 1.0), _one(rng, "speech", "speech", "music")
        width_hz = float(rng.uniform(3e3, 5e3))
        return _analog("AM-DSB", width_hz, message=message, modulation_index=index)
    return _analog(_one(rng, "AM-DSB", "AM-SSB"), float(rng.uniform(0.3e6, 0.5e6)), message="noise")


def _bluetooth(rng: Generator) -> Transmission:
    index = _one(rng, _step(rng, 0.28, 0.35), _step(rng, 0.45, 0.55))  # basic rate, low energy
    preamble = _one(rng, 0, 4, 8)
    return _symbols("GFSK", 1e6, bt=0.5, modulation_index=index, preamble_symbols=preamble)


def _wifi(rng: Generator) -> Transmission:
    kind = int(rng.integers(5))
    if kind < 2:
        return _chips("DSSS-CCK", 11e6, 8) if kind else _chips("DSSS-BPSK", 11e6, 11)
    alphabet = _one(rng, "BPSK", "QPSK", "16QAM", "64QAM")
    preamble = _one(rng, "wifi", "wifi", "none")
    return _subcarriers(312.5e3, 64, 52, alphabet=alphabet, preamble=preamble, pilot_spacing=14)


def _adsb(rng: Generator) -> Transmission:
    bits = {"packet_bits": _one(rng, 56, 112, 112), "gap_symbols": _one(rng, 30, 120, 400)}
    return _symbols("PPM", 1e6, 2.0, rise_share=_one(rng, 0.0, 0.1, 0.2), preamble="mode-s", **bits)


def _lora(rng: Generator) -> Transmission:
    band_hz, factor = _one(rng, 125e3, 250e3, 500e3), int(rng.integers(7, 13))
    return Transmission(
        lambda fs: make("CSS", bandwidth=band_hz / fs, spreading_factor=factor),
        2**factor / band_hz,
        band_hz,
    )


def _meter(rng: Generator) -> Transmission:
    preamble = _one(rng, 0, 32, 64)
    rate_hz, coding = (100e3, "3-of-6") if rng.random() < 0.7 else (32_768.0, "manchester")
    return _symbols(
        *("2FSK", rate_hz),
        modulation_index=100e3 / rate_hz,
        coding=coding,
        preamble_symbols=preamble,
    )


def _television(rng: Generator) -> Transmission:
    size, used = _one(rng, (2048, 1705), (2048, 1705), (8192, 6817))
    spacing_hz = _one(rng, 6e6, 7e6, 8e6, 8e6) * 8 / 7 / size
    prefix, alphabet = _one(rng, 1 / 4, 1 / 8, 1 / 16, 1 / 32), _one(rng, "QPSK", "16QAM", "64QAM")
    return _subcarriers(
        *(spacing_hz, size, used),
        alphabet=alphabet,
        cyclic_prefix=prefix,
        pilot_spacing=12,
        pilot_step=3,
        pilot_boost=4 / 3,
        null_dc=False,
    )


def _broadcast(rng: Generator) -> Transmission:
    message, width_hz = _one(rng, ("stereo", 53e3), ("stereo", 53e3), ("music", 15e3))
    return Transmission(
        lambda fs: make(
            "WBFM",
            message_bandwidth=width_hz / fs,
            deviation=75e3 / fs,
            message=message,
            pre_emphasis=True,
        ),
        1 / width_hz,
        2.2 * (75e3 + width_hz),
    )


def _pager(rng: Generator) -> Transmission:
    rate_hz = _one(rng, 512.0, 1200.0, 1200.0, 2400.0)
    preamble = _one(rng, 0, 64)
    return _symbols("2FSK", rate_hz, modulation_index=9e3 / rate_hz, preamble_symbols=preamble)


_DRAWS: dict[str, Draw] = {
    "Airborne-detection": _radar(1.0, 3.2),
    "Airborne-range": _radar(0.5, 5.0),
    "Air-Ground-MTI": _radar(2.0, 8.0),
    "Ground mapping": _radar(0.4, 12.0),
    "Radar-Altimeter": _altimeter,
    "SATCOM": lambda rng: _symbols("BPSK", float(rng.uniform(0.8e6, 1.25e6)), roll_off=0.35),
    "AM radio": _am_radio,
    "Short-Range": lambda rng: _symbols(
        "OOK", 1e6 * _step(rng, 1, 2), coding="manchester", rise_share=0.1
    ),
    "Bluetooth": _bluetooth,
    "802.11bg": _wifi,
    "802.15.4": lambda rng: _chips("DSSS-OQPSK", 2e6, 32),
    "ADS-B": _adsb,
    "LoRa": _lora,
    "wM-Bus": _meter,
    "DVB-T": _television,
    "FM broadcast": _broadcast,
    "GSM": lambda rng: _symbols("GMSK", 1625e3 / 6, bt=0.3),
    "AIS": lambda rng: _symbols("GMSK", 9.6e3, bt=0.4, preamble_symbols=_one(rng, 0, 24)),
    "POCSAG": _pager,
    "TETRA": lambda rng: _symbols("PI4-DQPSK", 18e3, roll_off=0.35),
}

PROTOCOLS: tuple[str, ...] = tuple(_DRAWS)
"""Protocols that can be sent; the first eleven are RadCom's."""

PROTOCOL_CLASSES = (*PROTOCOLS, NO_PROTOCOL)
"""Classes of a head that names protocols, the last for what is of none of these."""


def draw_protocol(protocol: str, rng: Generator) -> Transmission:
    """Draw a transmission of a protocol."""
    return _DRAWS[protocol](rng)
