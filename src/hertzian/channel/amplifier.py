"""The transmitter's power amplifier."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.parameters import require_baseband, require_positive


@dataclass(frozen=True)
class Saturation:
    """Soft limiting of the envelope: y = x / (1 + (|x| / A)^(2 p))^(1 / (2 p)).

    The model of a solid-state amplifier of unit gain (C. Rapp, "Effects of HPA-nonlinearity on a
    4-DPSK/OFDM-signal for a digital sound broadcasting system", ECSC 1991): linear far below the
    saturation amplitude A = ``amplitude``, the sharper at it the larger p = ``sharpness``; the
    phase is kept.
    """

    amplitude: float
    sharpness: float = 2.0

    def __post_init__(self) -> None:
        require_positive("amplitude", self.amplitude)
        require_positive("sharpness", self.sharpness)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Limit each sample; nothing is drawn."""
        require_baseband(x)
        power = 2 * self.sharpness
        return x / (1 + (x.abs() / self.amplitude) ** power) ** (1 / power)
