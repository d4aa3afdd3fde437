"""GNU Radio's `dynamic_channel_model`, entered at any time: what the RadioML sets were made with.

The original runs sample by sample; here a window costs the same wherever in a pass it lies, because
the state of the channel at a time has a closed form (the fader) or is drawn on a grid (the walks).
Within a window of some hundred samples the channel stands still but for its rotation: at 1 Hz of
Doppler and 200 kHz the error is below -55 dB.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from hertzian.channel.draws import rotation, uniform
from hertzian.channel.parameters import ChannelError, require_between, require_positive

_KNOT_SAMPLES = 64  # a walk of 0.01 Hz per sample strays from the line between knots by 5e-5 rad
# The clock's interpolator: eight taps of the least squared error for |f| < 1/4, in steps of 1/128.
# Beyond, it is wrong, and what lies there (side lobes of CPFSK) arrives as the original makes it.
_TAPS = 8
_FRACTIONS = 128
_INTERPOLATED_BAND = 0.25
_TURN = 16  # samples that one fine turn serves
_LOS_ONLY_ON = 0  # the path that has the line of sight

RULES = ("3.7", "3.8")
"""Versions of the fader: up to 3.7, and from 3.8 on."""


@dataclass(frozen=True)
class DynamicChannel:
    """Clock offset, carrier offset, selective fading, in GNU Radio's order; its noise is apart.

    One random walk drives both offsets, for the original seeds both alike: each sample adds a
    normal step, and the value is clipped at its limit. Path i of the fader has the gain (rule 3.8)

    H_i = N^(-1/2) sum_{n=1..N} cos(w t cos a_n + psi_n) + j sin(w t cos a_n + phi_n),
    a_n = (2 pi n - pi + theta) / (4 N),

    with psi, phi, theta uniform on the circle; in rule 3.7 the factor is (2/N)^(1/2), the sum ends
    at N - 1, and Q is cos(w t sin a_n + phi_n). The first path has a line of sight K times as
    strong. Tap k is the sum over i of mag_i H_i sinc(k - d_i), in rule 3.7 sinc(2 (k - d_i)).

    Attributes:
        sample_rate_hz: of the stream.
        clock_std_hz, clock_limit_hz: step of the walk per sample, and its limit, in hertz of rate.
        carrier_std_hz, carrier_limit_hz: the same of the carrier.
        doppler_hz: largest Doppler frequency.
        rician_k: power of the line of sight over that of its path's scattered part; None is none.
        delays_samples, magnitudes: of the paths.
        taps: length of the tapped delay line.
        sinusoids: N.
        rule: one of `RULES`.
    """

    sample_rate_hz: float
    clock_std_hz: float
    clock_limit_hz: float
    carrier_std_hz: float
    carrier_limit_hz: float
    doppler_hz: float
    rician_k: float | None
    delays_samples: tuple[float, ...]
    magnitudes: tuple[float, ...]
    taps: int = 8
    sinusoids: int = 8
    rule: str = "3.8"

    def __post_init__(self) -> None:
        require_positive("sample_rate_hz", self.sample_rate_hz)
        for name in ("clock_std_hz", "clock_limit_hz", "carrier_std_hz", "carrier_limit_hz"):
            require_between(name, getattr(self, name), 0.0)
        require_between("doppler_hz", self.doppler_hz, 0.0, self.sample_rate_hz / 2)
        require_between("taps", self.taps, 1)
        require_between("sinusoids", self.sinusoids, 2)
        if self.rician_k is not None:
            require_between("rician_k", self.rician_k, 0.0)
        if not self.delays_samples or len(self.delays_samples) != len(self.magnitudes):
            raise ChannelError(
                "DynamicChannel needs one magnitude per delay and at least one path, found "
                f"{len(self.delays_samples)} delays and {len(self.magnitudes)} magnitudes"
            )
        if self.rule not in RULES:
            raise ChannelError(f"the fader's rule is {' or '.join(RULES)}, not {self.rule!r}")

    @property
    def lead(self) -> int:
        """Samples before a window that `ChannelStates.receive` reads."""
        return _TAPS // 2 - 1 + self.taps - 1

    @property
    def margin(self) -> int:
        """Samples around a window that `ChannelStates.receive` reads, before and after."""
        return self.lead + _TAPS // 2

    def draw(self, passes: int, samples: int, generator: torch.Generator) -> "ChannelStates":
        """Draw the channel's course over so many passes of so many samples."""
        paths = len(self.delays_samples)
        shape = (passes, paths, self.sinusoids)
        order = torch.arange(1, self.sinusoids + 1, dtype=torch.float64)
        theta = uniform((passes, paths, 1), -math.pi, math.pi, generator)
        arrival = (2 * math.pi * order - math.pi + theta) / (4 * self.sinusoids)
        doppler = self.doppler_hz / self.sample_rate_hz
        line = uniform((passes,), -math.pi, math.pi, generator)
        psi, phi = uniform((2, *shape), 0.0, 1.0, generator)
        line_phase = uniform((passes,), 0.0, 1.0, generator)
        # last, so that a longer pass begins as a shorter one of the same seed
        walk = _walk(passes, samples, generator)
        clock = _integral(walk, self.clock_std_hz, self.clock_limit_hz) / self.sample_rate_hz
        carrier = _integral(walk, self.carrier_std_hz, self.carrier_limit_hz) / self.sample_rate_hz
        return ChannelStates(
            channel=self,
            in_phase=doppler * torch.cos(arrival),
            # cos(w t cos a + phi) with a quarter turn in phi is the sine of rule 3.8
            quadrature=doppler * (torch.sin if self.rule == "3.7" else torch.cos)(arrival),
            psi=psi,
            phi=phi,
            line_rate=doppler * torch.cos(line),
            line_phase=line_phase,
            shift=clock,
            cycles=carrier,
        )

    @property
    def _mixing(self) -> Tensor:
        """Return [paths, taps]: the part of each path in each tap."""
        delays = torch.tensor(self.delays_samples, dtype=torch.float64)[:, None]
        distance = torch.arange(self.taps, dtype=torch.float64) - delays
        magnitudes = torch.tensor(self.magnitudes, dtype=torch.float64)[:, None]
        return magnitudes * torch.sinc(distance * (2.0 if self.rule == "3.7" else 1.0))


