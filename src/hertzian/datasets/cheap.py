"""What keying does to a transmitter that costs a few cents."""

import math

import torch
from numpy.random import Generator

_KEYED = ("OOK", "PPM", "4ASK")
_SHIFTED = ("2FSK", "4FSK", "GFSK", "GMSK")
_SHARE = 0.4


def cheaply_made(x: torch.Tensor, label: str, bandwidth: float, rng: Generator) -> torch.Tensor:
    """Return complex64 [batch, samples] as an unstable transmitter would send it, 4 times in 10.

    Keyed in amplitude, its oscillator runs on while the key is up, 8 to 25 dB weaker and pulled to
    another frequency. Keyed in frequency, one side is up to 4 dB stronger than the other. Other
    modulations stay as they are.
    """
    if rng.random() >= _SHARE:
        return x
    if label in _KEYED:
        return leaking(
            x,
            level_db=-float(rng.uniform(8.0, 25.0)),
            offset_cycles_per_sample=float(rng.choice([-1, 1]) * rng.uniform(0.3, 1.5)) * bandwidth,
        )
    if label in _SHIFTED:
        return lopsided(x, float(rng.uniform(-4.0, 4.0)))
    return x


def leaking(x: torch.Tensor, level_db: float, offset_cycles_per_sample: float) -> torch.Tensor:
    """Fill the gaps of complex64 [batch, samples] with a carrier `level_db` over its peak."""
    peak = x.abs().amax(dim=-1, keepdim=True)
    n = torch.arange(x.shape[-1], dtype=torch.float64)
    cycles = (offset_cycles_per_sample * n) % 1.0
    carrier = torch.polar(torch.ones_like(n), 2 * math.pi * cycles).to(torch.complex64)
    quiet = x.abs() < 0.1 * peak
    return torch.where(quiet, carrier * peak * 10 ** (level_db / 20), x)


def lopsided(x: torch.Tensor, upper_db: float) -> torch.Tensor:
    """Scale complex64 [batch, samples] by `upper_db` where its frequency is above the centre."""
    step = x[..., 1:] * x[..., :-1].conj()
    above = torch.nn.functional.pad(step.imag > 0, (1, 0))
    return torch.where(above, x * 10 ** (upper_db / 20), x)
