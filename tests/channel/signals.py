"""Signals with known answers, and what is measured on them."""

import math

import numpy as np
import torch

EDGE = 64  # samples at each end that a filter or a missing neighbour may touch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def tone(frequency, samples, batch=1, delay=0.0):
    n = torch.arange(samples, dtype=torch.float64) - delay
    angle = 2.0 * math.pi * frequency * n
    one = torch.polar(torch.ones_like(angle), angle).to(torch.complex64)
    return one.repeat(batch, 1)


def white(batch, samples, seed=1):
    return torch.randn(batch, samples, dtype=torch.complex64, generator=seeded(seed))


def power(x):
    return float(x.abs().square().mean())


def db(ratio):
    return 10.0 * math.log10(ratio)


def error_db(found, expected, edge=EDGE):
    """Power of the difference over the power expected, without the ends, in dB."""
    inner = slice(edge, -edge)
    return db(power((found - expected)[..., inner]) / power(expected[..., inner]) + 1e-30)


def tone_frequency(x):
    """Least-squares frequency of one line, from its unwrapped phase, cycles per sample."""
    phase = np.unwrap(np.angle(x.numpy().astype(complex)))
    return np.polyfit(np.arange(phase.size), phase, 1)[0] / (2.0 * math.pi)
