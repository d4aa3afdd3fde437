"""Amplitude keying: on/off with its line codes and packets, unipolar levels, pulse position."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require, uniform
from hertzian.waveforms.pulses import Pulse, pulse, shape
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation

_LAGS = 48
_LEVELS = {"4ASK": 4, "8ASK": 8}

# half-symbol slots: pulses at 0, 1, 3.5 and 4.5 of 8 us (ICAO Annex 10, vol. IV, 3.1.2.2.1)
_HEADERS = {"none": (), "mode-s": (1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)}

Patterns = tuple[tuple[int, ...], ...]


def _patterns(label: str, coding: str, ratio: int) -> Patterns:
    """Return the levels of the line symbols that stand for each data symbol."""
    if label in _LEVELS:
        return tuple((level,) for level in range(_LEVELS[label]))
    codes: dict[str, Patterns] = {
        "nrz": ((0,), (1,)),
        "rz": ((0, 0), (1, 0)),
        "manchester": ((0, 1), (1, 0)),
        "pwm": ((1,) + (0,) * ratio, (1,) * ratio + (0,)),
        "ppm": ((1,) + (0,) * ratio, (1,) + (0,) * (2 * ratio)),
    }
    require(coding in codes, f"unknown line code {coding!r}; known are {', '.join(codes)}")
    return codes[coding]


@dataclass(frozen=True)
class _Packets:
    """Bits per packet (None: endless), copies of each packet and the silence between them.

    Each begins with the line symbols of `header`, if it has any, and `preamble` alternating bits.
    """

    bits: int | None
    preamble: int
    repeats: int
    gap: int
    header: tuple[int, ...] = ()

    def least(self, patterns: Patterns) -> int:
        """Return the line symbols of the shortest packet."""
        bits = self.preamble + (self.bits or 0)
        return len(self.header) + bits * min(map(len, patterns))

    def data(
        self, patterns: Patterns, batch: int, width: int, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return data symbols and the silence after each, both [batch, so many].

        They fill `width` line symbols or more; one past the last pattern is the header.
        """
        device, order, shortest = generator.device, len(patterns), min(map(len, patterns))
        if self.bits is None:
            count = ceil(width / shortest)
            data = draw_indices(order, batch, count, generator)
            return data, torch.zeros_like(data)
        messages = ceil(width / ((self.least(patterns) + self.gap) * self.repeats))
        data = draw_indices(order, batch * messages, self.bits, generator)
        alternating = (torch.arange(self.preamble, device=device) + 1) % 2 * (order - 1)
        header = torch.full((1 if self.header else 0,), order, device=device)
        beginning = torch.cat([header, alternating]).expand(batch * messages, -1)
        packet = torch.cat([beginning, data], dim=1)
        silence = torch.zeros_like(packet)
        silence[:, -1] = self.gap
        copies = (1, self.repeats)
        return packet.tile(copies).view(batch, -1), silence.tile(copies).view(batch, -1)


def _line_symbols(patterns: Patterns, data: torch.Tensor, silence: torch.Tensor) -> torch.Tensor:
    """Write the pattern of each data symbol and the silence after it: float32 [batch, width]."""
    longest = max(map(len, patterns))
    padded = [[*levels, *[0] * (longest - len(levels))] for levels in patterns]
    table = torch.tensor(padded, dtype=torch.float32, device=data.device)
    lengths = torch.tensor([len(levels) for levels in patterns], device=data.device)
    if longest == 1 and not bool(silence.any()):
        return table[:, 0][data]
    ends = torch.cumsum(lengths[data] + silence, dim=1)
    starts = ends - lengths[data] - silence
    levels = torch.zeros(len(data), int(ends.max()) + longest, device=data.device)
    for place in range(longest):
        # what lies beyond a short pattern is zero, so adding it spoils no neighbour
        levels.scatter_add_(1, starts + place, table[:, place][data])
    return levels


def _mean_power(patterns: Patterns, shaping: Pulse, sequence: npt.NDArray[np.float64]) -> float:
    """Mean of x^2 over the data: sum over m of R[m] r_g(m), R of the line symbols."""
    overlap = shaping.autocorrelation[::512]
    lags = np.arange(1 - overlap.size, overlap.size)
    return float(sum(sequence[abs(m)] * overlap[abs(m)] for m in lags))


@lru_cache(maxsize=256)
def _correlation(patterns: Patterns) -> npt.NDArray[np.float64]:
    """Return R[m] = E[l_n l_(n + m)], m = 0 .. 47, of the line symbols of independent data.

    Data symbols begin anew like the events of a renewal process (Cox, Renewal Theory): a lag that
    leaves its pattern meets the mean level `later[j]` that many symbols j after a beginning.
    """
    later = np.zeros(_LAGS)
    for j in range(_LAGS):
        levels = [p[j] if j < len(p) else later[j - len(p)] for p in patterns]
        later[j] = np.mean(levels)
    total = np.zeros(_LAGS)
    for p in patterns:
        onwards = np.concatenate([p, later])
        for i in np.flatnonzero(p):
            total += p[i] * onwards[i : i + _LAGS]
    return total / sum(map(len, patterns))


