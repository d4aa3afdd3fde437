"""Layers that networks share: normaliser, Fourier transform, delay products, pooling."""

import math

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """Scale each example to unit mean power; zeros stay zeros.

    x / max(|I|, |Q|), then divided by its root mean square. The first division keeps squares
    inside float32 for inputs of any scale from 1e-30 to 1e30.

    Args:
        skip_zeros: average the power over the samples that are not exactly zero, so that a
            burst in a zero-padded window keeps the amplitudes of a full one.
    """

    def __init__(self, skip_zeros: bool = False) -> None:
        super().__init__()
        self.skip_zeros = skip_zeros

    def forward(self, x: Tensor) -> Tensor:
        """Normalise float [batch, 2, samples]."""
        peak = x.abs().amax(dim=(1, 2), keepdim=True)
        x = x / torch.where(peak > 0, peak, torch.ones_like(peak))
        power = x.square().sum(dim=1, keepdim=True)
        if self.skip_zeros:
            count = (power > 0).to(x.dtype).sum(dim=2, keepdim=True).clamp(min=1.0)
            mean = power.sum(dim=2, keepdim=True) / count
        else:
            mean = power.mean(dim=2, keepdim=True)
        return x * torch.rsqrt(torch.where(mean > 0, mean, torch.ones_like(mean)))


class Dft(nn.Module):
    """Discrete Fourier transform of radix^2 samples as two real matrix products.

    Cooley and Tukey (1965) with N = R * R, n = R n1 + n2, k = k1 + R k2:
    X[k1 + R k2] = sum_n2 W_R^(n2 k2) W_N^(n2 k1) sum_n1 x[R n1 + n2] W_R^(n1 k1), where
    W_M = exp(-2 pi j / M). A complex R-point transform is one real matrix of 2R x 2R on the
    stacked real and imaginary parts, so every runtime that multiplies matrices can run it.
    """

    def __init__(self, radix: int = 32) -> None:
        super().__init__()
        self.radix = radix
        index = torch.arange(radix, dtype=torch.float64)
        outer = index[:, None] * index[None, :]
        inner = torch.polar(torch.ones_like(outer), -2 * math.pi * outer / radix)
        twiddle = torch.polar(torch.ones_like(outer), -2 * math.pi * outer / radix**2)
        upper = torch.cat([inner.real, -inner.imag], dim=1)
        lower = torch.cat([inner.imag, inner.real], dim=1)
        self.matrix: Tensor
        self.cosine: Tensor
        self.sine: Tensor
        self.register_buffer("matrix", torch.cat([upper, lower]).float(), persistent=False)
        self.register_buffer("cosine", twiddle.real.float().contiguous(), persistent=False)
        self.register_buffer("sine", twiddle.imag.float().contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform float [..., 2, radix**2] (real, imaginary), not normalised, DC first."""
        radix = self.radix
        shape = x.shape
        rows = torch.matmul(self.matrix, x.reshape(-1, 2 * radix, radix))
        real, imaginary = rows[:, :radix], rows[:, radix:]
        turned = torch.cat(
            [
                (real * self.cosine - imaginary * self.sine).transpose(1, 2),
                (real * self.sine + imaginary * self.cosine).transpose(1, 2),
            ],
            dim=1,
        )
        return torch.matmul(self.matrix, turned).reshape(shape)


class FirstConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` of one map without padding, trained as one matrix product.

    With one input channel a convolution's gradient leaves most of a processor's lanes idle.

    Args:
        outputs: number of maps.
        kernel: height and width.
    """

    def __init__(self, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__(1, outputs, kernel)

    def forward(self, input: Tensor) -> Tensor:
        """Map [batch, 1, height, width] to [batch, outputs, ...], in training channels last."""
        if not self.training or input.device.type != "cpu":
            return super().forward(input)
        height, width = self.kernel_size
        windows = input[:, 0].unfold(1, height, 1).unfold(2, width, 1).flatten(3)
        maps: Tensor = nn.functional.linear(windows, self.weight.flatten(1), self.bias)
        return maps.permute(0, 3, 1, 2)


def complex_product(a: Tensor, b: Tensor) -> Tensor:
    """Return a * b of float [batch, 2, samples] (real, imaginary)."""
    real = a[:, 0] * b[:, 0] - a[:, 1] * b[:, 1]
    imaginary = a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0]
    return torch.stack([real, imaginary], dim=1)


def delay_product(x: Tensor, lag: int, softness: float = 0.1) -> Tensor:
    """Return x[n] conj(x[n - lag]) / (|x[n] x[n - lag]| + softness), zero for n < lag.

    Its angle is the phase step over `lag` samples: the instantaneous frequency at lag 1.

    Args:
        x: float [batch, 2, samples] of unit mean power.
        lag: in samples.
        softness: in units of the mean power; products below it shrink, as noise rules them.
    """
    now, before = x[:, :, lag:], x[:, :, :-lag]
    real = now[:, 0] * before[:, 0] + now[:, 1] * before[:, 1]
    imaginary = now[:, 1] * before[:, 0] - now[:, 0] * before[:, 1]
    product = torch.stack([real, imaginary], dim=1)
    size = torch.sqrt(product.square().sum(dim=1, keepdim=True) + 1e-12)
    return nn.functional.pad(product / (size + softness), (lag, 0))


class ConvBlock(nn.Sequential):
    """Convolution along the last axis of [batch, channels, 1, n], batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        # A (1, k) Conv2d with channels last runs several times faster on CPUs than a Conv1d.
        super().__init__(
            nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), (0, kernel // 2), bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """A convolution beside an identity: relu(x + f(x)) (after He et al. 2016, eq. 1)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        padding = (0, kernel // 2)
        self.conv = nn.Conv2d(channels, channels, (1, kernel), padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [batch, channels, 1, n]."""
        branch: Tensor = self.norm(self.conv(x))
        return torch.relu_(branch.add_(x))


def masked_statistics(x: Tensor, mask: Tensor) -> Tensor:
    """Pool [batch, channels, 1, n] over n to mean, root mean square and maximum.

    Statistics pooling (after Snyder et al. 2018, x-vectors) over the positions that are on.

    Args:
        x: not negative (after a ReLU).
        mask: [batch, 1, 1, n], 1 where a signal is present, else 0.

    Returns:
        float32 [batch, 3 * channels].
    """
    present = x * mask.to(x.dtype)
    count = mask.sum(dim=3).clamp(min=1.0)
    mean = present.sum(dim=3, dtype=torch.float32) / count
    power = present.square().sum(dim=3, dtype=torch.float32) / count
    peak = present.amax(dim=3).float()
    return torch.cat([mean, torch.sqrt(power + 1e-6), peak], dim=1).flatten(1)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Pool [batch, channels, 1, n] over the positions that are on: float32 [batch, channels]."""
    count = mask.sum(dim=3).clamp(min=1.0)
    total = (x * mask.to(x.dtype)).sum(dim=3, dtype=torch.float32)
    return (total / count).flatten(1)
