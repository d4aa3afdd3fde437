"""Whether pulses carry data: a radar's come like clockwork, a remote's say something."""

import numpy as np
import numpy.typing as npt

PULSED = ("OOK", "PPM", "PCW")
"""Labels of pulses, that carry data or not."""
_MOST_SAMPLES = 1 << 20
_SMOOTH_SAMPLES = 3
_PEAK_SHARE = 0.99
_ON_POWER = 0.25
_OFF_POWER = 0.1
_FEWEST_PULSES = 16
_FEWEST_SAMPLES = 4 * _FEWEST_PULSES
_APART = 1.25
_APART_SAMPLES = 4.0
_LEAST_SHARE = 0.15
_FEWEST_ALIKE = 4
_SPREAD = 0.06
_SPREAD_SAMPLES = 1.0


def pulses_carry_data(iq: npt.NDArray[np.complex64]) -> bool:
    """Tell whether pulses in baseband samples [n] come at two intervals, or last two durations.

    Pulse position and pulse width keying have (at least) two values of one of them, each of them
    sharp, for they are counted off a clock; an unmodulated train has one of each, or a jitter that
    spreads them. A radar of staggered repetition looks like data.
    """
    if iq.size < _FEWEST_SAMPLES:
        return False
    rises, falls = _pulses(iq[:_MOST_SAMPLES])
    if rises.size < _FEWEST_PULSES:
        return False
    return _two_valued(np.diff(rises)) or _two_valued(falls - rises)


def _pulses(
    iq: npt.NDArray[np.complex64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the first samples of the pulses and those after their last ones."""
    power = np.convolve(np.abs(iq) ** 2, np.full(_SMOOTH_SAMPLES, 1 / _SMOOTH_SAMPLES), "same")
    peak = float(np.quantile(power, _PEAK_SHARE))
    # hysteresis: on from one level, off below another, between them as before
    state = np.where(power > _ON_POWER * peak, 1, np.where(power < _OFF_POWER * peak, -1, 0))
    known = np.flatnonzero(state)
    if not known.size:
        return np.empty(0), np.empty(0)
    steps = np.flatnonzero(np.diff(state[known]))
    up = state[known][steps] < 0
    edges = known[steps + 1].astype(np.float64)
    rises, falls = edges[up], edges[~up]
    falls = falls[falls > rises[0]] if rises.size else falls
    count = min(rises.size, falls.size)
    return rises[:count], falls[:count]


def _two_valued(values: npt.NDArray[np.float64]) -> bool:
    """Tell whether there are two clusters or more, each sharp and of a fair share."""
    ordered = np.sort(values)
    apart = np.maximum(_APART * ordered[:-1], ordered[:-1] + _APART_SAMPLES)
    clusters = np.split(ordered, np.flatnonzero(ordered[1:] > apart) + 1)
    sharp = [
        cluster
        for cluster in clusters
        if cluster.size >= max(_LEAST_SHARE * values.size, _FEWEST_ALIKE)
        and np.std(cluster) <= max(_SPREAD * float(np.mean(cluster)), _SPREAD_SAMPLES)
    ]
    return len(sharp) > 1
