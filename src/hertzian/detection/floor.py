"""The noise floor of a slab of frames, robust to the signals in it.

Two factors: a shape over frequency (low quantile over time, smoothed over bins, bins under a
continuous signal replaced by the level of the quiet ones) and a level over time (low quantile over
quiet bins, median-filtered over frames so that bursts pass and gain steps stay). The quantile of
exponentially distributed noise power at share q is -ln(1 - q) times its mean, which is how both are
turned into means.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hertzian.detection.frames import Power

_TIME_SHARE = 0.25
_FREQUENCY_SHARE = 0.10
_BASE_SHARE = 0.05
_SMOOTH_BINS = 31
_CONTINUOUS_RATIO = 4.0
_LEVEL_FRAMES = 15
_LEVEL_BIAS = 0.925
_LEVEL_LIMIT = 10.0
_SILENT = 1e-9
_NOISELESS = 1e-12
_PLATEAU_SHARE = 0.6
_PLATEAU_BASE_SHARE = 0.25
_DC_BINS = 2
_DC_MARGIN = 3.0

Floor = npt.NDArray[np.float32]


def _exponential_quantile(share: float) -> float:
    return float(-np.log1p(-share))


def _quantile(values: Power, share: float, axis: int) -> Power:
    count = values.shape[axis]
    rank = min(count - 1, int(share * count))
    # partitioning is several times as fast along memory as across it
    rows = np.array(np.moveaxis(values, axis, -1), order="C")
    rows.partition(rank, axis=-1)
    return np.asarray(rows[..., rank])


def _order_mean(share: float, count: int) -> float:
    """Return the mean of the order statistic that `_quantile` picks, for unit exponentials."""
    rank = min(count - 1, int(share * count))
    return float(np.sum(1.0 / np.arange(count - rank, count + 1)))


@dataclass(frozen=True)
class NoiseFloor:
    """The noise power density under a slab, float32 [frames, FRAME].

    Attributes:
        density: the floor that signals stand on.
        under_plateau: where one plateau fills most of the band, the floor that it stands on: the
            plateau may be a signal as wide as the band, or the noise that a receiver's filter
            passes, and power alone can't tell. None where there is no such plateau.
    """

    density: Floor
    under_plateau: Floor | None


def _shape(active: Power) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the smoothed power per bin over the slab, and which bins are at its lowest level."""
    low = _quantile(active, _TIME_SHARE, axis=0) / _order_mean(_TIME_SHARE, active.shape[0])
    smooth = ndimage.median_filter(low.astype(np.float32), size=_SMOOTH_BINS, mode="nearest")
    # samples without noise leave bins of exact zeros, and others of rounding errors
    smooth = np.maximum(smooth, _NOISELESS * active.mean())
    base = float(np.quantile(smooth, _BASE_SHARE))
    return smooth, smooth <= _CONTINUOUS_RATIO * base


def _bridged(
    smooth: npt.NDArray[np.float32], quiet: npt.NDArray[np.bool_], over: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return the shape with the median of the quiet bins where a signal stands over them."""
    return np.where(over, np.median(smooth[quiet]), smooth)


def noise_floor(power: Power) -> NoiseFloor:
    """Estimate the floor under float32 [frames, FRAME], in the same unit.

    Frames of silence (exact zeros, as gated captures have them) tell nothing of the noise: they get
    an infinite floor, and so does everything when no frame holds power.
    """
    total = power.mean(axis=1)
    sounding = total > _SILENT * max(float(total.max(initial=0.0)), 1e-30)
    if not sounding.any():
        return NoiseFloor(np.full(power.shape, np.inf, dtype=np.float32), None)
    # copies of whole slabs would cost as much as the estimate itself
    active = power if sounding.all() else power[sounding]
    smooth, quiet = _shape(active)
    lower = _over_time(active, _bridged(smooth, quiet, ~quiet), quiet, sounding)
    if quiet.mean() > 1 - _PLATEAU_SHARE:
        return NoiseFloor(lower, None)
    # the plateau has signals of its own that never pause
    base = float(np.quantile(smooth[~quiet], _PLATEAU_BASE_SHARE))
    over = smooth > _CONTINUOUS_RATIO * base
    level = ~quiet & ~over
    upper = _over_time(active, _bridged(smooth, level, over), level, sounding)
    return NoiseFloor(upper, lower)


def _over_time(
    active: Power,
    shape: npt.NDArray[np.float32],
    judged: npt.NDArray[np.bool_],
    sounding: npt.NDArray[np.bool_],
) -> Floor:
    """Return a shape over frequency times the level that the judged bins have in each frame."""
    relative = active / shape if judged.all() else active[:, judged] / shape[judged]
    level = _quantile(relative, _FREQUENCY_SHARE, axis=1)
    level = level / _exponential_quantile(_FREQUENCY_SHARE)
    # mirrored: repeated outwards, a frame half of silence would be the level of all near the edge
    level = ndimage.percentile_filter(level, 25, size=_LEVEL_FRAMES, mode="mirror")
    level = level / _LEVEL_BIAS
    level = np.minimum(level, _LEVEL_LIMIT * np.quantile(level, _TIME_SHARE))
    heard = np.maximum(level[:, None] * shape[None, :], 1e-30).astype(np.float32, copy=False)
    floor: Floor = heard
    if not sounding.all():
        floor = np.full((sounding.size, shape.size), np.inf, dtype=np.float32)
        floor[sounding] = heard
    _raise_at_dc(floor, active)
    return floor


def _raise_at_dc(floor: Floor, active: Power) -> None:
    """Count a line at 0 Hz that never goes away, a receiver's offset, as floor."""
    centre = floor.shape[1] // 2
    bins = slice(centre - _DC_BINS, centre + _DC_BINS + 1)
    steady = _DC_MARGIN * _quantile(active[:, bins], _TIME_SHARE, axis=0)
    floor[:, bins] = np.maximum(floor[:, bins], steady)


def excess(power: Power, floor: Floor) -> Power:
    """Return power over floor; what the raised floor hides at 0 Hz is bridged from beside it."""
    ratio = np.divide(power, floor, dtype=np.float32)
    centre = ratio.shape[1] // 2
    left, right = centre - _DC_BINS - 1, centre + _DC_BINS + 1
    bridge = np.minimum(ratio[:, left], ratio[:, right])[:, None]
    ratio[:, left + 1 : right] = np.maximum(ratio[:, left + 1 : right], bridge)
    return ratio


def without_dc(floor: Floor) -> Floor:
    """Return the floor of the noise alone: at 0 Hz, where it was raised, the level beside."""
    centre = floor.shape[1] // 2
    left, right = centre - _DC_BINS - 1, centre + _DC_BINS + 1
    noise = floor.copy()
    noise[:, left + 1 : right] = np.minimum(floor[:, left], floor[:, right])[:, None]
    return noise
