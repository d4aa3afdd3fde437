"""The carrier: frequency offset, drift, unknown phase and oscillator phase noise."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.draws import normal, random_walk, reflect, rotation, uniform
from hertzian.channel.parameters import (
    ChannelError,
    require_baseband,
    require_between,
    require_positive,
)


@dataclass(frozen=True)
class CarrierOffset:
    """y[n] = x[n] exp(2 pi j f n), with one f per example.

    Only ``max_cycles_per_sample``: f uniform in +-max. Only ``std_cycles_per_sample``: f normal.
    Both: normal, clamped to +-max.
    """

    max_cycles_per_sample: float | None = None
    std_cycles_per_sample: float | None = None

    def __post_init__(self) -> None:
        if self.max_cycles_per_sample is None and self.std_cycles_per_sample is None:
            raise ChannelError(
                "CarrierOffset needs max_cycles_per_sample or std_cycles_per_sample, found neither"
            )
        if self.max_cycles_per_sample is not None:
            require_between("max_cycles_per_sample", self.max_cycles_per_sample, 0.0, 0.5)
        if self.std_cycles_per_sample is not None:
            require_between("std_cycles_per_sample", self.std_cycles_per_sample, 0.0, 0.5)

    def offsets(self, batch: int, generator: torch.Generator) -> Tensor:
        """Draw f in cycles per sample, float64 [batch]."""
        limit = self.max_cycles_per_sample
        if self.std_cycles_per_sample is None:
            limit = limit or 0.0
            return uniform((batch,), -limit, limit, generator)
        offsets = normal((batch,), self.std_cycles_per_sample, generator).to(torch.float64)
        return offsets if limit is None else offsets.clamp_(-limit, limit)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Shift each example by its own frequency."""
        require_baseband(x)
        offsets = self.offsets(x.shape[0], generator).to(x.device)
        n = torch.arange(x.shape[1], device=x.device, dtype=torch.float64)
        return x * rotation(offsets[:, None] * n)


@dataclass(frozen=True)
class CarrierDrift:
    """y[n] = x[n] exp(2 pi j sum of f[m] over m < n), with a frequency f that changes.

    f[n] = r n + w[n]: r uniform in +-``max_linear_cycles_per_sample2`` (cycles per sample, per
    sample), and w a walk with steps of ``walk_std_cycles_per_sample``, so var w[n] = n std^2,
    reflected at +-``limit_cycles_per_sample`` when that is given. f[0] = 0.
    """

    walk_std_cycles_per_sample: float = 0.0
    limit_cycles_per_sample: float | None = None
    max_linear_cycles_per_sample2: float = 0.0

    def __post_init__(self) -> None:
        require_between("walk_std_cycles_per_sample", self.walk_std_cycles_per_sample, 0.0, 0.5)
        require_between(
            "max_linear_cycles_per_sample2", self.max_linear_cycles_per_sample2, 0.0, 0.5
        )
        if self.limit_cycles_per_sample is not None:
            require_positive("limit_cycles_per_sample", self.limit_cycles_per_sample)

    def frequencies(self, batch: int, samples: int, generator: torch.Generator) -> Tensor:
        """Draw f in cycles per sample, float64 [batch, samples]."""
        limit = self.max_linear_cycles_per_sample2
        slope = uniform((batch, 1), -limit, limit, generator)
        n = torch.arange(samples, device=slope.device, dtype=torch.float64)
        frequency = slope * n
        if self.walk_std_cycles_per_sample > 0.0:
            walk = random_walk((batch, samples), self.walk_std_cycles_per_sample, generator)
            if self.limit_cycles_per_sample is not None:
                walk = reflect(walk, self.limit_cycles_per_sample)
            frequency += walk
        return frequency

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Turn each example by the phase of its own drift."""
        require_baseband(x)
        frequency = self.frequencies(x.shape[0], x.shape[1], generator).to(x.device)
        return x * rotation(torch.cumsum(frequency, dim=1) - frequency)


@dataclass(frozen=True)
class CarrierPhase:
    """y[n] = x[n] exp(j phi), phi uniform on the circle, one per example."""

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Turn each example by its own phase."""
        require_baseband(x)
        return x * rotation(uniform((x.shape[0], 1), 0.0, 1.0, generator).to(x.device))


@dataclass(frozen=True)
class PhaseNoise:
    """Free-running oscillator: y[n] = x[n] exp(j phi[n]), phi a Wiener process.

    The increments of phi have variance 2 pi B in rad^2 per sample, which makes the line of a
    carrier a Lorentzian of full width B = ``linewidth_cycles_per_sample`` at half its height
    (A. Demir, A. Mehrotra, J. Roychowdhury, IEEE Trans. Circuits Syst. I 47(5), 2000).
    """

    linewidth_cycles_per_sample: float

    def __post_init__(self) -> None:
        require_between("linewidth_cycles_per_sample", self.linewidth_cycles_per_sample, 0.0, 0.5)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Turn each example by its own Wiener process."""
        require_baseband(x)
        # In cycles: sqrt(2 pi B) / (2 pi).
        std_cycles = math.sqrt(self.linewidth_cycles_per_sample / (2.0 * math.pi))
        walk = random_walk((x.shape[0], x.shape[1]), std_cycles, generator)
        return x * rotation(walk.to(x.device))
