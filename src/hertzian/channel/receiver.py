"""The receiver: IQ imbalance, DC, gain control, quantisation and the band-edge filter."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.draws import rotation, uniform
from hertzian.channel.noise import measured_power
from hertzian.channel.parameters import (
    require_baseband,
    require_between,
    require_positive,
    require_range,
)


def image_rejection_db(gain_db: float, phase_deg: float) -> float:
    """Image rejection |alpha|^2 / |beta|^2 of ``IQImbalance``, in dB.

    (1 + 2 g cos p + g^2) / (1 - 2 g cos p + g^2), g the amplitude ratio of Q to I and p the
    quadrature error (B. Razavi, RF Microelectronics, section 5.2). Infinite for a perfect receiver.
    """
    g, p = 10.0 ** (gain_db / 20.0), math.radians(phase_deg)
    image = 1.0 - 2.0 * g * math.cos(p) + g * g
    return math.inf if image <= 0.0 else 10.0 * math.log10((image + 4.0 * g * math.cos(p)) / image)


@dataclass(frozen=True)
class IQImbalance:
    """y = alpha x + beta conj(x), alpha = (1 + g e^(-jp)) / 2, beta = (1 - g e^(jp)) / 2.

    g in dB is uniform in +-``max_gain_db``, p uniform in +-``max_phase_deg``, one each per example.
    """

    max_gain_db: float = 0.0
    max_phase_deg: float = 0.0

    def __post_init__(self) -> None:
        require_between("max_gain_db", self.max_gain_db, 0.0, 20.0)
        require_between("max_phase_deg", self.max_phase_deg, 0.0, 45.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Give each example its own image."""
        require_baseband(x)
        shape = (x.shape[0], 1)
        gain_db = uniform(shape, -self.max_gain_db, self.max_gain_db, generator)
        cycles = uniform(shape, -self.max_phase_deg, self.max_phase_deg, generator) / 360.0
        skewed = (10.0 ** (gain_db / 20.0)).to(x.device, torch.float32) * rotation(
            cycles.to(x.device)
        )
        return x * ((1.0 + skewed.conj()) / 2.0) + x.conj() * ((1.0 - skewed) / 2.0)


