"""White Gaussian noise at a true signal-to-noise ratio."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.parameters import (
    ChannelError,
    require_baseband,
    require_between,
    require_positive,
)


def measured_power(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean |x|^2 of each example, float32 [batch].

    x: complex64 [batch, samples]; mask: bool, broadcast against x: the mean is taken where it
    holds (the "on" part of a burst). An example whose mask is empty has power zero.
    """
    power = torch.view_as_real(x).square().sum(dim=-1)
    if mask is None:
        return power.mean(dim=-1)
    inside = mask.to(power.device).expand_as(power)
    return (power * inside).sum(dim=-1) / inside.sum(dim=-1).clamp_min(1)


def complex_normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Circular complex normal noise of unit power, complex64 of ``shape``."""
    return torch.randn(shape, generator=generator, device=generator.device, dtype=torch.complex64)


def add_noise(x: Tensor, noise_power: float | Tensor, generator: torch.Generator) -> Tensor:
    """Add circular white Gaussian noise of E|w|^2 = ``noise_power`` (a float, or one per example).

    x: complex64 [batch, samples].
    """
    amplitude = torch.as_tensor(noise_power, dtype=torch.float32, device=x.device).sqrt()
    noise = complex_normal((x.shape[0], x.shape[1]), generator).to(x.device)
    return x + noise * amplitude.reshape(-1, 1)


@dataclass(frozen=True)
class WhiteNoise:
    """Noise for an SNR of ``snr_db`` relative to the measured power of each example.

    Without a bandwidth the SNR is S / N over the whole sampled band. With
    ``bandwidth_cycles_per_sample`` = B it is in-band, S / (N B): white noise of total power N has
    the share B of it within the band. ``mask`` (bool, broadcast to [batch, samples]) restricts
    where S is measured. Raises ``ChannelError`` when an example has no power.
    """

    snr_db: float
    bandwidth_cycles_per_sample: float | None = None

    def __post_init__(self) -> None:
        require_between("snr_db", self.snr_db, -200.0, 200.0)
        if self.bandwidth_cycles_per_sample is not None:
            require_positive("bandwidth_cycles_per_sample", self.bandwidth_cycles_per_sample)
            require_between(
                "bandwidth_cycles_per_sample", self.bandwidth_cycles_per_sample, 0.0, 1.0
            )

    def noise_power(self, signal_power: Tensor) -> Tensor:
        """N of each example for its signal power, in the same units."""
        share = self.bandwidth_cycles_per_sample or 1.0
        return signal_power * (math.pow(10.0, -self.snr_db / 10.0) / share)

    def __call__(self, x: Tensor, generator: torch.Generator, mask: Tensor | None = None) -> Tensor:
        """Add noise to each example; ``mask`` says where its signal is on."""
        require_baseband(x)
        power = measured_power(x, mask)
        if not bool((power > 0).all()):
            raise ChannelError(
                "WhiteNoise found an example without signal power, "
                "so no SNR exists; use add_noise with a noise power"
            )
        return add_noise(x, self.noise_power(power), generator)
