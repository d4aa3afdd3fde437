"""Signals that are none of the known ones, for teaching and testing the answer `unknown`.

They are kept in two lots: `TAUGHT` serve training, `HELD_BACK` only tests, so that the rate at
which unknown signals are recognised as such is measured on kinds that were never seen.
"""

from collections.abc import Callable

import torch
from numpy.random import Generator

from hertzian.datasets.emitters import EMITTED, draw_emitter

Outlier = Callable[[float, int, Generator, torch.Generator], torch.Tensor]


def _unit_power(x: torch.Tensor) -> torch.Tensor:
    return (x / x.abs().square().mean().sqrt().clamp_min(1e-12)).to(torch.complex64)


def _rotation(cycles: torch.Tensor) -> torch.Tensor:
    return torch.polar(torch.ones_like(cycles), 2 * torch.pi * (cycles % 1.0))


def _low_pass(x: torch.Tensor, bandwidth: float) -> torch.Tensor:
    frequencies = torch.fft.fftfreq(x.shape[-1], dtype=torch.float64)
    gain = torch.exp(-0.5 * (frequencies / (bandwidth / 4)) ** 2)
    filtered: torch.Tensor = torch.fft.ifft(torch.fft.fft(x) * gain)
    return filtered


def _complex_noise(samples: int, draws: torch.Generator) -> torch.Tensor:
    parts = torch.randn(2, samples, generator=draws, dtype=torch.float64)
    return torch.complex(parts[0], parts[1])


def collision(
    bandwidth: float, samples: int, rng: Generator, draws: torch.Generator
) -> torch.Tensor:
    """Two transmitters of different kinds on one frequency, within 3 dB of each other."""
    one, other = rng.choice([name for name in EMITTED if name != "CW"], size=2, replace=False)
    first = draw_emitter(str(one), bandwidth, rng).waveform.generate(1, samples, draws)[0]
    second = draw_emitter(str(other), bandwidth, rng).waveform.generate(1, samples, draws)[0]
    offset = torch.arange(samples, dtype=torch.float64) * rng.uniform(-0.2, 0.2) * bandwidth
    level = 10 ** (rng.uniform(-3, 0) / 20)
    return _unit_power(first + level * second * _rotation(offset))


def tones(bandwidth: float, samples: int, rng: Generator, draws: torch.Generator) -> torch.Tensor:
    """Three to eight carriers at random frequencies, powers within 10 dB."""
    count = int(rng.integers(3, 9))
    n = torch.arange(samples, dtype=torch.float64)
    frequencies = rng.uniform(-0.5, 0.5, count) * bandwidth
    levels = 10 ** (rng.uniform(-10, 0, count) / 20)
    lines = [a * _rotation(f * n + rng.random()) for f, a in zip(frequencies, levels, strict=True)]
    return _unit_power(torch.stack(lines).sum(dim=0))


def impulses(
    bandwidth: float, samples: int, rng: Generator, draws: torch.Generator
) -> torch.Tensor:
    """Band-limited impulses of random times and complex amplitudes, as machines radiate."""
    rate = bandwidth * rng.uniform(0.05, 0.3)
    hits = torch.rand(samples, generator=draws, dtype=torch.float64) < rate
    return _unit_power(_low_pass(hits * _complex_noise(samples, draws), bandwidth) + 1e-9)


def wandering(
    bandwidth: float, samples: int, rng: Generator, draws: torch.Generator
) -> torch.Tensor:
    """A carrier whose frequency and amplitude both follow band-limited noise."""
    slow = bandwidth * rng.uniform(0.02, 0.2)
    frequency = _low_pass(_complex_noise(samples, draws), slow)
    frequency = frequency / frequency.abs().square().mean().sqrt()
    phase = torch.cumsum(frequency.real * bandwidth / 5, dim=0)
    return _unit_power(frequency.imag.abs() * _rotation(phase))


def hopping(bandwidth: float, samples: int, rng: Generator, draws: torch.Generator) -> torch.Tensor:
    """Sixteen tones, one at a time, at random: multiple frequency-shift keying as modems use it."""
    dwell = max(2, round(16 * rng.uniform(1.0, 2.0) / bandwidth))
    symbols = torch.randint(16, (samples // dwell + 1,), generator=draws)
    frequency = (symbols - 7.5).repeat_interleave(dwell)[:samples].double() / 16 * bandwidth
    return _unit_power(_rotation(torch.cumsum(frequency, dim=0)))


def gated_noise(
    bandwidth: float, samples: int, rng: Generator, draws: torch.Generator
) -> torch.Tensor:
    """Band-limited noise switched on and off at a steady rate."""
    noise = _low_pass(_complex_noise(samples, draws), bandwidth)
    period = rng.uniform(20.0, 80.0) / bandwidth
    gate = (torch.arange(samples, dtype=torch.float64) / period) % 1.0 < rng.uniform(0.3, 0.6)
    return _unit_power(noise * (gate + 0.02))


TAUGHT: dict[str, Outlier] = {
    outlier.__name__: outlier for outlier in (collision, tones, impulses, wandering)
}
HELD_BACK: dict[str, Outlier] = {outlier.__name__: outlier for outlier in (hopping, gated_noise)}


def coloured_noise(
    bandwidth: float, samples: int, rng: Generator, draws: torch.Generator
) -> torch.Tensor:
    """Gaussian noise under a smooth spectrum, as receivers and power supplies make it."""
    return _unit_power(_low_pass(_complex_noise(samples, draws), bandwidth))
