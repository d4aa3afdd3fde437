"""SNR and silence, judged from samples alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal.windows import blackmanharris

from hertzian.datasets.strata import Complex64

FEWEST_WINDOWS = 16
"""Windows below which nothing is judged."""

SHORTEST_WINDOW = 32
"""Samples below which nothing is judged."""

FILLED = "the signal fills the band"
FAINT = "too faint"
FEW = "too few windows"
FILTERED = "the band was filtered"

_LEAST_QUIET = 0.25  # share of the band that must be noise alone
_SMOOTHED = 16  # bins are averaged over this part of the band
_NOISE_WIDTH = 2.0  # noise bandwidth of the taper, in bins
_RAISED = 4.0  # times the median floor; by chance alone next to no window has that
_SPREAD = 6.0  # standard deviations that bins of noise may lie above the quietest
_ROUNDS = 4
_DETECTED = 4.0  # standard deviations of power above the floor that make a signal
_STOPPED = 0.1  # of the least floor that labels allow
_LAGS = 16
_WHITE = 4.5  # standard deviations within which a statistic is that of white Gaussian noise

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An SNR, or why there is none.

    Attributes:
        snr_db: mean signal power over mean noise power in the sampled band; None where it cannot be
            told.
        why: `FILLED`, `FAINT`, `FEW` or `FILTERED` where there is none, else empty.
        floor: the lowest density in the band over the mean density, 0 to 1; None where it was not
            looked at.
    """

    snr_db: float | None
    why: str = ""
    floor: float | None = None


def estimate_snr(x: Complex64) -> Estimate:
    """Estimate the SNR of windows of one class and level, with noise that is white in the band.

    The mean spectrum, with a Blackman-Harris taper against leakage, is lowest where there is noise
    alone. All bins within the spread of noise there are the floor; signal is what lies above it.
    At least a quarter of the band has to be such bins. Where windows were scaled one by one, those
    without a signal are noise raised to the level of the others, and are left out.

    Args:
        x: complex64 [n, samples], at any scale; windows that are not finite are left out.
    """
    x = x[np.isfinite(x).all(axis=1)]
    count, samples = x.shape
    if count < FEWEST_WINDOWS or samples < SHORTEST_WINDOW:
        return Estimate(None, FEW)
    densities = _densities(x)
    width = max(3, samples // _SMOOTHED)
    spectrum = densities[~_raised(densities, width)].mean(axis=0)
    total = float(spectrum.mean())
    if total <= 0:
        return Estimate(None, FAINT)
    smooth = _smoothed(spectrum, width)
    spread = math.sqrt(_NOISE_WIDTH / (count * width))
    floor = float(smooth.min())
    share = max(floor / total, 0.0)
    for _ in range(_ROUNDS):
        quiet = smooth <= floor * (1 + _SPREAD * spread)
        floor = float(spectrum[quiet].mean()) if quiet.any() else floor
    if np.mean(quiet) < _LEAST_QUIET or floor <= 0:
        return Estimate(None, FILLED, share)
    noise_spread = math.sqrt(_NOISE_WIDTH / (count * samples * float(np.mean(quiet))))
    if total - floor < _DETECTED * noise_spread * floor:
        return Estimate(None, FAINT, share)
    return Estimate(10 * math.log10((total - floor) / floor), floor=share)


def is_filtered(labels_db: Sequence[float], floors: Sequence[float]) -> bool:
    """Tell whether the band is quieter than its noise can be, so that something filtered it.

    Noise at the labelled SNR leaves a floor of 1 / (1 + SNR) of the mean density; labels that are
    half of the SNR in decibels, as those of RadioML are, still that of twice the label. Less than
    a tenth of that, in the median over cells, is the stop band of a filter.

    Args:
        labels_db: of the cells that were looked at.
        floors: `Estimate.floor` of each.
    """
    labels = np.asarray(labels_db, np.float64)
    if not len(labels):
        return False
    expected = 1 / (1 + 10 ** (np.maximum(labels, 2 * labels) / 10))
    return bool(np.median(floors) < _STOPPED * np.median(expected))


def is_white_noise(x: Complex64) -> bool | None:
    """Tell whether windows cannot be told from white circular Gaussian noise; None for too few.

    For such noise, with r(l) the correlation of a window of unit energy with itself l samples
    later, |r(l)|^2 N (N + 1) / (N - l) is exponential with mean 1, and so is
    |sum x^2|^2 (N + 1) / 2; sum |x|^4 (N + 1) / 2 has mean 1 and variance 1 / N. Means over all
    windows are compared with these.

    Args:
        x: complex64 [n, samples]; the scale of each window is ignored.
    """
    energy = np.sum(np.abs(x).astype(np.float64) ** 2, axis=1)
    good = np.isfinite(energy) & (energy > 0)
    x = x[good] / np.sqrt(energy[good])[:, None]
    count, samples = x.shape
    if count < FEWEST_WINDOWS or samples < SHORTEST_WINDOW:
        return None
    lags = range(1, min(_LAGS, samples // 4) + 1)
    excess = 0.0
    for lag in lags:
        products = np.abs(np.sum(x[:, lag:] * np.conj(x[:, :-lag]), axis=1)) ** 2
        excess += float(np.sum(products * (samples * (samples + 1) / (samples - lag)) - 1))
    turned = np.abs(np.sum(x**2, axis=1)) ** 2 * ((samples + 1) / 2) - 1
    peaked = np.sum(np.abs(x) ** 4, axis=1) * ((samples + 1) / 2) - 1
    statistics = (
        excess / math.sqrt(count * len(lags)),
        float(turned.sum()) / math.sqrt(count),
        float(peaked.sum()) * math.sqrt(samples / count),
    )
    return all(abs(statistic) < _WHITE for statistic in statistics)


def _densities(x: Complex64) -> Float32:
    """Return the power of each window in each bin, [n, samples]; their mean is its power."""
    samples = x.shape[1]
    taper = blackmanharris(samples, sym=False)
    taper /= math.sqrt(float(np.sum(taper**2)))
    densities = np.empty(x.shape, np.float32)
    size = max(1, (1 << 20) // samples)
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        densities[rows] = np.abs(np.fft.fft(x[rows] * taper)) ** 2
    return densities


def _raised(densities: Float32, width: int) -> npt.NDArray[np.bool_]:
    """Tell for each window whether its noise is far above that of most, in the quietest bins."""
    typical = _smoothed(np.median(densities, axis=0), width)
    quiet = np.argsort(typical)[: int(_LEAST_QUIET * len(typical))]
    floors = densities[:, quiet].mean(axis=1)
    return np.asarray(floors > _RAISED * np.median(floors))


def _smoothed(spectrum: npt.NDArray[np.floating], width: int) -> Float64:
    """Average over `width` bins around each, around the band's edge too."""
    return np.real(np.fft.ifft(np.fft.fft(spectrum) * np.fft.fft(_box(width, len(spectrum)))))


def _box(width: int, samples: int) -> Float64:
    box = np.zeros(samples)
    box[np.arange(width) - width // 2] = 1 / width
    return box
