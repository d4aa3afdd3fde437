"""Layers of Keras that torch lacks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def pad_same(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Zero-pad the last axes so that a window of this stride gives ceil(size / stride) values.

    Keras' `same`: where the padding is odd, the end gets the larger half.

    Args:
        x: [batch, channels, ...].
        kernel: one length per axis after the channels.
        stride: likewise.
    """
    sides: list[int] = []
    for size, length, step in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        total = max((-(-size // step) - 1) * step + length - size, 0)
        sides += [total // 2, total - total // 2]
    return nn.functional.pad(x, sides)


class SameConv2d(nn.Conv2d):
    """Convolution with Keras' `same` padding."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs, height, width] to [batch, outputs, ceil(height / stride), ...]."""
        pair = (self.kernel_size[0], self.kernel_size[1])
        return super().forward(pad_same(x, pair, (self.stride[0], self.stride[1])))


class SameMaxPool2d(nn.Module):
    """Max-pooling with Keras' `same` padding, of what is not negative (after a ReLU)."""

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Pool [batch, channels, height, width], with zeros beyond its edges."""
        return nn.functional.max_pool2d(
            pad_same(x, self.kernel, self.stride), self.kernel, self.stride
        )


class SameAveragePool2d(nn.Module):
    """Mean pooling with Keras' `same` padding: of what lies inside the edges."""

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Pool [batch, channels, height, width]."""
        inside = self._mean(torch.ones_like(x[:1, :1]))
        return self._mean(x) / inside

    def _mean(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(
            pad_same(x, self.kernel, self.stride), self.kernel, self.stride
        )


class GaussianNoise(nn.Module):
    """Adds white noise in training.

    Args:
        deviation: standard deviation of the noise.
    """

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape, whatever it is."""
        if not self.training or self.deviation == 0:
            return x
        return x + self.deviation * torch.randn_like(x)


class GaussianDropout(nn.Module):
    """Multiplies by 1 + noise in training (Srivastava et al. 2014, section 10).

    Args:
        rate: the noise has the variance rate / (1 - rate), as dropout of that rate.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.deviation = (rate / (1 - rate)) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape, whatever it is."""
        return x * (1 + self.deviation * torch.randn_like(x)) if self.training else x


def batch_norm(channels: int) -> nn.BatchNorm1d:
    """Return batch norm with Keras' constants: running mean 0.99, epsilon 1e-3."""
    return nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)


def batch_norm_2d(channels: int) -> nn.BatchNorm2d:
    """Return the same of [batch, channels, height, width]."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
