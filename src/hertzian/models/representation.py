"""What the published networks are fed: one-channel images, amplitude and phase."""

import math

import torch
from torch import Tensor, nn

from hertzian.models.layers import Normalise


def amplitude(x: Tensor) -> Tensor:
    """Return |x| of float [batch, 2, samples]: [batch, samples]."""
    length: Tensor = torch.linalg.vector_norm(x, dim=1)
    return length


def phase(x: Tensor) -> Tensor:
    """Return the angle of float [batch, 2, samples] in radians: [batch, samples].

    In -pi < angle <= pi, and 0 for zero. From tan(angle / 2) = Q / (|x| + I), which every runtime
    computes alike; ONNX has no arctangent of two arguments, and exporters differ on the axis.
    """
    inphase, quadrature = x[:, 0], x[:, 1]
    below = amplitude(x) + inphase.abs()
    below = torch.where(below > 0, below, torch.ones_like(below))
    acute = 2 * torch.atan(quadrature.abs() / below)
    turned = torch.where(inphase < 0, math.pi - acute, acute)
    return torch.where(quadrature < 0, -turned, turned)


class Image(nn.Module):
    """I over Q as a one-channel image of unit mean power: [batch, 1, 2, samples]."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()

    def forward(self, x: Tensor) -> Tensor:
        """Represent float [batch, 2, samples]."""
        normal: Tensor = self.normalise(x)
        return normal[:, None]


class AmplitudePhase(nn.Module):
    """Amplitude of unit Euclidean length over phase / pi: [batch, 2, samples]; zeros stay zeros.

    Source: Rajendran et al. 2018, section III (the representation of their LSTM).
    """

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()

    def forward(self, x: Tensor) -> Tensor:
        """Represent float [batch, 2, samples]."""
        normal: Tensor = self.normalise(x)
        # Of unit mean power, so the squares sum to the number of samples.
        length = amplitude(normal) / math.sqrt(x.shape[2])
        return torch.stack([length, phase(normal) / math.pi], dim=1)
