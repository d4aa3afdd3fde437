"""Direct-sequence spreading: each data bit multiplies one period of a code."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from hertzian.waveforms.base import Waveform, draw_indices, draw_timing, require, uniform
from hertzian.waveforms.pulses import Pulse, pulse, shape
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation

# degree -> the other tap of a primitive trinomial (Golomb, Shift Register Sequences)
_TRINOMIALS = {"m15": (4, 1), "m31": (5, 2), "m63": (6, 1), "m127": (7, 1)}
_BARKER_11 = (1, -1, 1, 1, -1, 1, 1, 1, -1, -1, -1)

CODES: tuple[str, ...] = ("barker11", *_TRINOMIALS)
"""Names of the spreading codes."""


@lru_cache(maxsize=16)
def spreading_code(name: str) -> npt.NDArray[np.float64]:
    """Return a code as +-1, float64 [chips]: "barker11" or an m-sequence "m15" to "m127"."""
    if name == "barker11":
        return np.array(_BARKER_11, dtype=np.float64)
    require(name in _TRINOMIALS, f"unknown code {name!r}; known are {', '.join(CODES)}")
    degree, tap = _TRINOMIALS[name]
    bits = [1] * degree
    while len(bits) < 2**degree - 1:
        bits.append(bits[-degree] ^ bits[tap - degree])
    return 1.0 - 2.0 * np.array(bits)


@dataclass(frozen=True)
class DirectSequence(Waveform):
    """BPSK data, one bit per period of the code, the chips on a pulse.

    Attributes:
        label: DSSS-BPSK.
        samples_per_chip: any real number from 1.5.
        code: "barker11", "m15", "m31", "m63" or "m127".
        pulse: "rrc" or "rect".
        roll_off: excess bandwidth of "rrc".
        timing: phase of the first sample within a chip, 0 to 1; given, the code begins with chip
            number 0 at (0 - timing) samples_per_chip; None draws both per example.
    """

    labels: ClassVar[tuple[str, ...]] = ("DSSS-BPSK",)

    label: str = "DSSS-BPSK"
    samples_per_chip: float = 2.0
    code: str = "barker11"
    pulse: str = "rrc"
    roll_off: float = 0.35
    timing: float | None = None

    def _check(self) -> None:
        spc = self.samples_per_chip
        require(spc >= 1.5, f"{self.label} needs at least 1.5 samples per chip, not {spc}")
        require(0 <= self.roll_off <= 1, f"roll-off is from 0 to 1, not {self.roll_off}")
        spreading_code(self.code)
        self._shaping()

    def _shaping(self) -> Pulse:
        return pulse(self.pulse, self.roll_off)

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of the chips, whose correlation is the code's aperiodic one."""
        return _bandwidth(self.code, self._shaping(), self.samples_per_chip)

    @property
    def symbol_rate(self) -> float:
        """Data symbols, a whole code each, per sample."""
        return 1 / (len(spreading_code(self.code)) * self.samples_per_chip)

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        shaping, spc = self._shaping(), self.samples_per_chip
        code = torch.from_numpy(spreading_code(self.code)).to(generator.device, torch.float32)
        period = code.numel()
        needed = shaping.symbols_needed(samples, spc)
        tail = shaping.taps + shaping.first - 1
        bits = 2.0 * draw_indices(2, batch, ceil(needed / period) + 2, generator) - 1
        chips = (bits[:, :, None] * code).view(batch, -1)
        timing = draw_timing(self.timing, batch, generator)
        start = torch.full((batch, 1), -tail % period, device=code.device)
        if self.timing is None:
            start = torch.floor(period * uniform(batch, generator)).to(torch.int64)
        chips = chips.gather(1, start + torch.arange(needed, device=code.device))
        return shape(chips, shaping, spc, timing, samples).to(torch.complex64)


@lru_cache(maxsize=256)
def _bandwidth(code: str, shaping: Pulse, samples_per_chip: float) -> float:
    chips = spreading_code(code)
    correlation = np.correlate(chips, chips, "full")[chips.size - 1 :] / chips.size
    return bandwidth_of(linear_autocorrelation(correlation, shaping, samples_per_chip))
