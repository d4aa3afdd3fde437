"""Other signals in the sampled band."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hertzian.channel.draws import rotation, uniform
from hertzian.channel.noise import measured_power
from hertzian.channel.parameters import (
    ChannelError,
    require_baseband,
    require_between,
    require_range,
)

Source = Callable[[int, int, torch.Generator], Tensor]


@dataclass(frozen=True)
class Neighbours:
    """Add ``count`` other signals beside the wanted one.

    Each is drawn from ``sources`` (callables (batch, samples, generator) -> complex64 [batch,
    samples], such as ``Waveform.generate``), present with ``probability``, moved by a frequency
    whose size is uniform between the two offsets and whose sign is random, turned by a random
    phase, and scaled to a power uniform in ``relative_power_db`` over the wanted signal's measured
    power. What is moved beyond half the sampling rate wraps around, as it does in a receiver
    without a filter. Raises ``ChannelError`` when a source breaks its contract.
    """

    sources: Sequence[Source]
    count: int
    min_offset_cycles_per_sample: float
    max_offset_cycles_per_sample: float
    relative_power_db: tuple[float, float] = (-20.0, 0.0)
    probability: float = 1.0

    def __post_init__(self) -> None:
        if not self.sources:
            raise ChannelError("Neighbours needs at least one source, found none")
        object.__setattr__(self, "sources", tuple(self.sources))
        require_between("count", self.count, 0)
        offsets = (self.min_offset_cycles_per_sample, self.max_offset_cycles_per_sample)
        require_range("min and max_offset_cycles_per_sample", offsets, 0.0, 0.5)
        require_range("relative_power_db", self.relative_power_db, -200.0, 200.0)
        require_between("probability", self.probability, 0.0, 1.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Add the other signals to each example."""
        require_baseband(x)
        wanted = measured_power(x)
        for _ in range(self.count):
            x = x + self._neighbour(x, wanted, generator)
        return x

    def _neighbour(self, x: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
        batch, samples = x.shape
        other = self._draw(batch, samples, generator).to(x.device)
        shape = (batch, 1)
        lower, upper = self.min_offset_cycles_per_sample, self.max_offset_cycles_per_sample
        sign = torch.where(uniform(shape, 0.0, 1.0, generator) < 0.5, -1.0, 1.0)
        offset = sign * uniform(shape, lower, upper, generator)
        phase = uniform(shape, 0.0, 1.0, generator)
        n = torch.arange(samples, device=x.device, dtype=torch.float64)
        turned = other * rotation(offset.to(x.device) * n + phase.to(x.device))
        power_db = uniform((batch,), *self.relative_power_db, generator)
        present = uniform((batch,), 0.0, 1.0, generator) < self.probability
        relative = ((10.0 ** (power_db / 10.0)) * present).to(x.device, torch.float32)
        power = measured_power(other)
        # A source that happens to be silent over the record stays silent.
        scale = torch.where(power > 0, wanted * relative / power, 0.0).sqrt()
        return turned * scale[:, None]

    def _draw(self, batch: int, samples: int, generator: torch.Generator) -> Tensor:
        choice = torch.randint(
            len(self.sources), (batch,), generator=generator, device=generator.device
        )
        other = torch.zeros(batch, samples, dtype=torch.complex64, device=generator.device)
        for index, source in enumerate(self.sources):
            rows = torch.nonzero(choice == index).flatten()
            if rows.numel() == 0:
                continue
            drawn = source(rows.numel(), samples, generator)
            if drawn.shape != (rows.numel(), samples) or not drawn.is_complex():
                raise ChannelError(
                    f"a neighbour source must return complex [{rows.numel()}, {samples}], "
                    f"found {drawn.dtype} {list(drawn.shape)}"
                )
            other[rows] = drawn.to(other)
        return other
