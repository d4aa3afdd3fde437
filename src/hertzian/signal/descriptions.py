"""Modulations in words: the descriptions by which SigZSLNet knows classes it never saw.

Source: the paper on SigZSLNet, table 3; the wording and its letters are ours, as it prints none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

SYMBOLS = 32
"""Letters that a coded description may have (the paper's table 1)."""

PLACES = 47
"""Letters of the longest description (the paper's table 1)."""

_LETTERS = " 0123456789adehiklmnoprstuy"


@dataclass(frozen=True)
class Description:
    """A modulation as the paper describes it.

    Attributes:
        peaks: of the distribution of one of its components.
        phase: whether the phase carries symbols.
        amplitude: whether the amplitude does.
        order: number of symbols.
    """

    peaks: int
    phase: bool
    amplitude: bool
    order: int

    @property
    def text(self) -> str:
        """Return it in words, such as `peaks 4 phase yes amplitude yes order 16`."""
        phase, amplitude = ("yes" if said else "no" for said in (self.phase, self.amplitude))
        return f"peaks {self.peaks} phase {phase} amplitude {amplitude} order {self.order}"

    @property
    def coded(self) -> npt.NDArray[np.float32]:
        """Return the text with one row for each letter: float32 [32, 47], ones and zeros."""
        code = np.zeros((SYMBOLS, PLACES), dtype=np.float32)
        for place, letter in enumerate(self.text):
            code[_LETTERS.index(letter), place] = 1
        return code

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Return it as a vector [4]; peaks and order as their log2."""
        counts = np.log2([self.peaks, self.order])
        return np.array([*counts, float(self.phase), float(self.amplitude)])


AS_PRINTED: Mapping[str, Description] = {
    "BPSK": Description(peaks=2, phase=True, amplitude=False, order=2),
    "QPSK": Description(peaks=2, phase=True, amplitude=False, order=2),
    "OOK": Description(peaks=4, phase=False, amplitude=True, order=2),
    "4ASK": Description(peaks=4, phase=False, amplitude=True, order=4),
    "16QAM": Description(peaks=4, phase=True, amplitude=True, order=16),
    "32QAM": Description(peaks=6, phase=True, amplitude=True, order=32),
    "64QAM": Description(peaks=8, phase=True, amplitude=True, order=64),
}
"""Table 3, by canonical label; BPSK and QPSK are described alike."""

CORRECTED: Mapping[str, Description] = {
    **AS_PRINTED,
    "QPSK": replace(AS_PRINTED["QPSK"], order=4),
}
"""Table 3 with QPSK's order; either component of it has two peaks, as printed."""
