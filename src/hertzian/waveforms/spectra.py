"""Occupied bandwidth from the autocorrelation: what a waveform states about itself."""

import numpy as np
import numpy.typing as npt

from hertzian.signal import occupied_bandwidth
from hertzian.waveforms.pulses import Pulse


def bandwidth_of(autocorrelation: npt.NDArray[np.float64], *, endless: bool = False) -> float:
    """Return the 99% bandwidth, in cycles per sample, of r[0], r[1], ... (real, so symmetric).

    Wiener-Khinchin: the spectrum is the Fourier transform of r. Where r is `endless` (it holds
    lines), its beginning is taken under a Hann lag window; else r is complete.
    """
    lags = autocorrelation.size
    window = 0.5 + 0.5 * np.cos(np.pi * np.arange(lags) / lags) if endless else 1.0
    size = 1 << max(12, (4 * lags - 1).bit_length())
    one_sided = autocorrelation * window
    spectrum = 2 * np.fft.rfft(one_sided, size).real - one_sided[0]
    both = np.concatenate([spectrum[:0:-1], spectrum])
    frequencies = np.arange(-(size // 2), size // 2 + 1) / size
    lower, upper = occupied_bandwidth(both, frequencies)
    return min(1.0, upper - lower)


def linear_autocorrelation(
    symbols: npt.NDArray[np.float64], shaping: Pulse, samples_per_symbol: float
) -> npt.NDArray[np.float64]:
    """Autocorrelation at whole samples of symbols with correlation R[0], R[1], ..., shaped.

    r(tau) = sum over k of R[|k|] r_g(tau - k), averaged over the timing (Proakis 4.4).
    """
    fine = shaping.autocorrelation
    grid = np.arange(fine.size) / 512
    lags = np.arange(int((symbols.size + shaping.taps) * samples_per_symbol)) / samples_per_symbol
    total = np.zeros(lags.size)
    for k in range(1 - symbols.size, symbols.size):
        total += symbols[abs(k)] * np.interp(np.abs(lags - k), grid, fine, right=0.0)
    return total
