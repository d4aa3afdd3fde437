"""Dropout whose random numbers cost little on a processor."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_STEPS = 1 << 16
"""Of the rate: each element sees a number of 16 bits."""


def _kept(shape: torch.Size, rate: float) -> Tensor:
    """Draw which elements stay: bool of a shape, false at `rate` (to 2^-17)."""
    count = shape.numel()
    # torch's Mersenne twister is serial and takes 9 ns an element; this takes 0.3.
    seed = int(torch.randint(1 << 62, ()))
    words = np.random.Generator(np.random.SFC64(seed)).integers(
        0, 1 << 64, size=-(-count // 4), dtype=np.uint64
    )
    bound = round((1 - rate) * _STEPS) - _STEPS // 2
    if bound == _STEPS // 2:
        return torch.ones(shape, dtype=torch.bool)
    numbers = torch.from_numpy(words.view(np.int16)[:count])
    return (numbers < bound).view(shape)


class _Drop(torch.autograd.Function):
    """x -> x / (1 - rate) where it stays, 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rate: float) -> Tensor:
        kept = _kept(x.shape, rate)
        ctx.save_for_backward(kept)
        ctx.scale = 1 / (1 - rate)
        return _scaled(x, kept, ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return _scaled(gradients[0], kept, ctx.scale), None


def _scaled(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    return torch.mul(kept.to(x.dtype), x).mul_(scale)


def dropout(x: Tensor, rate: float) -> Tensor:
    """Drop elements as in training, whatever the shape and floating-point type.

    Every element becomes 0 with the probability `rate` (to 2^-17), else x / (1 - rate), each on
    its own. Seeded by torch's global generator.

    Args:
        x: any shape.
        rate: 0 .. 1.
    """
    # What torch.compile makes of torch's own dropout is quick, and so is a GPU's.
    if rate in (0.0, 1.0) or x.device.type != "cpu" or torch.compiler.is_compiling():
        return nn.functional.dropout(x, rate, training=True)
    dropped: Tensor = _Drop.apply(x, rate)  # type: ignore[no-untyped-call]
    return dropped


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` for large tensors: `dropout` in training, else the identity."""

    def forward(self, input: Tensor) -> Tensor:
        """Keep the shape, whatever it is."""
        return dropout(input, self.p) if self.training else input
