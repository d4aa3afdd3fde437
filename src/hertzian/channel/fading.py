"""Multipath fading as a tapped delay line with sum-of-sinusoids gains."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.draws import rotation, uniform
from hertzian.channel.interpolation import delay
from hertzian.channel.parameters import ChannelError, require_baseband, require_between


def rayleigh_gains(
    shape: tuple[int, int], samples: int, doppler: float, sinusoids: int, generator: torch.Generator
) -> Tensor:
    """Rayleigh gains of unit mean power, complex64 [*shape, samples].

    Y[t] = N^(-1/2) sum_n exp(j (2 pi f t cos a_n + phi_n)), a_n = (2 pi n + theta_n) / N, with
    theta_n and phi_n uniform on the circle and f = ``doppler`` in cycles per sample: C. Xiao,
    Y. R. Zheng, N. C. Beaulieu, "Novel sum-of-sinusoids simulation models for Rayleigh and Rician
    fading channels", IEEE Trans. Wireless Commun. 5(12), 2006.
    E[Y[t] Y*[t + tau]] = J0(2 pi f tau) for any N.
    """
    draw = (*shape, sinusoids, 1)
    order = torch.arange(sinusoids, device=generator.device, dtype=torch.float64)[:, None]
    arrival = (order + uniform(draw, -0.5, 0.5, generator)) * (2.0 * math.pi / sinusoids)
    phase = uniform(draw, 0.0, 1.0, generator)
    frequency = doppler * torch.cos(arrival)
    # With t = i L + k, exp(j w t) is a product, and the sum over n a matrix product.
    length = math.isqrt(samples - 1) + 1
    steps = torch.arange(length, device=generator.device, dtype=torch.float64)
    coarse = rotation(frequency * (length * steps) + phase)
    fine = rotation(frequency * steps)
    gains = torch.matmul(coarse.transpose(-1, -2), fine).flatten(-2)[..., :samples]
    return gains / math.sqrt(sinusoids)


def line_of_sight(batch: int, samples: int, doppler: float, generator: torch.Generator) -> Tensor:
    """Specular gain exp(j (2 pi f t cos theta + phi)), complex64 [batch, samples].

    The angle of arrival theta and the phase phi are uniform on the circle, one each per example.
    """
    arrival = uniform((batch, 1), -math.pi, math.pi, generator)
    phase = uniform((batch, 1), 0.0, 1.0, generator)
    times = torch.arange(samples, device=generator.device, dtype=torch.float64)
    return rotation(doppler * torch.cos(arrival) * times + phase)


def tapped_delay_line(x: Tensor, delays_samples: tuple[float, ...], gains: Tensor) -> Tensor:
    """y[n] = sum_p gains[p, n] x(n - delays[p]); whole delays are exact, others windowed sinc.

    x: complex64 [batch, samples]; delays_samples: each >= 0; gains: complex64
    [batch, paths, samples]. The signal is zero before and after the record.
    """
    y = torch.zeros_like(x)
    for path, delay_samples in enumerate(delays_samples):
        y.addcmul_(_delayed(x, delay_samples), gains[:, path])
    return y


def _delayed(x: Tensor, delay_samples: float) -> Tensor:
    whole = int(delay_samples)
    if whole == delay_samples:
        return torch.nn.functional.pad(x, (whole, 0))[:, : x.shape[1]]
    delays = torch.full((x.shape[0],), delay_samples, device=x.device, dtype=torch.float64)
    return delay(x, delays, delay_samples)


@dataclass(frozen=True)
class Fading:
    """Wide-sense stationary uncorrelated scattering with Clarke's Doppler spectrum.

    Path p has delay ``delays_samples[p]`` and relative power ``powers_db[p]``; the powers are
    scaled to a sum of 1, so the mean power gain is 1. Every path is Rayleigh; with ``rician_k_db``
    the first has a line of sight K times as strong as its scattered part (same paper as
    ``rayleigh_gains``, with a random angle of arrival). ``doppler_cycles_per_sample`` is the
    largest Doppler frequency; 0 gives gains that are constant in time and random per example.
    """

    delays_samples: tuple[float, ...] = (0.0,)
    powers_db: tuple[float, ...] = (0.0,)
    doppler_cycles_per_sample: float = 0.0
    rician_k_db: float | None = None
    sinusoids: int = 16

    def __post_init__(self) -> None:
        if not self.delays_samples or len(self.delays_samples) != len(self.powers_db):
            raise ChannelError(
                "Fading needs one power per delay and at least one path, found "
                f"{len(self.delays_samples)} delays and {len(self.powers_db)} powers"
            )
        for delay_samples in self.delays_samples:
            require_between("delays_samples", delay_samples, 0.0)
        for power_db in self.powers_db:
            require_between("powers_db", power_db, -200.0, 200.0)
        require_between("doppler_cycles_per_sample", self.doppler_cycles_per_sample, 0.0, 0.5)
        if self.rician_k_db is not None:
            require_between("rician_k_db", self.rician_k_db, -200.0, 200.0)
        require_between("sinusoids", self.sinusoids, 1)

    def gains(self, batch: int, samples: int, generator: torch.Generator) -> Tensor:
        """Draw the gains of all paths, complex64 [batch, paths, samples]."""
        doppler, paths = self.doppler_cycles_per_sample, len(self.delays_samples)
        gains = rayleigh_gains((batch, paths), samples, doppler, self.sinusoids, generator)
        if self.rician_k_db is not None:
            k = 10.0 ** (self.rician_k_db / 10.0)
            direct = line_of_sight(batch, samples, doppler, generator)
            gains[:, 0] = (gains[:, 0] + math.sqrt(k) * direct) / math.sqrt(1.0 + k)
        powers = 10.0 ** (torch.tensor(self.powers_db, dtype=torch.float64) / 10.0)
        amplitudes = (powers / powers.sum()).sqrt().to(gains.device, torch.float32)
        return gains * amplitudes[:, None]

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Pass each example through its own draw of the channel."""
        require_baseband(x)
        gains = self.gains(x.shape[0], x.shape[1], generator).to(x.device)
        return tapped_delay_line(x, self.delays_samples, gains)
