"""Timing: an unknown delay, and a sampling clock that is off and drifts."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.draws import normal, random_walk, reflect, uniform
from hertzian.channel.interpolation import delay, resample
from hertzian.channel.parameters import (
    ChannelError,
    require_baseband,
    require_between,
    require_positive,
)

MAX_PPM = 2000.0


@dataclass(frozen=True)
class TimingOffset:
    """y[n] = x(n - tau), tau uniform in [0, max_samples), by windowed-sinc interpolation.

    Exact to better than -60 dB for |f| <= 0.4 cycles per sample. Samples from before or after the
    record are zero: generate a few more and cut where the edges matter.
    """

    max_samples: float = 1.0

    def __post_init__(self) -> None:
        require_positive("max_samples", self.max_samples)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Delay each example by its own tau."""
        require_baseband(x)
        tau = uniform((x.shape[0],), 0.0, self.max_samples, generator).to(x.device)
        return delay(x, tau, self.max_samples)


@dataclass(frozen=True)
class SampleRateOffset:
    """y[n] = x(n + s[n]), s[n] = sum of e[m] over m < n, e the relative error of the clock.

    e starts at a normal value of ``std_ppm`` and walks by ``walk_std_ppm`` per sample (in parts per
    million), reflected at +-``limit_ppm``. A constant e scales every frequency by 1 + e. Beyond the
    end of the record the signal is zero: at most limit_ppm 1e-6 samples values are touched.
    """

    std_ppm: float = 0.0
    walk_std_ppm: float = 0.0
    limit_ppm: float = 200.0

    def __post_init__(self) -> None:
        require_between("std_ppm", self.std_ppm, 0.0, MAX_PPM)
        require_between("walk_std_ppm", self.walk_std_ppm, 0.0, MAX_PPM)
        require_between("limit_ppm", self.limit_ppm, 0.0, MAX_PPM)
        if self.limit_ppm == 0.0 and (self.std_ppm > 0.0 or self.walk_std_ppm > 0.0):
            raise ChannelError("limit_ppm must be positive for a clock with an error, found 0")

    def _block(self) -> int:
        # At most 1/64 sample of drift per block keeps the interpolation below -60 dB.
        return max(7, min(128, int(1e6 / (64.0 * max(self.limit_ppm, 1.0)))))

    def shifts(self, batch: int, samples: int, generator: torch.Generator) -> tuple[Tensor, int]:
        """Accumulated shift in samples, float64 [batch, blocks + 1], and the block length."""
        block = self._block()
        blocks = math.ceil(samples / block)
        start = normal((batch, 1), self.std_ppm, generator).to(torch.float64)
        error = start.expand(batch, blocks)
        if self.walk_std_ppm > 0.0:
            walk_std = self.walk_std_ppm * math.sqrt(block)
            error = start + random_walk((batch, blocks), walk_std, generator)
        error = reflect(error, self.limit_ppm) * 1e-6
        shifts = torch.cumsum(error * block, dim=1)
        return torch.nn.functional.pad(shifts, (1, 0)), block

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Read each example with its own clock."""
        require_baseband(x)
        batch, samples = x.shape
        shifts, block = self.shifts(batch, samples, generator)
        max_shift = self.limit_ppm * 1e-6 * (samples + block)
        return resample(x, shifts.to(x.device), block, max_shift)