@dataclass(frozen=True)
class ChannelStates:
    """The course of a `DynamicChannel` over passes; rates in cycles per sample, phases in cycles.

    Attributes:
        in_phase, quadrature, psi, phi: of the sinusoids, float64 [passes, paths, sinusoids].
        line_rate, line_phase: of the line of sight, float64 [passes].
        shift: what the clock has gained, in samples, at every 64th sample, float64 [passes, knots].
        cycles: phase of the carrier, likewise.
    """

    channel: DynamicChannel
    in_phase: Tensor
    quadrature: Tensor
    psi: Tensor
    phi: Tensor
    line_rate: Tensor
    line_phase: Tensor
    shift: Tensor
    cycles: Tensor

    def taps(self, which: Tensor, times: Tensor) -> Tensor:
        """Return the delay line of passes `which` at `times` (in samples), complex64 [n, taps]."""
        t = times.to(torch.float64)[:, None, None]
        channel = self.channel
        real = _cosine(self.in_phase[which] * t + self.psi[which])
        imaginary = _cosine(self.quadrature[which] * t + self.phi[which])
        if channel.rule == "3.7":
            # the last sinusoid is left out, and the factor doubled
            real, imaginary = real[..., :-1], imaginary[..., :-1]
            scale = math.sqrt(2 / channel.sinusoids)
        else:
            scale = math.sqrt(1 / channel.sinusoids)
        gains = scale * torch.complex(real.sum(-1), imaginary.sum(-1))
        if channel.rician_k is not None:
            k = channel.rician_k
            line = rotation(self.line_rate[which] * t[:, 0, 0] + self.line_phase[which])
            first = gains[:, _LOS_ONLY_ON]
            gains[:, _LOS_ONLY_ON] = (first + math.sqrt(k) * line) / math.sqrt(k + 1)
        return gains @ channel._mixing.to(gains.dtype)

    def mean_gain_db(self) -> float:
        """Return the mean power gain at the carrier over passes and time, in decibels."""
        passes, knots = self.shift.shape
        which = torch.arange(passes).repeat_interleave(knots)
        times = (_KNOT_SAMPLES * torch.arange(knots)).repeat(passes)
        power = self.taps(which, times).sum(-1).abs().square().mean()
        return 10 * math.log10(float(power))

    def first_needed(self, which: Tensor, first: Tensor, length: int) -> Tensor:
        """Return where in the sent stream the samples for `receive` begin, int64 [n]."""
        shift = _at(self.shift, which, first + length / 2)
        return first + torch.floor(shift).to(torch.int64) - self.channel.lead

    def receive(self, x: Tensor, which: Tensor, first: Tensor) -> Tensor:
        """Return what arrives without noise, complex64 [n, length].

        Args:
            x: what was sent, complex64 [n, length + margin], from `first_needed` on.
            which: pass of each window, int64 [n].
            first: first sample of each window in its pass, int64 [n].
        """
        length = x.shape[1] - self.channel.margin
        middle = first + length / 2
        shift = _at(self.shift, which, middle)
        steps = torch.round((shift - torch.floor(shift)) * _FRACTIONS).to(torch.int64)
        begin, end = (_at(self.cycles, which, first + place) for place in (0, length))
        rate = (end - begin) / length
        size = next_fast_len(x.shape[1])
        delayed, interpolated = _responses(size, self.channel.taps)
        # what a tap delays it turns back, since the offset comes before the fading
        turned = rotation(-rate[:, None] * torch.arange(self.channel.taps, dtype=torch.float64))
        response = (self.taps(which, middle) * turned) @ delayed
        # fft's own padding of complex numbers takes longer than the transform
        padded = x.new_zeros(x.shape[0], size)
        padded[:, : x.shape[1]] = x
        spectrum = torch.fft.fft(padded)
        spectrum *= response
        spectrum *= interpolated[steps]
        y: Tensor = torch.fft.ifft(spectrum)[:, self.channel.lead : self.channel.lead + length]
        return y * _steady_rotation(begin, rate, length)


