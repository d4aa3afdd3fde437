"""What was done to the samples of windows: their scale, clipping and quantisation."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.datasets.strata import Complex64

_ALIKE = 1e-3  # relative spread of a measure that normalisation made equal
_WINDOWS = 2000  # looked at for clipping and quantisation
_AT_PEAK = 4  # values of exactly the largest magnitude
_FEWEST_VALUES = 8  # with fewer, any values lie on a grid
_OFF_GRID = 0.05  # of a step
_MOST_LEVELS = 1024  # float32 hides finer grids once windows are scaled

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Energy:
    """The root mean square of windows.

    Attributes:
        median, smallest, largest: over windows that are finite and not silent; None without any.
        silent: windows of nothing but zeros.
        not_finite: windows with a value that is not finite.
        normalisation: what is equal in all windows: energy, sum of magnitudes, peak or nothing.
    """

    median: float | None
    smallest: float | None
    largest: float | None
    silent: int
    not_finite: int
    normalisation: str


@dataclass(frozen=True)
class Steps:
    """Clipping and quantisation.

    Attributes:
        looked_at: windows.
        clipped: share with several I or Q values at exactly the largest magnitude.
        quantised: share whose I and Q values lie on a grid of up to 1024 levels.
        levels: of that grid within a window's range, the median; None without any.
    """

    looked_at: int
    clipped: float
    quantised: float
    levels: int | None


def energy(x: Complex64) -> Energy:
    """Measure the energy of windows, complex64 [n, samples]."""
    with np.errstate(all="ignore"):
        rms = np.sqrt(np.mean(np.abs(x).astype(np.float64) ** 2, axis=1))
    finite = np.isfinite(rms)
    good = finite & (rms > 0)
    if not good.any():
        silent = int(np.sum(finite))
        return Energy(None, None, None, silent, int(np.sum(~finite)), "nothing")
    heard = rms[good]
    return Energy(
        median=float(np.median(heard)),
        smallest=float(heard.min()),
        largest=float(heard.max()),
        silent=int(np.sum(finite & ~good)),
        not_finite=int(np.sum(~finite)),
        normalisation=_normalisation(x[good], heard),
    )


def steps(x: Complex64, seed: int) -> Steps:
    """Look for clipping and quantisation in up to 2000 windows, complex64 [n, samples]."""
    random = np.random.default_rng(seed)
    some = np.sort(random.permutation(len(x))[:_WINDOWS])
    values = np.concatenate([x[some].real, x[some].imag], axis=1).astype(np.float64)
    values = np.sort(values[np.isfinite(values).all(axis=1)], axis=1)
    if not len(values):
        return Steps(0, 0.0, 0.0, None)
    gaps = np.diff(values, axis=1)
    distinct = np.sum(gaps > 0, axis=1) + 1
    magnitude = np.abs(values)
    at_peak = np.sum(magnitude == magnitude.max(axis=1, keepdims=True), axis=1)
    clipped = (at_peak >= _AT_PEAK) & (distinct >= values.shape[1] / 4)

    span = values[:, -1] - values[:, 0]
    step = np.where(gaps > 0, gaps, np.inf).min(axis=1)
    with np.errstate(all="ignore"):
        count = np.rint(span / step)
        place = (values - values[:, :1]) / (span / count)[:, None]
        off = np.abs(place - np.rint(place)).max(axis=1)
    on_grid = (off < _OFF_GRID) & (distinct >= _FEWEST_VALUES) & (count < _MOST_LEVELS)
    levels = int(np.median(count[on_grid])) + 1 if on_grid.any() else None
    return Steps(len(values), float(clipped.mean()), float(on_grid.mean()), levels)


def _normalisation(x: Complex64, rms: Float64) -> str:
    magnitude = np.abs(x)
    measures = {
        "energy": rms,
        "sum of magnitudes": magnitude.sum(axis=1, dtype=np.float64),
        "peak": magnitude.max(axis=1),
        "largest I or Q": np.maximum(np.abs(x.real), np.abs(x.imag)).max(axis=1),
    }
    for name, measure in measures.items():
        if len(measure) > 1 and np.std(measure) < _ALIKE * np.mean(measure):
            return name
    return "nothing"
