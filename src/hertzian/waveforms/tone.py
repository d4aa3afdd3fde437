"""The two ends of the scale: an unmodulated carrier and white noise."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from hertzian.waveforms.base import Waveform, require


@dataclass(frozen=True)
class Carrier(Waveform):
    """An unmodulated carrier: x[n] = 1."""

    labels: ClassVar[tuple[str, ...]] = ("CW",)

    label: str = "CW"

    @property
    def occupied_bandwidth(self) -> float:
        """A line has none: 0."""
        return 0.0

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        return torch.ones(batch, samples, dtype=torch.complex64, device=generator.device)


@dataclass(frozen=True)
class Noise(Waveform):
    """Circular complex Gaussian noise of unit power.

    Attributes:
        label: noise.
        bandwidth: in cycles per sample, centred on 0; 1 is white, less is cut sharply by FFT.
    """

    labels: ClassVar[tuple[str, ...]] = ("noise",)

    label: str = "noise"
    bandwidth: float = 1.0

    def _check(self) -> None:
        require(0 < self.bandwidth <= 1, f"bandwidth is from 0 to 1, not {self.bandwidth}")

    @property
    def occupied_bandwidth(self) -> float:
        """99% of a flat band."""
        return 0.99 * self.bandwidth

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        device = generator.device
        shape = (batch, samples)
        white = torch.randn(shape, dtype=torch.complex64, generator=generator, device=device)
        if self.bandwidth == 1:
            return white
        kept = torch.fft.fftfreq(samples, device=device).abs() <= self.bandwidth / 2
        scale = (samples / kept.sum()).sqrt()
        limited: torch.Tensor = torch.fft.ifft(torch.fft.fft(white) * (kept * scale))
        return limited
