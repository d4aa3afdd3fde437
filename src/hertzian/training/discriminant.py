"""Gaussians of the features of classes: how well a window fits any of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hertzian.signal import HertzianError

_TINY = 1e-9
_BATCH = 4096

Rows = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]


class ClassGaussians:
    """A Gaussian for each class at each level, such as an SNR, by regularised covariances.

    After Friedman, Regularized discriminant analysis, 1989, eq. 16 to 18: a covariance is mixed
    with the mean of all of them (his lambda, with equal weights here) and then with the unit matrix
    (his gamma, whose matrix has each covariance's own mean variance; here features are in units of
    their mean deviation within classes).

    Args:
        features: [n, length], finite.
        labels: [n], below `classes`.
        levels: [n]; NaN is a level too.
        classes: their number; one without windows fits nothing.
        pooled: the share of the mean covariance, 0..1.
        shrunk: the share of the unit matrix, 0..1.

    Raises:
        HertzianError: they don't belong together, aren't finite, there are none, or a share is
            outside 0..1.
    """

    def __init__(
        self,
        features: Rows,
        labels: npt.NDArray[np.integer[Any]],
        levels: Rows,
        classes: int,
        *,
        pooled: float,
        shrunk: float,
    ) -> None:
        if features.ndim != 2 or not len(features) == len(labels) == len(levels) > 0:
            raise HertzianError(
                f"expected features [n, length] with a label and a level each, found "
                f"{list(features.shape)}, {list(labels.shape)} and {list(levels.shape)}"
            )
        if not np.isfinite(features).all() or not 0 <= labels.min() <= labels.max() < classes:
            raise HertzianError(f"expected finite features and labels below {classes}")
        if not (0 <= pooled <= 1 and 0 <= shrunk <= 1):
            raise HertzianError(f"pooled and shrunk are shares of 0 to 1, not {pooled}, {shrunk}")
        numbers = np.unique(levels, return_inverse=True)[1]
        cells = np.unique(np.stack([labels, numbers], axis=1), axis=0)
        rows = [features[(labels == one) & (numbers == level)] for one, level in cells]
        self._labels, self._classes = cells[:, 0].astype(np.int64), classes
        deviation = np.sqrt(np.mean([part.var(axis=0, dtype=np.float64) for part in rows], axis=0))
        # what never varies within a class tells nothing here, wherever a window has it
        self._units: Doubles = np.where(deviation > _TINY, deviation, np.inf)
        scaled = [part.astype(np.float64) / self._units for part in rows]
        self._means: Doubles = np.stack([part.mean(axis=0) for part in scaled])
        with threadpool_limits(1):
            self._fit(scaled, pooled, shrunk)

    def _fit(self, scaled: list[Doubles], pooled: float, shrunk: float) -> None:
        own = [np.cov(part.T, bias=True).reshape(len(self._units), -1) for part in scaled]
        mean, unit = np.mean(own, axis=0), np.eye(len(self._units))
        whitening, offsets = [], []
        for covariance in own:
            mixed = (1 - pooled) * covariance + pooled * mean
            values, axes = np.linalg.eigh((1 - shrunk) * mixed + shrunk * unit)
            values = values.clip(min=_TINY)
            whitening.append(axes / np.sqrt(values))
            offsets.append(-0.5 * np.log(values).sum())
        self._whitening: Doubles = np.stack(whitening)
        self._offsets: Doubles = np.array(offsets)

    def log_density(self, features: Rows) -> Doubles:
        """Return of each row the largest log density of any class at any level, [n]."""
        densities: Doubles = self.log_densities(features).max(axis=1)
        return densities

    def log_densities(self, features: Rows) -> Doubles:
        """Return of each row the largest log density of each class at any level, [n, classes].

        That of a class without windows is minus infinity. The constant of a Gaussian, half of
        length * log(2 pi), is left out.
        """
        parts = [features[at : at + _BATCH] for at in range(0, max(len(features), 1), _BATCH)]
        with threadpool_limits(1):
            return np.concatenate([self._best(part / self._units) for part in parts])

    def _best(self, scaled: Doubles) -> Doubles:
        best = np.full((len(scaled), self._classes), -np.inf)
        cells = zip(self._labels, self._means, self._whitening, self._offsets, strict=True)
        for label, mean, whitening, offset in cells:
            distance = np.square((scaled - mean) @ whitening).sum(axis=1)
            np.maximum(best[:, label], offset - 0.5 * distance, out=best[:, label])
        return best
