"""How a preset makes windows: signal and noise apart, chunk by chunk, each of its own seed."""

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hertzian.channel import measured_power
from hertzian.channel.noise import complex_normal
from hertzian.datasets.cells import Cell
from hertzian.datasets.jobs import on_threads
from hertzian.datasets.published import Kind
from hertzian.datasets.randomness import generator
from hertzian.signal import to_channels

Group = npt.NDArray[np.int64]

_ENDLESS = 1 << 32  # more chunks than a cell of any file has

NoiseRule = Callable[[Tensor, float, torch.Generator], Tensor]
"""(signal complex64 [n, samples], SNR label, generator) -> noise of the same shape."""

Scale = Callable[[Tensor], Tensor]
"""complex64 [n, samples] -> the same, each window scaled by a rule."""


@dataclass(frozen=True)
class Parts:
    """Windows before signal and noise are added.

    Attributes:
        signal: complex64 [n, samples], after the channel.
        noise: complex64 [n, samples].
        group: int64 [n]; windows of one realisation share it. -1 where a window shares samples with
            two groups.
        bandwidth, symbol_rate: as in `Cell`, float32 [n].
    """

    signal: Tensor
    noise: Tensor
    group: Tensor
    bandwidth: Tensor
    symbol_rate: Tensor


class Source(Protocol):
    """What makes the windows of every kind at every SNR."""

    def chunk(self, kind: Kind) -> int:
        """Return how many windows are made at once."""
        ...

    def parts(self, kind: Kind, snr_db: float, count: int, generator: torch.Generator) -> Parts:
        """Return `count` windows, at most a chunk."""
        ...


@dataclass(frozen=True)
class Synthetic:
    """Windows of a source, scaled.

    Attributes:
        name: of the preset; presets of different names never share a seed.
        source: makes signal and noise.
        scale: applied to their sum.
        shared_groups: whether equal groups of different chunks and cells are one realisation.
    """

    name: str
    source: Source
    scale: Scale
    shared_groups: bool = False

    def parts(self, seed: int, kind: Kind, snr_db: float, index: int, count: int) -> Parts:
        """Return the windows of chunk `index` of a cell before they are added and scaled."""
        words = (
            *(seed, zlib.crc32(self.name.encode()), zlib.crc32(repr(kind).encode())),
            *(*struct.pack("<d", snr_db), index),
        )
        with on_threads(1):
            return self.source.parts(kind, snr_db, count, generator(*words))

    def chunk(self, seed: int, kind: Kind, snr_db: float, index: int, count: int) -> Cell:
        """Return the windows of chunk `index` of a cell."""
        parts = self.parts(seed, kind, snr_db, index, count)
        x = self.scale(parts.signal + parts.noise)
        return Cell(
            x=to_channels(x.numpy()),
            group=parts.group.numpy(),
            bandwidth=parts.bandwidth.numpy(),
            symbol_rate=parts.symbol_rate.numpy(),
        )

    def draw(self, seed: int, kind: Kind, snr_db: float, index: int, count: int) -> Cell:
        """Return `count` windows of the endless stream of a cell; no file holds any of them.

        Every index has windows of its own; a chunk at most.
        """
        return self.chunk(seed, kind, snr_db, _ENDLESS + index, count)

    def cell(self, seed: int, kind: Kind, snr_db: float, count: int) -> Cell:
        """Return `count` windows; these four determine every byte of them."""
        size = self.source.chunk(kind)
        made: list[Cell] = []
        for index, first in enumerate(range(0, count, size)):
            made.append(self.chunk(seed, kind, snr_db, index, min(size, count - first)))
        groups = [cell.group for cell in made]
        if not self.shared_groups:
            groups = numbered(groups)
        return Cell(
            x=np.concatenate([cell.x for cell in made]),
            group=np.concatenate(groups),
            bandwidth=np.concatenate([cell.bandwidth for cell in made]),
            symbol_rate=np.concatenate([cell.symbol_rate for cell in made]),
        )


def numbered(groups: Iterable[Group]) -> list[Group]:
    """Return groups of several parts, each from 0 on, as groups that follow each other."""
    following: list[Group] = []
    first = 0
    for group in groups:
        following.append(np.where(group < 0, -1, group + first))
        first += int(group.max(initial=-1)) + 1
    return following


# --- noise and scale ----------------------------------------------------------------------------


def labelled_noise(signal: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Draw noise of the standard deviation 10^(-label / 10), whatever the signal's power."""
    return complex_normal((signal.shape[0], signal.shape[1]), generator) * 10 ** (-snr_db / 10)


def true_noise(signal: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Draw white noise for an SNR over the sampled band, against each window's own power."""
    deviation = (measured_power(signal) * 10 ** (-snr_db / 10)).sqrt()
    return complex_normal((signal.shape[0], signal.shape[1]), generator) * deviation[:, None]


def by_sum(x: Tensor) -> Tensor:
    """Divide each window by the sum of its magnitudes."""
    # NumPy's magnitudes take a tenth of the time of torch's, and so do factors instead of divisors
    total = torch.from_numpy(np.abs(x.numpy())).sum(dim=1, keepdim=True)
    scaled: Tensor = x * total.reciprocal()
    return scaled


def to_unit_power(x: Tensor) -> Tensor:
    """Scale each window to a mean power of one."""
    scaled: Tensor = x * measured_power(x).rsqrt()[:, None]
    return scaled


def to_unit_energy(x: Tensor) -> Tensor:
    """Scale each window to a sum of squares of one."""
    scaled: Tensor = to_unit_power(x) / x.shape[1] ** 0.5
    return scaled


def as_received(x: Tensor) -> Tensor:
    """Leave windows as they are."""
    return x
