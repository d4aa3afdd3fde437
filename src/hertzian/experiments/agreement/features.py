"""What the trees see of a window: some hundred numbers that a difference could show in."""

import numpy as np
from numpy.typing import NDArray

_QUANTILES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
_LAGS = 16
_BINS = 32

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]


def features(iq: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return float32 [n, features] of complex64 [n, samples].

    Cumulants up to the sixth order (Swami and Sadler, Hierarchical digital modulation
    classification using cumulants, 2000), shape and quantiles of envelope, instantaneous frequency
    and its change, autocorrelation, spectrum, lines of |x|^2, x^2 and x^4, and drift in a window.
    """
    x = iq.astype(np.complex128)
    x /= np.sqrt(np.mean(np.abs(x) ** 2, axis=1, keepdims=True))
    turn = np.angle(x[:, 1:] * x[:, :-1].conj())
    change = np.angle(x[:, 2:] * x[:, 1:-1].conj() ** 2 * x[:, :-2])
    columns = [
        _cumulants(x),
        _shape(np.abs(x)),
        _shape(turn),
        _shape(np.abs(turn)),
        _shape(np.abs(change)),
        _autocorrelation(x),
        _spectrum(x),
        _lines(x),
        _drift(x),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _cumulants(x: Complex) -> Real:
    """Of windows of unit power: |C20|, |C40|, |C41|, C42, |C60|, C63, and the mean's modulus."""
    power = np.abs(x) ** 2
    second = np.mean(x**2, axis=1)
    fourth = np.mean(power**2, axis=1)
    found = [
        np.abs(np.mean(x, axis=1)),
        np.abs(second),
        np.abs(np.mean(x**4, axis=1) - 3 * second**2),
        np.abs(np.mean(x**3 * x.conj(), axis=1) - 3 * second),
        fourth - np.abs(second) ** 2 - 2,
        np.abs(np.mean(x**6, axis=1)),
        np.mean(power**3, axis=1) - 9 * fourth + 12,
    ]
    return np.stack(found, axis=1)


def _shape(values: Real) -> Real:
    """Return mean, deviation, skewness, kurtosis and quantiles of each row."""
    mean = values.mean(axis=1, keepdims=True)
    deviation = values.std(axis=1, keepdims=True) + 1e-12
    scaled = (values - mean) / deviation
    moments = [mean, deviation, *(np.mean(scaled**k, axis=1, keepdims=True) for k in (3, 4))]
    quantiles = np.quantile(values, _QUANTILES, axis=1).T
    return np.concatenate([*moments, quantiles], axis=1)


def _autocorrelation(x: Complex) -> Real:
    lags = [np.mean(x[:, lag:] * x[:, :-lag].conj(), axis=1) for lag in range(1, _LAGS + 1)]
    found = np.stack(lags, axis=1)
    return np.concatenate([found.real, found.imag], axis=1)


def _spectrum(x: Complex) -> Real:
    """Return the power in bins from -1/2 to 1/2 in decibels, after a Hann window."""
    spectrum = np.abs(np.fft.fft(x * np.hanning(x.shape[1]), axis=1)) ** 2
    bins = np.fft.fftshift(spectrum, axes=1).reshape(len(x), _BINS, -1).mean(axis=2)
    decibels: Real = 10 * np.log10(bins + 1e-12)
    return decibels


def _lines(x: Complex) -> Real:
    """Return |x|^2 at the first two multiples of 1/8, and the largest lines of x^2 and x^4."""
    eighth = x.shape[1] // 8
    power = np.abs(np.fft.fft(np.abs(x) ** 2, axis=1)) / x.shape[1]
    largest = [np.abs(np.fft.fft(x**k, axis=1)).max(axis=1) / x.shape[1] for k in (2, 4)]
    return np.stack([power[:, eighth], power[:, 2 * eighth], *largest], axis=1)


def _drift(x: Complex) -> Real:
    """Return power and mean frequency of the second half over those of the first."""
    middle = x.shape[1] // 2
    halves = x[:, :middle], x[:, middle:]
    powers = [np.mean(np.abs(half) ** 2, axis=1) + 1e-12 for half in halves]
    rates = [np.angle(np.mean(half[:, 1:] * half[:, :-1].conj(), axis=1)) for half in halves]
    return np.stack([np.log(powers[1] / powers[0]), rates[1] - rates[0]], axis=1)
