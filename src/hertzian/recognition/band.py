"""Bands of known bursts in white noise, of any length, made with NumPy alone to measure with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import fft

from hertzian.recordings import atomic_path
from hertzian.recordings.samples import SAMPLE_TYPES

BLOCK = 1 << 20
"""Samples that are made at a time; no burst lies in two blocks."""

_FORMAT = "cu8"
_NOISE_AMPLITUDE = 4 / 127.5  # four steps of an 8-bit receiver
_ROLL_OFF = 0.25
_OCCUPIED = 1.103  # 99% bandwidth of such a pulse, in symbol rates
_RAMP_SYMBOLS = 4
_SLOTS = 8
_SPACING = 0.11
_WIDTHS = (0.02, 0.08)
_BAND_WIDTHS = (0.01, 0.3)
_SYMBOLS = (512.0, 4096.0)
_EDGE = 0.47


@dataclass(frozen=True)
class Burst:
    """QPSK that is on the air for `count` samples; frequencies in cycles per sample."""

    start: int
    count: int
    center: float
    bandwidth: float
    snr_db: float
    label: str = "QPSK"

    @property
    def stop(self) -> int:
        """First sample after it."""
        return self.start + self.count

    @property
    def area(self) -> float:
        """Bandwidth times duration, as a number of samples of the whole band."""
        return self.bandwidth * self.count


def busy_band(blocks: int, occupancy: float, seed: int) -> list[Burst]:
    """Return eight bursts of 15 to 25 dB a block, which fill this share of time and frequency.

    Each has its own slot of the band, a random bandwidth of 2 to 8% and as much duration as its
    share of the occupancy asks for (up to 0.1, so that each fits into its block).
    """
    if not 0 < occupancy <= 0.1:
        raise ValueError(f"occupancy is {occupancy}; more than 0 and at most 0.1 can be made")
    rng = np.random.default_rng(seed)
    bursts = []
    for block in range(blocks):
        for slot in range(_SLOTS):
            bandwidth = _log_uniform(rng, *_WIDTHS)
            count = fft.prev_fast_len(int(occupancy * BLOCK / _SLOTS / bandwidth))
            start = block * BLOCK + int(rng.integers(BLOCK - count + 1))
            center = (slot - (_SLOTS - 1) / 2) * _SPACING
            bursts.append(Burst(start, count, center, bandwidth, float(rng.uniform(15, 25))))
    return bursts


def sparse_band(blocks: int, bursts: int, snr_db: float, seed: int) -> list[Burst]:
    """Return bursts of 1 to 30% of the band and 512 to 4096 symbols, spread evenly over blocks.

    Raises:
        ValueError: more bursts than blocks.
    """
    if not 0 < bursts <= blocks:
        raise ValueError(f"{bursts} bursts do not fit into {blocks} blocks, one in each")
    rng = np.random.default_rng(seed)
    found = []
    for block in np.linspace(0, blocks - 1, bursts).round().astype(int):
        bandwidth = _log_uniform(rng, *_BAND_WIDTHS)
        count = fft.prev_fast_len(int(_log_uniform(rng, *_SYMBOLS) * _OCCUPIED / bandwidth))
        start = int(block) * BLOCK + int(rng.integers(BLOCK - count))
        reach = _EDGE - bandwidth / 2
        found.append(Burst(start, count, float(rng.uniform(-reach, reach)), bandwidth, snr_db))
    return found


def band_blocks(
    blocks: int, bursts: Sequence[Burst], seed: int
) -> Iterator[npt.NDArray[np.complex64]]:
    """Yield the band block by block, complex64 [BLOCK]: noise of unit power, and the bursts."""
    for block in range(blocks):
        rng = np.random.Generator(np.random.SFC64([seed, block]))
        noise = rng.standard_normal(2 * BLOCK, dtype=np.float32) * np.float32(np.sqrt(0.5))
        iq = noise.view(np.complex64)
        for burst in bursts:
            if burst.start // BLOCK == block:
                first = burst.start - block * BLOCK
                iq[first : first + burst.count] += _sent(burst, rng)
        yield iq


def write_band(path: Path, blocks: int, bursts: Sequence[Burst], seed: int) -> Iterator[int]:
    """Write the band as an 8-bit receiver stores it (cu8), yielding the samples of each block.

    Raises:
        RecordingError: it cannot be written.
    """
    kind = SAMPLE_TYPES[_FORMAT]
    scale, middle = kind.full_scale * _NOISE_AMPLITUDE, kind.midpoint
    with atomic_path(path) as partial, partial.open("wb") as file:
        for iq in band_blocks(blocks, bursts, seed):
            codes = np.rint(iq.view(np.float32) * np.float32(scale) + np.float32(middle))
            file.write(np.clip(codes, 0, 255).astype(np.uint8).tobytes())
            yield BLOCK


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sent(burst: Burst, rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """Return the burst's samples, root-raised-cosine shaped in frequency (Proakis, eq. 9.2-26).

    The train of symbols has a spectrum that repeats at the symbol rate; what the pulse's band
    takes of it is the signal. It is ramped up and down, lest it click.
    """
    symbols = fft.next_fast_len(max(16, round(burst.area / _OCCUPIED)))
    train = fft.fft(np.exp(0.5j * np.pi * rng.integers(0, 4, symbols)))
    reach = int((1 + _ROLL_OFF) * symbols / 2)
    bins = np.arange(-reach, reach + 1)
    edge = np.clip((np.abs(bins) / symbols - (1 - _ROLL_OFF) / 2) / _ROLL_OFF, 0.0, 1.0)
    spectrum = np.zeros(burst.count, dtype=np.complex128)
    spectrum[bins + round(burst.center * burst.count)] = train[bins % symbols] * np.cos(
        np.pi / 2 * edge
    )
    x = fft.ifft(spectrum)
    ramp = np.sin(np.linspace(0, np.pi / 2, round(_RAMP_SYMBOLS * burst.count / symbols))) ** 2
    x[: ramp.size] *= ramp
    x[-ramp.size :] *= ramp[::-1]
    power = 10 ** (burst.snr_db / 10) * burst.bandwidth
    return np.asarray(x * np.sqrt(power / np.mean(np.abs(x) ** 2)), dtype=np.complex64)
