"""Random draws and the slow processes that several impairments share."""

import math

import torch
from torch import Tensor


def uniform(
    shape: tuple[int, ...], lower: float, upper: float, generator: torch.Generator
) -> Tensor:
    """Uniform float64 in [lower, upper), of ``shape``."""
    unit = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return lower + (upper - lower) * unit


def normal(shape: tuple[int, ...], std: float, generator: torch.Generator) -> Tensor:
    """Zero-mean normal float32 with standard deviation ``std``, of ``shape``."""
    draw = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float32)
    return draw * std


def random_walk(shape: tuple[int, ...], std: float, generator: torch.Generator) -> Tensor:
    """Walk along the last axis, float64, with var(w[n]) = n std^2 and w[0] = 0."""
    steps = normal(shape, std, generator)
    steps[..., 0] = 0.0
    return torch.cumsum(steps, dim=-1, dtype=torch.float64)


def reflect(values: Tensor, limit: float) -> Tensor:
    """Fold ``values`` into [-limit, limit] as if reflected at both ends.

    A folded free walk has the law of the walk between reflecting walls (W. Feller, An
    Introduction to Probability Theory and Its Applications, vol. II, section X.5).
    """
    if limit == 0.0:
        return torch.zeros_like(values)
    return (torch.remainder(values - limit, 4.0 * limit) - 2.0 * limit).abs_() - limit


def rotation(cycles: Tensor) -> Tensor:
    """exp(2 pi j cycles) as complex64, for a phase given in float64 cycles of any size."""
    # Whole turns are dropped in double precision, before the rounding to float32.
    angle = (cycles - torch.round(cycles)).to(torch.float32) * (2.0 * math.pi)
    return torch.polar(torch.ones_like(angle), angle)
