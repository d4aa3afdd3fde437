"""Windows of waveforms with random parameters, each through a channel of its own."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from hertzian.channel import Impairment
from hertzian.datasets.making import NoiseRule, Parts
from hertzian.datasets.published import Kind


class Sender(Protocol):
    """What sends; a `Waveform` does."""

    @property
    def occupied_bandwidth(self) -> float:
        """Bandwidth that holds 99% of the power, in cycles per sample."""
        ...

    @property
    def symbol_rate(self) -> float | None:
        """Symbols per sample; None of what has no steady rate."""
        ...

    def generate(self, batch: int, samples: int, generator: torch.Generator) -> Tensor:
        """Return complex64 [batch, samples]."""
        ...


Draw = Callable[[torch.Generator], Sender]
"""Draws the parameters of what sends."""

_CHUNK = 256
_ALIKE = 8  # windows that share the parameters of their waveform


def between(lower: float, upper: float, generator: torch.Generator) -> float:
    """Draw one number uniformly."""
    return lower + (upper - lower) * float(torch.rand(1, generator=generator, dtype=torch.float64))


@dataclass(frozen=True)
class Sent:
    """What was sent.

    Attributes:
        x: complex64 [n, samples].
        bandwidth, symbol_rate: as in `Cell`, float32 [n].
    """

    x: Tensor
    bandwidth: Tensor
    symbol_rate: Tensor


@dataclass(frozen=True)
class Sending:
    """What is sent for each kind, by the kind.

    Attributes:
        waveforms: kind -> what draws its waveform, anew for every eight windows.
    """

    waveforms: Mapping[Kind, Draw]

    def send(self, kind: Kind, count: int, samples: int, generator: torch.Generator) -> Sent:
        """Return `count` windows."""
        parts, facts = [], []
        for first in range(0, count, _ALIKE):
            waveform, alike = self.waveforms[kind](generator), min(_ALIKE, count - first)
            parts.append(waveform.generate(alike, samples, generator))
            # a bare carrier has no bandwidth, and some have no symbols
            rates = (waveform.occupied_bandwidth or math.nan, waveform.symbol_rate or math.nan)
            facts += [rates] * alike
        bandwidth, symbol_rate = torch.tensor(facts, dtype=torch.float32).unbind(1)
        return Sent(torch.cat(parts), bandwidth, symbol_rate)


@dataclass(frozen=True)
class Drawn:
    """Windows that share nothing with each other.

    Attributes:
        sending: what is sent.
        channel: (what is sent, SNR or other level, generator) -> what arrives.
        noise: (signal, SNR label, generator) -> noise.
        samples: length of a window.
        run_in: samples sent and received before a window, for delays to fill.
    """

    sending: Sending
    channel: Callable[[Tensor, float, torch.Generator], Tensor]
    noise: NoiseRule
    samples: int
    run_in: int = 0

    def chunk(self, kind: Kind) -> int:
        """Return how many windows are made at once."""
        return _CHUNK

    def parts(self, kind: Kind, snr_db: float, count: int, generator: torch.Generator) -> Parts:
        """Return `count` windows, at most a chunk; each is a group."""
        sent = self.sending.send(kind, count, self.samples + self.run_in, generator)
        signal = self.channel(sent.x, snr_db, generator)[:, self.run_in :]
        noise = self.noise(signal, snr_db, generator)
        return Parts(signal, noise, torch.arange(count), sent.bandwidth, sent.symbol_rate)


def at_every_snr(
    impairment: Impairment,
) -> Callable[[Tensor, float, torch.Generator], Tensor]:
    """Return a channel that is the same at every SNR."""
    return lambda x, snr_db, generator: impairment(x, generator)
