"""Windows out of passes through GNU Radio's dynamic channel, as the RadioML generator cuts them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from hertzian.channel.gnuradio import ChannelStates, DynamicChannel
from hertzian.datasets.making import NoiseRule, Parts, labelled_noise
from hertzian.datasets.published import STREAM_BLOCK, Kind
from hertzian.datasets.randomness import generator as seeded
from hertzian.waveforms.gnuradio import Transmitter

_CHUNK = 1000
_LONGEST_PASS = 100_000
_BLOCKS_AT_ONCE = 1000


@lru_cache(maxsize=8)
def one_course(channel: DynamicChannel, seed: int) -> ChannelStates:
    """Return the channel's course over one pass, long enough for every set."""
    return channel.draw(1, _LONGEST_PASS, seeded(seed))


def _facts(transmitter: Transmitter, count: int) -> tuple[Tensor, Tensor]:
    """Return bandwidth and symbol rate of `count` windows, as in `Cell`."""
    facts = (transmitter.occupied_bandwidth, transmitter.symbol_rate)
    first, second = (torch.full((count,), math.nan if each is None else each) for each in facts)
    return first, second


@dataclass(frozen=True)
class Passes:
    """Windows that lie apart in passes.

    The first begins at a sample from `first`, the next ones follow at distances uniform from a
    window's length to a share `hop` of the pass.

    Attributes:
        transmitters: by the name of the modulation.
        channel: what each pass goes through.
        noise: (signal, SNR label, generator) -> noise.
        channel_seed: the one course of the channel that every pass takes; None draws each afresh.
        samples: length of a window.
        first: range of the first window's beginning, both ends included.
        hop: longest distance from window to window, as a share of the pass.
    """

    transmitters: Mapping[str, Transmitter]
    channel: DynamicChannel
    noise: NoiseRule
    channel_seed: int | None = None
    samples: int = 128
    first: tuple[int, int] = (50, 500)
    hop: float = 0.05

    def chunk(self, kind: Kind) -> int:
        """Return how many windows are made at once."""
        return _CHUNK

    def parts(self, kind: Kind, snr_db: float, count: int, generator: torch.Generator) -> Parts:
        """Return `count` windows, at most a chunk; a group is a course of the channel."""
        transmitter = self.transmitters[kind.modulation]
        which, first, passes = self._places(transmitter.samples, count, generator)
        if self.channel_seed is None:
            states, course = self.channel.draw(passes, transmitter.samples, generator), which
        else:
            states = one_course(self.channel, self.channel_seed)
            course = torch.zeros_like(which)
        read = transmitter.begin(passes, generator)
        where = states.first_needed(course, first, self.samples)
        sent = read(which, where, self.samples + self.channel.margin)
        signal = states.receive(sent, course, first)
        noise = self.noise(signal, snr_db, generator)
        return Parts(signal, noise, course, *_facts(transmitter, count))

    def _places(
        self, length: int, count: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, int]:
        """Draw the pass and the first sample of each window, and how many passes there are."""
        longest = round(self.hop * length)
        expected = 2 * length / (longest + self.samples)
        columns = int(1.6 * expected) + 8
        which: list[Tensor] = []
        first: list[Tensor] = []
        passes = found = 0
        while found < count:
            rows = max(1, int((count - found) / (0.9 * expected)) + 1)
            hops = torch.randint(self.samples, longest + 1, (rows, columns), generator=generator)
            lower, upper = self.first
            hops[:, 0] = torch.randint(lower, upper + 1, (rows,), generator=generator)
            starts = torch.cumsum(hops, dim=1)
            row, column = torch.nonzero(starts + self.samples < length, as_tuple=True)
            which.append(row + passes)
            first.append(starts[row, column])
            passes, found = passes + rows, found + len(row)
        return torch.cat(which)[:count], torch.cat(first)[:count], passes


@dataclass(frozen=True)
class Streams:
    """Overlapping windows of one stream per class and SNR, in order.

    The stream is cut into blocks, which are the groups; a block is the same time of the channel's
    course in every class. The last window of a block reaches into the next: group -1. Fewer windows
    than a stream has are those from a random one on.

    Attributes:
        transmitters: by the name of the modulation.
        counts: windows of a stream, by the name of the modulation.
        channel: what the stream goes through.
        channel_seed: the one course of the channel that every stream takes.
        samples: length of a window.
        hop: from window to window.
    """

    transmitters: Mapping[str, Transmitter]
    counts: Mapping[str, int]
    channel: DynamicChannel
    channel_seed: int
    samples: int = 128
    hop: int = 64

    def chunk(self, kind: Kind) -> int:
        """Return the number of windows in the stream."""
        return self.counts[kind.modulation]

    def parts(self, kind: Kind, snr_db: float, count: int, generator: torch.Generator) -> Parts:
        """Return `count` windows of a stream that follow each other, at most a chunk."""
        first = int(torch.randint(self.chunk(kind) - count + 1, (1,), generator=generator))
        length = (first + count - 1) * self.hop + self.samples
        signal = self.stream(kind, length, generator)[:, first * self.hop :]
        noise = labelled_noise(signal, snr_db, generator)
        number = first + torch.arange(count)
        block = torch.div(number, STREAM_BLOCK, rounding_mode="floor")
        following = torch.div(number + 1, STREAM_BLOCK, rounding_mode="floor")
        shared = (following > block) & (number < first + count - 1)
        bandwidth, symbol_rate = _facts(self.transmitters[kind.modulation], count)
        return Parts(
            signal=signal[0].unfold(0, self.samples, self.hop),
            noise=noise[0].unfold(0, self.samples, self.hop),
            group=torch.where(shared, -1, block),
            bandwidth=bandwidth,
            symbol_rate=symbol_rate,
        )

    def stream(self, kind: Kind, length: int, generator: torch.Generator) -> Tensor:
        """Return what arrives without noise, complex64 [1, length]."""
        transmitter = self.transmitters[kind.modulation]
        states = one_course(self.channel, self.channel_seed)
        return received_stream(transmitter, states, length, generator)


def received_stream(
    transmitter: Transmitter,
    states: ChannelStates,
    length: int,
    generator: torch.Generator,
    block: int = 128,
) -> Tensor:
    """Send a stream of so many samples through pass 0 of a channel: complex64 [1, length].

    The channel stands still for `block` samples at a time, but for its rotation. Its states are
    those of a pass of `length + block` samples or more.
    """
    first = torch.arange(0, length, block)
    which = torch.zeros_like(first)
    where = states.first_needed(which, first, block)
    begin, margin = where[:1], states.channel.margin
    span = int(where[-1] - begin) + block + margin
    sent = transmitter.begin(1, generator)(which[:1], begin, span)[0]
    cut = sent.unfold(0, block + margin, 1)
    received = torch.empty(len(first), block, dtype=torch.complex64)
    # some at a time, since what all of a long stream needs would fit no cache
    for begun in range(0, len(first), _BLOCKS_AT_ONCE):
        rows = slice(begun, begun + _BLOCKS_AT_ONCE)
        received[rows] = states.receive(cut[where[rows] - begin], which[rows], first[rows])
    return received.view(1, -1)[:, :length]
