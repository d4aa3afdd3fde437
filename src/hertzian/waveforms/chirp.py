"""Chirp spread spectrum, as LoRa sends it."""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import torch

from hertzian.waveforms.base import (
    Waveform,
    draw_indices,
    draw_timing,
    require,
    rotate,
    sample_times,
    uniform,
)

_SYNC = 2
_DOWN = 2.25


@dataclass(frozen=True)
class ChirpSpreadSpectrum(Waveform):
    """LoRa: up-chirps whose starting frequency is the symbol, 2^SF chips each.

    The symbol s begins at (s / 2^SF - 1/2) B, rises at B per symbol and wraps once to -B/2; the
    phase is continuous (Vangelista 2017). A packet is preamble (s = 0), two sync symbols, 2.25
    down-chirps and the payload, which lasts to the window's end. The envelope is constant.

    Attributes:
        label: CSS.
        bandwidth: B in cycles per sample, up to 1; a chip lasts 1 / B samples.
        spreading_factor: bits per symbol, 5 to 12.
        preamble_symbols: up-chirps in front.
        sync_word: its two nibbles, times 8, are the sync symbols (0x34 public, 0x12 private).
        position: "anywhere" (the window begins at random in the packet, up to 16 symbols into the
            payload) or "start" (within the first chip of the preamble).
        timing: phase of the first sample within a chip, 0 to 1; None draws it per example.
    """

    labels: ClassVar[tuple[str, ...]] = ("CSS",)

    label: str = "CSS"
    bandwidth: float = 0.5
    spreading_factor: int = 7
    preamble_symbols: int = 8
    sync_word: int = 0x34
    position: str = "anywhere"
    timing: float | None = None

    def _check(self) -> None:
        factor, place = self.spreading_factor, self.position
        require(0 < self.bandwidth <= 1, f"bandwidth is from 0 to 1, not {self.bandwidth}")
        require(5 <= factor <= 12, f"spreading factor is from 5 to 12, not {factor}")
        require(self.preamble_symbols >= 0, "the preamble is not negative")
        require(0 <= self.sync_word < 256, f"the sync word is one byte, not {self.sync_word}")
        require(place in ("anywhere", "start"), f"position is anywhere or start, not {place!r}")

    @property
    def header_symbols(self) -> float:
        """Symbols in front of the payload."""
        return self.preamble_symbols + _SYNC + _DOWN

    @property
    def occupied_bandwidth(self) -> float:
        """B: the chirps fill it evenly and their edges hold less than 1% of the power."""
        return self.bandwidth

    @property
    def symbol_rate(self) -> float:
        """Chirps per sample."""
        return self.bandwidth * 0.5**self.spreading_factor

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        chips = 2**self.spreading_factor
        start = draw_timing(self.timing, batch, generator)
        if self.position == "anywhere":
            reach = int((self.header_symbols + 16) * chips)
            start = start + torch.floor(reach * uniform(batch, generator))
        t = start + sample_times(samples, generator) * self.bandwidth
        count = ceil(float(t[:, -1].max()) / chips) + 2
        payload = draw_indices(chips, batch, count, generator)
        header = torch.zeros(self.preamble_symbols + _SYNC, dtype=torch.int64, device=t.device)
        for place, nibble in enumerate(divmod(self.sync_word, 16)):
            header[self.preamble_symbols + place] = 8 * nibble % chips
        symbols = torch.cat([header.expand(batch, -1), payload], dim=1).to(torch.float64)
        down_from = header.numel() * chips
        down_to = int(self.header_symbols * chips)
        down = (t >= down_from) & (t < down_to)
        # time as it would be without the down-chirps
        running = torch.where(t >= down_to, t - (down_to - down_from), t)
        number = torch.floor(running / chips)
        local = running - number * chips
        symbol = symbols.gather(1, number.to(torch.int64))
        cycles = local * (symbol / chips - 0.5 + local / (2 * chips))
        cycles = cycles - (local - (chips - symbol)).clamp(min=0)
        fall = torch.remainder(t - down_from, chips)
        # the last down-chirp stops after a quarter; the payload goes on from its phase
        quarter = 0.25 * chips
        after = quarter * (0.5 - quarter / (2 * chips))
        cycles = torch.where(t >= down_to, cycles + after, cycles)
        return rotate(torch.where(down, fall * (0.5 - fall / (2 * chips)), cycles))
