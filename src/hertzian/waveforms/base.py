"""What every waveform is: a frozen description that generates clean complex baseband."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from hertzian.signal import HertzianError, canonical

_SAMPLES_AT_ONCE = 1 << 21


class WaveformError(HertzianError):
    """A waveform was asked for something that it cannot be."""


def require(condition: bool, message: str) -> None:
    """Raise `WaveformError` with one clear line unless the condition holds."""
    if not condition:
        raise WaveformError(message)


class Waveform(ABC):
    """A modulation with its parameters; subclasses are frozen dataclasses.

    Attributes:
        label: canonical name of the modulation.
        labels: the labels that the class can generate.
    """

    labels: ClassVar[tuple[str, ...]]
    label: str

    def __post_init__(self) -> None:
        """Spell the label canonically and check the parameters."""
        spellings = {name.casefold(): name for name in self.labels}
        label = spellings.get(self.label.strip().casefold()) or canonical(self.label)
        known = ", ".join(self.labels)
        require(
            label in self.labels,
            f"{type(self).__name__} generates {known}, not {label}",
        )
        object.__setattr__(self, "label", label)
        self._check()

    def _check(self) -> None:
        """Raise `WaveformError` where the parameters contradict each other."""
        return

    @property
    @abstractmethod
    def occupied_bandwidth(self) -> float:
        """Bandwidth that holds 99% of the power, in cycles per sample, at most 1."""

    @property
    def symbol_rate(self) -> float | None:
        """Symbols per sample, those of a line code as sent; None of what has no steady rate."""
        return None

    def generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        """Return complex64 [batch, samples] on the generator's device.

        Every example has its own data and timing. The expected mean power is one while the signal
        is on; no carrier phase or offset is applied. The same generator state gives the same bytes.

        Raises:
            WaveformError: batch or samples is not positive.
        """
        require(batch >= 1 and samples >= 1, f"cannot generate {batch} examples of {samples}")
        at_once = max(1, _SAMPLES_AT_ONCE // samples)
        counts = [min(at_once, batch - first) for first in range(0, batch, at_once)]
        parts = [self._generate(count, samples, generator) for count in counts]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    @abstractmethod
    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        """Return complex64 [batch, samples]; the batch is small enough to be held many times."""


def uniform(batch: int, generator: torch.Generator) -> torch.Tensor:
    """Draw float64 [batch, 1] from [0, 1)."""
    return torch.rand(batch, 1, generator=generator, device=generator.device, dtype=torch.float64)


def draw_timing(timing: float | None, batch: int, generator: torch.Generator) -> torch.Tensor:
    """Return the initial phase within a symbol, float64 [batch, 1]: given, or uniform in [0, 1)."""
    if timing is None:
        return uniform(batch, generator)
    return torch.full((batch, 1), timing % 1.0, dtype=torch.float64, device=generator.device)


def sample_times(samples: int, generator: torch.Generator) -> torch.Tensor:
    """Return the sample numbers 0 .. samples - 1, float64 [samples]."""
    return torch.arange(samples, dtype=torch.float64, device=generator.device)


def draw_indices(order: int, batch: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw int64 [batch, count], uniform over 0 .. order - 1."""
    return torch.randint(order, (batch, count), generator=generator, device=generator.device)


def rotate(cycles: torch.Tensor) -> torch.Tensor:
    """Return exp(2 pi j cycles), complex64, from float64 cycles of any size."""
    # wrapped before the step to single precision, which would lose the fraction of a large phase
    angle = (2 * torch.pi * (cycles - torch.round(cycles))).to(torch.float32)
    return torch.complex(torch.cos(angle), torch.sin(angle))
