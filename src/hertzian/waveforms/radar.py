"""Radar: pulsed carriers and linear frequency sweeps, pulsed and continuous."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import ClassVar

import numpy as np
import torch
from scipy.special import fresnel

from hertzian.signal import occupied_bandwidth
from hertzian.waveforms.base import Waveform, require, rotate, sample_times, uniform
from hertzian.waveforms.pulses import pulse
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation

# B T from which on sweeps fill 99% of their band: of longer ones, ever less lies beyond it
_LONG = 1e4


def _first_start(
    on: float, repetition: float, samples: int, batch: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw when the first pulse of the window begins, float64 [batch, 1], in samples.

    Uniform over a repetition; but where the window is shorter than that and there are pauses, such
    that it holds a whole pulse, or nothing but pulse.
    """
    earliest, latest = -on, repetition - on
    if samples < repetition and on < repetition:
        earliest, latest = min(0.0, samples - on), max(0.0, min(latest, samples - on))
    return earliest + (latest - earliest) * uniform(batch, generator)


@dataclass(frozen=True)
class PulsedCarrier(Waveform):
    """A carrier in pulses; amplitude one within a pulse, zero between them.

    Attributes:
        label: PCW.
        pulse_samples: duration of a pulse at half amplitude.
        repetition_samples: mean time from pulse to pulse, longer than a pulse and its edges.
        jitter_samples: each pulse is moved by up to so much, uniform on both sides.
        rise_samples: duration of each raised-cosine edge.
    """

    labels: ClassVar[tuple[str, ...]] = ("PCW",)

    label: str = "PCW"
    pulse_samples: float = 100.0
    repetition_samples: float = 1000.0
    jitter_samples: float = 0.0
    rise_samples: float = 2.0

    def _check(self) -> None:
        on, rise = self.pulse_samples, self.rise_samples
        require(on >= 1, f"a pulse lasts at least one sample, not {on}")
        require(0 <= rise <= on, f"the edge is from 0 to the pulse's {on} samples, not {rise}")
        require(self.jitter_samples >= 0, "jitter is not negative")
        busy = on + rise + 2 * self.jitter_samples
        require(
            busy <= self.repetition_samples,
            f"pulse, edge and jitter take {busy} of {self.repetition_samples} samples",
        )

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of one pulse; the lines of the repetition lie under it."""
        return _pulse_bandwidth(self.pulse_samples, self.rise_samples)

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        n = sample_times(samples, generator)
        on, repetition = self.pulse_samples, self.repetition_samples
        first = _first_start(on, repetition, samples, batch, generator)
        slack = (repetition - on) / 2
        place = (n - first + slack) / repetition
        number = torch.floor(place)
        t = (place - number) * repetition - slack
        if self.jitter_samples:
            ordinal = (number + 1 + torch.ceil(first / repetition).clamp(min=0)).to(torch.int64)
            moves = (2 * uniform(batch * (int(ordinal.max()) + 1), generator) - 1).view(batch, -1)
            t -= self.jitter_samples * moves.gather(1, ordinal)
        # distance inside the nearer edge: half amplitude at the edge itself
        inside = torch.minimum(t, on - t)
        if self.rise_samples == 0:
            envelope = (t >= 0) & (t < on)
        else:
            climb = (inside / self.rise_samples + 0.5).clamp(0, 1)
            envelope = 0.5 - 0.5 * torch.cos(torch.pi * climb)
        return envelope.to(torch.complex64)


@lru_cache(maxsize=256)
def _pulse_bandwidth(pulse_samples: float, rise_samples: float) -> float:
    shaping = pulse("rect", rise_share=rise_samples / pulse_samples)
    return bandwidth_of(linear_autocorrelation(np.ones(1), shaping, pulse_samples))


@dataclass(frozen=True)
class LinearChirp(Waveform):
    """Linear frequency sweeps, phase pi B (t^2 / T - t): from -B/2 to +B/2 within T samples.

    Attributes:
        label: LFM.
        bandwidth: B in cycles per sample, up to 1.
        pulse_samples: T, duration of a sweep.
        repetition_samples: from sweep to sweep; None repeats them without a pause.
        direction: "up" or "down".
    """

    labels: ClassVar[tuple[str, ...]] = ("LFM",)

    label: str = "LFM"
    bandwidth: float = 0.5
    pulse_samples: float = 1000.0
    repetition_samples: float | None = None
    direction: str = "up"

    def _check(self) -> None:
        require(0 < self.bandwidth <= 1, f"bandwidth is from 0 to 1, not {self.bandwidth}")
        require(
            self.pulse_samples >= 2, f"a sweep lasts 2 samples or more, not {self.pulse_samples}"
        )
        require(
            self.direction in ("up", "down"), f"direction is up or down, not {self.direction!r}"
        )
        require(
            self.repetition >= self.pulse_samples,
            f"a sweep of {self.pulse_samples} samples cannot repeat after {self.repetition}",
        )

    @property
    def repetition(self) -> float:
        """Samples from sweep to sweep."""
        return self.repetition_samples or self.pulse_samples

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the lines of the repeated sweep."""
        return _sweep_bandwidth(self.bandwidth, self.pulse_samples, self.repetition)

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        n = sample_times(samples, generator)
        first = _first_start(self.pulse_samples, self.repetition, samples, batch, generator)
        t = torch.remainder(n - first, self.repetition)
        slope = self.bandwidth if self.direction == "up" else -self.bandwidth
        x = rotate(0.5 * slope * t * (t / self.pulse_samples - 1))
        return x if self.repetition == self.pulse_samples else x * (t < self.pulse_samples)


