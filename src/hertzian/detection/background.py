"""What a plateau looks like where nothing stands on it: filtered noise, or a signal after all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from hertzian.detection.front_end import OCCUPIED_SHARE, PASS_SHARE, STOP_SHARE, WINDOW, Baseband

_OVER_NOISE = 4.0
_LOW_SHARE = 0.1
_LOUD_RATIO = 2.0
_BASE_SHARE = 0.25
_STANDING_RATIO = 3.0
_SMOOTH_BINS = 15

Samples = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Background:
    """A plateau less what stands on it.

    Windows with a burst, of over twice the energy of the quietest tenth, are left out; those that
    hold but the noise under the plateau are gaps. What never pauses shows as bins far over the
    lower quartile of the occupied band.

    Attributes:
        windows: complex64 [count, WINDOW], such bins brought down to the level of that quartile.
        iq: complex64 [samples], such bins taken out, and zeros for windows that are left out.
    """

    windows: Samples
    iq: Samples


def background(plateau: Baseband) -> Background | None:
    """Return what is left of a plateau, or None where nothing is, as of one under a window long."""
    count = plateau.iq.size // WINDOW
    cut = plateau.iq[: count * WINDOW].reshape(count, WINDOW)
    quiet = _quiet(cut, plateau.noise_density * plateau.rate * (PASS_SHARE + STOP_SHARE))
    if not quiet.any():
        return None
    density = np.mean(np.abs(fft.fft(cut[quiet], axis=1)) ** 2, axis=0)
    density = ndimage.uniform_filter1d(density, _SMOOTH_BINS, mode="wrap")
    occupied = np.abs(fft.fftfreq(WINDOW)) < OCCUPIED_SHARE / 2
    base = float(np.quantile(density[occupied], _BASE_SHARE))
    standing = density > _STANDING_RATIO * base
    level = np.where(standing, np.sqrt(base / np.maximum(density, 1e-30)), 1.0)
    flat = _filtered(cut, level)[quiet]
    bare = np.where(quiet[:, None], _filtered(cut, np.where(standing, 0.0, 1.0)), 0)
    return Background(flat.astype(np.complex64), bare.ravel().astype(np.complex64))


def _quiet(cut: Samples, noise: float) -> npt.NDArray[np.bool_]:
    """Tell which windows [count] hold more than noise of this power, and no burst."""
    energy = np.mean(np.abs(cut) ** 2, axis=1)
    sounding = energy > _OVER_NOISE * noise
    if not sounding.any():
        return np.asarray(sounding)
    loudest = _LOUD_RATIO * np.quantile(energy[sounding], _LOW_SHARE)
    return np.asarray(sounding & (energy <= loudest))


def _filtered(cut: Samples, gain: npt.NDArray[np.float64]) -> Samples:
    """Apply a gain over frequency, float64 [WINDOW] in the order of an FFT, to all of the samples.

    They wrap around at the end, which no statistic of them minds.
    """
    if (gain == 1.0).all():
        return cut
    grid = fft.fftshift(fft.fftfreq(WINDOW))
    over_all = np.interp(fft.fftfreq(cut.size), grid, fft.fftshift(gain))
    return np.asarray(fft.ifft(fft.fft(cut.ravel()) * over_all)).reshape(cut.shape)