def _cosine(cycles: Tensor) -> Tensor:
    return torch.cos((cycles - torch.round(cycles)).to(torch.float32) * (2 * math.pi))


def _steady_rotation(begin: Tensor, rate: Tensor, length: int) -> Tensor:
    """Return exp(2 pi j (begin + rate n)), complex64 [n, length], as coarse turns by fine ones."""
    begins = torch.arange(0, length, _TURN, dtype=torch.float64)
    coarse = rotation(begin[:, None] + rate[:, None] * begins)
    fine = rotation(rate[:, None] * torch.arange(_TURN, dtype=torch.float64))
    return (coarse[:, :, None] * fine[:, None, :]).flatten(1)[:, :length]


def _walk(passes: int, samples: int, generator: torch.Generator) -> Tensor:
    """Draw standard normal steps from knot to knot, float64 [passes, knots - 1]."""
    knots = math.ceil(samples / _KNOT_SAMPLES) + 2
    steps = torch.randn(passes, knots - 1, generator=generator, dtype=torch.float64)
    return steps * math.sqrt(_KNOT_SAMPLES)


def _integral(steps: Tensor, std: float, limit: float) -> Tensor:
    """Return the sum over samples of the clipped walk, at the knots, float64 [passes, knots]."""
    walk = torch.nn.functional.pad(torch.cumsum(steps * std, dim=1), (1, 0))
    if bool((walk.abs() > limit).any()):
        for knot in range(1, walk.shape[1]):
            moved = walk[:, knot - 1] + steps[:, knot - 1] * std
            walk[:, knot] = moved.clamp(-limit, limit)
    trapezoids = (walk[:, 1:] + walk[:, :-1]) * (_KNOT_SAMPLES / 2)
    return torch.nn.functional.pad(torch.cumsum(trapezoids, dim=1), (1, 0))


def _at(values: Tensor, which: Tensor, times: Tensor) -> Tensor:
    """Interpolate values at the knots [passes, knots] linearly, float64 [n]."""
    place = times.to(torch.float64) / _KNOT_SAMPLES
    before = place.to(torch.int64)
    flat = values.reshape(-1)
    index = which * values.shape[1] + before
    return torch.lerp(flat[index], flat[index + 1], place - before)


@lru_cache(maxsize=8)
def _responses(size: int, taps: int) -> tuple[Tensor, Tensor]:
    """Return the transforms of single delays [taps, size] and of the interpolators' fractions."""
    frequency = torch.fft.fftfreq(size, dtype=torch.float64)
    delays = rotation(-torch.arange(taps, dtype=torch.float64)[:, None] * frequency)
    fractions = torch.arange(_FRACTIONS + 1, dtype=torch.float64) / _FRACTIONS
    reads = torch.arange(_TAPS, dtype=torch.float64)[:, None] - (_TAPS // 2 - 1)
    return delays, _interpolators(fractions).to(torch.complex64) @ rotation(reads * frequency)


def _interpolators(fractions: Tensor) -> Tensor:
    """Return the taps that read at n + fraction from n - 3 to n + 4, float64 [fractions, 8].

    They solve sum_k h_k sinc(2 B (j - k)) = sinc(2 B (j - fraction)): the least squared error over
    |f| < B of an ideal delay.
    """
    width = 2 * _INTERPOLATED_BAND
    reads = torch.arange(_TAPS, dtype=torch.float64) - (_TAPS // 2 - 1)
    products = torch.sinc(width * (reads[:, None] - reads))
    wanted = torch.sinc(width * (reads[:, None] - fractions))
    solved: Tensor = torch.linalg.solve(products, wanted).T
    return solved