@lru_cache(maxsize=256)
def _sweep_bandwidth(bandwidth: float, pulse_samples: float, repetition: float) -> float:
    """Return the 99% bandwidth of a sweep's spectrum, read at the lines of its repetition.

    |X(f)|^2 = |F(v (1 - 2 f / B)) - F(-v (1 + 2 f / B))|^2 up to scale, v = sqrt(B T / 2) and F the
    Fresnel integral (Klauder et al. 1960). Without a pause the phase is continuous from sweep to
    sweep, and the lines lie in the minima of the sidelobes.
    """
    # lines closer together than an eighth of a sidelobe only repeat what their neighbours say
    spacing = 1 / min(repetition, 8 * pulse_samples)
    frequencies = spacing * np.arange(-int(1 / spacing), int(1 / spacing) + 1)
    scale = (bandwidth * pulse_samples / 2) ** 0.5
    ends = [scale * (sign - 2 * frequencies / bandwidth) for sign in (1, -1)]
    (sine, cosine), (sine_low, cosine_low) = (fresnel(end) for end in ends)
    lines = (sine - sine_low) ** 2 + (cosine - cosine_low) ** 2
    lower, upper = occupied_bandwidth(lines, frequencies)
    return min(1.0, upper - lower)


@dataclass(frozen=True)
class FMCW(Waveform):
    """Continuous linear sweeps of constant envelope and continuous phase, as altimeters send.

    "triangle" rises from -B/2 to +B/2 in half a period and falls back in the other half: phase
    2 pi (B / T) (t - T/2) t on the way up, its opposite on the way down. "sawtooth" rises for the
    whole period and flies back: an endless `LinearChirp` without a pause.

    Attributes:
        label: FMCW.
        bandwidth: B in cycles per sample, up to 1.
        period_samples: T, duration of a whole sweep, up and down.
        shape: "triangle" or "sawtooth".
    """

    labels: ClassVar[tuple[str, ...]] = ("FMCW",)

    label: str = "FMCW"
    bandwidth: float = 0.5
    period_samples: float = 1000.0
    shape: str = "triangle"

    def _check(self) -> None:
        period, shape = self.period_samples, self.shape
        require(0 < self.bandwidth <= 1, f"bandwidth is from 0 to 1, not {self.bandwidth}")
        require(period >= 4, f"a sweep lasts 4 samples or more, not {period}")
        require(shape in ("triangle", "sawtooth"), f"shape is triangle or sawtooth, not {shape!r}")

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the lines of the repeated sweep."""
        if self.shape == "sawtooth":
            period = min(self.period_samples, _LONG / self.bandwidth)
            return _sweep_bandwidth(self.bandwidth, period, period)
        product = min(self.bandwidth * self.period_samples, _LONG)
        return min(1.0, self.bandwidth * _triangle_bandwidth(product))

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        period = self.period_samples
        start = period * uniform(batch, generator)
        t = torch.remainder(start + sample_times(samples, generator), period)
        if self.shape == "sawtooth":
            return rotate(0.5 * self.bandwidth * t * (t / period - 1))
        falling = t >= period / 2
        t = torch.where(falling, t - period / 2, t)
        rise = self.bandwidth * t * (t / period - 0.5)
        return rotate(torch.where(falling, -rise, rise))


@lru_cache(maxsize=256)
def _triangle_bandwidth(product: float) -> float:
    """Return the 99% bandwidth of triangular sweeps, in sweeps B; `product` is B T.

    The way down is the conjugate of the way up, half a period later: the line k / T is up to scale
    the real part (k even) or imaginary part (k odd) of e^(-j pi B T / 8) times the spectrum of the
    way up about its middle, a difference of two Fresnel integrals (Klauder et al. 1960).
    """
    k = np.arange(-ceil(2 * product) - 64, ceil(2 * product) + 65)
    # the ends of the way up where its phase about the middle is pi / 2 times a square
    ends = [product**0.5 * (sign / 2 - k / product) for sign in (1, -1)]
    (sine, cosine), (sine_low, cosine_low) = (fresnel(end) for end in ends)
    shift = np.exp(-1j * np.pi * (product / 8 + k**2 / (2 * product)))
    up = shift * ((cosine - cosine_low) + 1j * (sine - sine_low))
    lines = np.where(k % 2 == 0, up.real, up.imag) ** 2
    lower, upper = occupied_bandwidth(lines, k / product)
    return upper - lower
