"""Measurements that the waveform tests share; none of them uses the waveforms' own code."""

import numpy as np
import torch
from scipy.signal import welch

from hertzian.signal import occupied_bandwidth


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def array(waveform, batch, samples, seed=0):
    return waveform.generate(batch, samples, seeded(seed)).numpy().astype(complex)


def power(x):
    return np.mean(np.abs(x) ** 2, axis=-1)


def spectrum(x, segment=4096):
    """Welch spectrum of [batch, samples], averaged, frequencies ascending."""
    f, p = welch(x, nperseg=segment, return_onesided=False, detrend=False)
    order = np.argsort(f)
    return f[order], p.mean(axis=0)[order]


def bandwidth(x, segment=4096):
    f, p = spectrum(x, segment)
    lower, upper = occupied_bandwidth(p, f)
    return upper - lower


def frequency(x):
    """Instantaneous frequency between neighbouring samples, cycles per sample."""
    return np.angle(x[..., 1:] * x[..., :-1].conj()) / (2 * np.pi)


def nearest_error(received, points):
    """Error vector magnitude against the nearest point, rms over rms."""
    distance = np.abs(received[..., None] - points).min(axis=-1)
    return np.sqrt(np.mean(distance**2) / np.mean(np.abs(points) ** 2))


def at(x, places):
    """Interpolate [samples] at real places by the sampling theorem, far from the ends."""
    n = np.arange(x.size)
    window = np.kaiser(2 * 64 + 1, 10)
    result = []
    for place in places:
        near = n[(n >= place - 64) & (n <= place + 64)]
        taper = np.interp(near - place, np.arange(-64, 65), window)
        result.append(np.sum(x[near] * np.sinc(near - place) * taper))
    return np.array(result)
