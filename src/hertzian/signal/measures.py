"""Definitions of power, SNR and bandwidth that every room shares."""

import numpy as np
import numpy.typing as npt


def power_db(x: npt.ArrayLike) -> float:
    """Return the mean power of complex samples [any] in decibels: 10 log10 mean |x|^2."""
    return float(decibels(np.mean(np.abs(np.asarray(x)) ** 2)))


def decibels(ratio: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return a power ratio in decibels; zero gives minus infinity without a warning."""
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(np.asarray(ratio, dtype=np.float64)))


def occupied_bandwidth(
    psd: npt.ArrayLike, frequencies_hz: npt.ArrayLike, share: float = 0.99
) -> tuple[float, float]:
    """Return the band (lower_hz, upper_hz) that holds `share` of a spectrum's power.

    ITU-R SM.328: a share of (1 - share)/2 of the power lies below it and as much above.
    `psd` [bins] is linear and non-negative, `frequencies_hz` [bins] ascending and uniform. Within a
    bin the power is taken as spread evenly, so the edges are continuous in the spectrum.

    Raises:
        ValueError: no power at all, or fewer than two bins.
    """
    power = np.maximum(np.asarray(psd, dtype=np.float64), 0.0)
    centres = np.asarray(frequencies_hz, dtype=np.float64)
    total = power.sum()
    if centres.size < 2 or not total > 0:
        raise ValueError("occupied bandwidth needs two bins and a spectrum with power in it")
    step = centres[1] - centres[0]
    edges = np.concatenate([centres - step / 2, [centres[-1] + step / 2]])
    cumulative = np.concatenate([[0.0], np.cumsum(power) / total])
    tail = (1 - share) / 2
    lower = np.interp(tail, cumulative, edges)
    # counted from above, so that empty bins at the upper end stay out even for all of the power
    upper = -np.interp(tail, 1 - cumulative[::-1], -edges[::-1])
    return float(lower), float(upper)