@dataclass(frozen=True)
class DCOffset:
    """Add a constant of uniform phase and of amplitude uniform in [0, max_relative] x rms."""

    max_relative: float

    def __post_init__(self) -> None:
        require_between("max_relative", self.max_relative, 0.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Add a constant of its own to each example."""
        require_baseband(x)
        shape = (x.shape[0], 1)
        relative = uniform(shape, 0.0, self.max_relative, generator).to(x.device, torch.float32)
        phase = rotation(uniform(shape, 0.0, 1.0, generator).to(x.device))
        return x + phase * relative * measured_power(x).sqrt()[:, None]


@dataclass(frozen=True)
class AutomaticGain:
    """Steps of an automatic gain control within the record.

    The number of steps is Poisson with mean ``steps``, their times uniform over the record, and
    each changes the gain by a value uniform in +-``max_step_db``, approached exponentially with a
    time constant of ``settle_samples`` (0: at once). The gain starts at 0 dB.
    """

    steps: float
    max_step_db: float
    settle_samples: float = 16.0

    def __post_init__(self) -> None:
        require_between("steps", self.steps, 0.0, 1000.0)
        require_between("max_step_db", self.max_step_db, 0.0, 100.0)
        require_between("settle_samples", self.settle_samples, 0.0)

    def gain_db(self, batch: int, samples: int, generator: torch.Generator) -> Tensor:
        """Draw the gain in dB, float32 [batch, samples]."""
        rates = torch.full((batch,), float(self.steps), device=generator.device)
        counts = torch.poisson(rates, generator=generator)
        most = int(counts.max())
        times = uniform((batch, most), 0.0, float(samples), generator).to(torch.float32)
        heights = uniform((batch, most), -self.max_step_db, self.max_step_db, generator)
        present = torch.arange(most, device=counts.device) < counts[:, None]
        heights = (heights * present).to(torch.float32)
        n = torch.arange(samples, device=counts.device, dtype=torch.float32)
        gain = torch.zeros(batch, samples, device=counts.device)
        for k in range(most):
            since = n - times[:, k : k + 1]
            response = (since >= 0).to(torch.float32)
            if self.settle_samples > 0:
                response = -torch.expm1(since.clamp_min_(0.0) / -self.settle_samples)
            gain += heights[:, k : k + 1] * response
        return gain

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Apply the gain of each example."""
        require_baseband(x)
        gain_db = self.gain_db(x.shape[0], x.shape[1], generator).to(x.device)
        return x * torch.exp(gain_db * (math.log(10.0) / 20.0))


@dataclass(frozen=True)
class FollowingGain:
    """A gain control fast enough to follow the envelope: y = x (e / mean e)^-``compression``.

    e is the rms of x over ``window_samples`` around. At compression c a step of L dB that lasts
    comes out as one of (1 - c) L dB, so noise rises in the gaps of a keyed signal.
    """

    compression: float
    window_samples: float

    def __post_init__(self) -> None:
        require_between("compression", self.compression, 0.0, 1.0)
        require_between("window_samples", self.window_samples, 1.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Level each example by its own envelope; nothing is drawn."""
        require_baseband(x)
        width = 2 * int(self.window_samples // 2) + 1
        power = x.abs().square().unsqueeze(1)
        mean = torch.nn.functional.avg_pool1d(
            power, width, stride=1, padding=width // 2, count_include_pad=False
        )[:, 0]
        envelope = mean.clamp_min(torch.finfo(torch.float32).tiny).sqrt()
        relative: Tensor = envelope / envelope.mean(dim=1, keepdim=True)
        return x * torch.pow(relative, -self.compression)


@dataclass(frozen=True)
class Quantisation:
    """Mid-rise rounding of I and of Q to ``bits`` bits, clipped at full scale.

    With ``headroom_db`` = (lower, upper) full scale lies that many decibels above the rms of |x|,
    uniform between the two per example: 0 dB is a full-scale complex tone, negative values
    saturate. With None full scale is the largest |I| or |Q| of the example, so nothing clips. The
    step is 2 x full scale / 2^bits; a full-scale sine has an SQNR of 6.02 bits + 1.76 dB.
    """

    bits: int
    headroom_db: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        require_between("bits", self.bits, 1, 24)
        if self.headroom_db is not None:
            require_range("headroom_db", self.headroom_db, -100.0, 100.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Round each example with its own full scale."""
        require_baseband(x)
        parts = torch.view_as_real(x)
        if self.headroom_db is None:
            full_scale = parts.abs().amax(dim=(1, 2))
        else:
            headroom_db = uniform((x.shape[0],), *self.headroom_db, generator).to(x.device)
            loading = (10.0 ** (headroom_db / 20.0)).to(torch.float32)
            full_scale = measured_power(x).sqrt() * loading
        # An example of zeros has no scale; any step keeps it within one step of zero.
        step = (full_scale * 2.0 ** (1 - self.bits)).clamp_min(torch.finfo(torch.float32).tiny)
        step = step[:, None, None]
        top = 2.0 ** (self.bits - 1)
        codes = torch.floor(parts / step).clamp_(-top, top - 1.0)
        return torch.view_as_complex((codes + 0.5) * step)


@dataclass(frozen=True)
class ReceiverFilter:
    """Roll-off at the edges of the sampled band, zero phase.

    |H(f)| is 1 for |f| <= s/2 and falls as a raised cosine to -``edge_attenuation_db`` at |f| =
    1/2, with the pass share s uniform in ``pass_share`` = (lower, upper) per example. The record is
    taken as periodic, so the few samples at its ends see each other.
    """

    pass_share: tuple[float, float]
    edge_attenuation_db: float = 40.0

    def __post_init__(self) -> None:
        require_range("pass_share", self.pass_share, 0.0, 1.0)
        require_positive("edge_attenuation_db", self.edge_attenuation_db)

    def response(self, frequencies: Tensor, share: Tensor) -> Tensor:
        """|H| at ``frequencies`` (cycles per sample) for each share, float32 [batch, f]."""
        edge = 10.0 ** (-self.edge_attenuation_db / 20.0)
        width = (0.5 - share / 2.0).clamp_min(1e-6)
        into = ((frequencies.abs() - share[:, None] / 2.0) / width[:, None]).clamp_(0.0, 1.0)
        shape = 0.5 + 0.5 * torch.cos(math.pi * into)
        return torch.lerp(torch.full_like(into, edge), torch.ones_like(into), shape)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Filter each example with its own pass share."""
        require_baseband(x)
        share = uniform((x.shape[0],), *self.pass_share, generator).to(x.device, torch.float32)
        frequencies = torch.fft.fftfreq(x.shape[1], device=x.device)
        y: Tensor = torch.fft.ifft(torch.fft.fft(x) * self.response(frequencies, share))
        return y