@lru_cache(maxsize=256)
def _measures(patterns: Patterns, shaping: Pulse, samples_per_symbol: float) -> tuple[float, float]:
    """Return (mean power, 99% bandwidth) of patterns with levels as written."""
    sequence = _correlation(patterns)
    power = _mean_power(patterns, shaping, sequence)
    correlation = linear_autocorrelation(sequence, shaping, samples_per_symbol)
    complete = int((_LAGS - shaping.taps) * samples_per_symbol)
    return power, bandwidth_of(correlation[:complete], endless=True)


def _first_symbols(
    patterns: Patterns,
    packets: _Packets,
    window: float,
    timing: float | None,
    batch: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Draw the line symbol at which each window begins, int64 [batch, 1]; packets begin at 0."""
    if timing is not None:
        return torch.zeros(batch, 1, dtype=torch.int64, device=generator.device)
    if packets.bits is None:
        earliest, latest = 0.0, float(max(map(len, patterns)))
    else:
        # half a window of packet at least, or all of it: no window is the silence between packets
        active = packets.least(patterns)
        earliest, latest = -min(packets.gap, window / 2), max(0.0, active - window / 2)
    start = earliest + (latest - earliest) * uniform(batch, generator)
    return torch.floor(start).to(torch.int64)


def _keyed(
    patterns: Patterns,
    packets: _Packets,
    shaping: Pulse,
    samples_per_symbol: float,
    timing: float | None,
    shape_of: tuple[int, int],
    generator: torch.Generator,
) -> torch.Tensor:
    """Generate float32 [batch, samples] of line symbols, levels as written."""
    batch, samples = shape_of
    phase = draw_timing(timing, batch, generator)
    window = samples / samples_per_symbol
    first = _first_symbols(patterns, packets, window, timing, batch, generator)
    longest = max(map(len, patterns))
    tail = shaping.taps + shaping.first - 1
    if packets.bits is None:
        # the window begins after some whole data symbols, so that no pulse is missing there
        before, lead = -tail % longest, 2 * longest
    else:
        length = len(packets.header) + longest * (packets.preamble + packets.bits)
        before, lead = packets.gap, length + packets.gap
    needed = shaping.symbols_needed(samples, samples_per_symbol)
    data, silence = packets.data(patterns, batch, needed + lead, generator)
    levels = _line_symbols((*patterns, packets.header), data, silence)
    if packets.bits is not None:
        levels = torch.nn.functional.pad(levels, (packets.gap + tail, 0))
    places = first + before + torch.arange(needed, device=levels.device)
    return shape(levels.gather(1, places), shaping, samples_per_symbol, phase, samples)


@dataclass(frozen=True)
class AmplitudeKeying(Waveform):
    """Unipolar amplitude keying: OOK with its line codes, 4ASK and 8ASK with levels 0 to M - 1.

    The power is one as a mean over the data of the packets, on and off alike; the silence between
    packets is left out of that mean. A window that is shorter than the gap still sees a packet.

    Attributes:
        label: OOK, 4ASK or 8ASK.
        samples_per_symbol: of a line symbol, the shortest element that is keyed: half a bit of
            "manchester" and "rz", the short pulse of "pwm" and "ppm", a bit or level otherwise.
        pulse: "rect" or "rrc".
        rise_share: share of a symbol that each raised-cosine edge of "rect" takes.
        roll_off: excess bandwidth of "rrc".
        coding: of OOK: "nrz", "rz", "manchester", "pwm" (0: on 1, off `ratio`; 1: on `ratio`,
            off 1) or "ppm" (on 1, then off `ratio` for 0 and 2 `ratio` for 1), as remotes send.
        ratio: long over short element of "pwm" and "ppm".
        packet_bits: data symbols of a packet; None sends without end.
        preamble_bits: alternating symbols in front of each packet.
        repeats: how often each packet is sent before the next message.
        gap_symbols: silence after each packet, in line symbols.
        timing: as in `Linear`.
    """

    labels: ClassVar[tuple[str, ...]] = ("OOK", *_LEVELS)

    label: str = "OOK"
    samples_per_symbol: float = 8.0
    pulse: str = "rect"
    rise_share: float = 0.0
    roll_off: float = 0.35
    coding: str = "nrz"
    ratio: int = 2
    packet_bits: int | None = None
    preamble_bits: int = 0
    repeats: int = 1
    gap_symbols: int = 0
    timing: float | None = None

    def _check(self) -> None:
        sps = self.samples_per_symbol
        require(sps >= 1.5, f"{self.label} needs at least 1.5 samples per symbol, not {sps}")
        require(self.pulse in ("rect", "rrc"), f"pulse is rect or rrc, not {self.pulse!r}")
        require(0 <= self.rise_share <= 1, f"rise_share is from 0 to 1, not {self.rise_share}")
        require(self.label == "OOK" or self.coding == "nrz", "line codes are for OOK only")
        require(self.ratio >= 2, f"ratio is at least 2, not {self.ratio}")
        _check_packets(self.packet_bits, self.preamble_bits, self.repeats, self.gap_symbols)
        self._parts()

    def _parts(self) -> tuple[Patterns, Pulse]:
        shaping = pulse(self.pulse, self.roll_off, rise_share=self.rise_share)
        return _patterns(self.label, self.coding, self.ratio), shaping

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of endless data, the carrier line included."""
        return _measures(*self._parts(), self.samples_per_symbol)[1]

    @property
    def symbol_rate(self) -> float:
        """Line symbols per sample."""
        return 1 / self.samples_per_symbol

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        patterns, shaping = self._parts()
        sps = self.samples_per_symbol
        packets = _Packets(self.packet_bits, self.preamble_bits, self.repeats, self.gap_symbols)
        window = (batch, samples)
        x = _keyed(patterns, packets, shaping, sps, self.timing, window, generator)
        return (x / sqrt(_measures(patterns, shaping, sps)[0])).to(torch.complex64)


@dataclass(frozen=True)
class PulsePosition(Waveform):
    """Pulse position: one pulse in one of `order` slots of each symbol (Mode S: order 2).

    The power is one as a mean over the data symbols, so pulses have a peak power of about `order`;
    the silence between packets is left out, and that of a preamble.

    Attributes:
        label: PPM.
        samples_per_symbol: of a whole symbol of `order` slots; a slot has at least one sample.
        order: slots per symbol.
        rise_share: share of a slot that each raised-cosine edge takes.
        packet_bits: data symbols of a packet; None sends without end.
        preamble: of each packet: "none", or "mode-s" (of order 2: eight symbols with pulses in
            slots 0, 2, 7 and 9).
        preamble_bits: symbols with the pulse in the last and the first slot by turns, after it.
        repeats: how often each packet is sent before the next message.
        gap_symbols: silence after each packet, in symbols.
        timing: phase of the first sample within a slot, 0 to 1; with 0 a symbol begins there.
    """

    labels: ClassVar[tuple[str, ...]] = ("PPM",)

    label: str = "PPM"
    samples_per_symbol: float = 8.0
    order: int = 2
    rise_share: float = 0.0
    packet_bits: int | None = None
    preamble: str = "none"
    preamble_bits: int = 0
    repeats: int = 1
    gap_symbols: int = 0
    timing: float | None = None

    def _check(self) -> None:
        require(self.order >= 2, f"PPM has at least 2 slots per symbol, not {self.order}")
        require(
            self.samples_per_symbol >= self.order,
            f"PPM needs a sample per slot: {self.order} slots, {self.samples_per_symbol} samples",
        )
        require(0 <= self.rise_share <= 1, f"rise_share is from 0 to 1, not {self.rise_share}")
        known = ", ".join(_HEADERS)
        require(self.preamble in _HEADERS, f"preamble is one of {known}, not {self.preamble!r}")
        bare = self.preamble == "none"
        require(bare or self.order == 2, f"the {self.preamble} preamble is of order 2")
        require(bare or self.packet_bits is not None, "a preamble needs packets: packet_bits")
        _check_packets(self.packet_bits, self.preamble_bits, self.repeats, self.gap_symbols)

    def _parts(self) -> tuple[Patterns, Pulse, float]:
        slots = range(self.order)
        patterns = tuple(tuple(int(slot == held) for slot in slots) for held in slots)
        return patterns, pulse("rect", rise_share=self.rise_share), self._samples_per_slot

    @property
    def _samples_per_slot(self) -> float:
        return self.samples_per_symbol / self.order

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of endless data, its lines included."""
        return _measures(*self._parts())[1]

    @property
    def symbol_rate(self) -> float:
        """Symbols per sample."""
        return 1 / self.samples_per_symbol

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        patterns, shaping, sps = self._parts()
        gap = self.gap_symbols * self.order
        header = _HEADERS[self.preamble]
        packets = _Packets(self.packet_bits, self.preamble_bits, self.repeats, gap, header)
        window = (batch, samples)
        x = _keyed(patterns, packets, shaping, sps, self.timing, window, generator)
        return (x / sqrt(_measures(patterns, shaping, sps)[0])).to(torch.complex64)


def _check_packets(bits: int | None, preamble: int, repeats: int, gap: int) -> None:
    require(bits is None or bits >= 1, f"a packet has at least one bit, not {bits}")
    require(repeats >= 1, f"a packet is sent at least once, not {repeats} times")
    require(preamble >= 0 and gap >= 0, "preamble and gap are not negative")
