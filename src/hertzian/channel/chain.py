"""What an impairment is, and several of them in a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from hertzian.channel.parameters import ChannelError


@runtime_checkable
class Impairment(Protocol):
    """Anything that turns complex baseband into complex baseband of the same shape.

    Called with ``x`` complex64 [batch, samples] and a ``torch.Generator``; returns complex64
    [batch, samples]. Random quantities are drawn once per example, from that generator only.
    """

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return the impaired ``x``, of the same shape and type."""


@dataclass(frozen=True)
class Chain:
    """Impairments applied one after the other, the first of ``steps`` first."""

    steps: Sequence[Impairment]

    def __post_init__(self) -> None:
        for step in self.steps:
            if not callable(step):
                raise ChannelError(f"steps of a Chain must be callable impairments, found {step!r}")
        object.__setattr__(self, "steps", tuple(self.steps))

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Apply every step in order."""
        for step in self.steps:
            x = step(x, generator)
        return x
