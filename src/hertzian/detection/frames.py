"""Overlapping Hann frames and their power spectra, on a grid fixed to the first sample."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

FRAME = 1024
"""Samples in a frame; a bin is 1/FRAME of the sampling rate wide."""
HOP = 512
"""Samples from one frame to the next."""
SLAB = 128
"""Frames that are judged together: one estimate of the noise floor each."""

Power = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def _window() -> npt.NDArray[np.float32]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    return np.asarray(hann / np.sqrt(np.sum(hann**2)), dtype=np.float32)


def frame_count(samples: int) -> int:
    """Return how many whole frames fit into a number of samples."""
    return max(0, (samples - FRAME) // HOP + 1)


def energy_share(samples: int) -> float:
    """Return the share of a frame's energy in its first samples, of even power; at least 1/4."""
    return max(0.25, float(np.sum(_window()[:samples] ** 2)))


def frame_power(iq: npt.NDArray[np.complex64], workers: int = 1) -> Power:
    """Return the power spectra of all whole frames of complex64 [samples].

    float32 [frames, FRAME], frequencies ascending from -1/2 cycles per sample. The window has unit
    energy: white noise of power s^2 has the expectation s^2 in every bin, so a bin reads as power
    density per cycle per sample.
    """
    count = frame_count(iq.size)
    if not count:
        return np.empty((0, FRAME), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(iq, FRAME)[::HOP][:count]
    spectrum = fft.fft(frames * _window(), axis=1, workers=workers, overwrite_x=True)
    power = np.empty((count, FRAME), dtype=np.float32)
    half = FRAME // 2
    for below, above in (
        (slice(0, half), slice(half, FRAME)),
        (slice(half, FRAME), slice(0, half)),
    ):
        target, source = power[:, below], spectrum[:, above]
        np.multiply(source.real, source.real, out=target)
        target += source.imag * source.imag
    return power
