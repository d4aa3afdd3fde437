"""One dataset made like another: with its classes, with windows as long as its own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import LONGEST_WINDOW, Dataset, DatasetError, Float32, WindowSource
from hertzian.datasets.sampling import take_rows
from hertzian.signal import canonical


def of_classes(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return the windows of some modulations, which are numbered in the order of `names`.

    Args:
        dataset: its windows stay unread.
        names: canonical, or aliases of these.

    Raises:
        HertzianError: a name that is none of a modulation.
        DatasetError: none are named, one is named twice, or the dataset has no such class.
    """
    wanted = [canonical(name) for name in names]
    known = {canonical(name): number for number, name in enumerate(dataset.modulations)}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise DatasetError(f"no class {missing[0]!r}; these data have {', '.join(known)}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise DatasetError(f"expected one class or more, each once, found {', '.join(names)}")
    spellings = [canonical(name) for name in dataset.modulations]
    places = np.array([wanted.index(name) if name in wanted else -1 for name in spellings])
    labels = places[dataset.modulation]
    taken = take_rows(dataset, np.flatnonzero(labels >= 0))
    spelled = tuple(dataset.modulations[known[name]] for name in wanted)
    return replace(taken, modulation=labels[labels >= 0], modulations=spelled)


def draw_classes(dataset: Dataset, count: int, seed: int) -> Dataset:
    """Return the windows of at most `count` modulations, drawn at random where there are more.

    Xuan et al., Deep transfer clustering of radio signals, 2021, section II-A.

    Raises:
        DatasetError: fewer than one is asked for.
    """
    if count < 1:
        raise DatasetError(f"{count} classes are not possible; at least 1 is")
    names = dataset.modulations
    if len(names) <= count:
        return dataset
    drawn = np.random.default_rng([seed, count]).permutation(len(names))[:count]
    return of_classes(dataset, [names[number] for number in sorted(drawn)])


def of_length(dataset: Dataset, samples: int) -> Dataset:
    """Return windows of another length: repeated from their start, or every so many samples.

    As Xuan et al. 2021, section II-A, make auxiliary signals as long as those to be clustered:
    "abb" becomes "abbabbab", and what is longer is taken at equal intervals, which divides the
    sampling rate, and folds what lies beyond the new one.

    Args:
        dataset: its windows stay unread.
        samples: of a window.

    Raises:
        DatasetError: a length that windows can't have.
    """
    if not 1 <= samples <= LONGEST_WINDOW:
        raise DatasetError(f"windows of {samples} samples are not possible")
    length = dataset.x.shape[2]
    if length == samples:
        return dataset
    rate = dataset.sample_rate_hz * min(1.0, samples / length)
    return replace(dataset, x=_Resized(dataset.x, samples), sample_rate_hz=rate)


class _Resized:
    """Windows of another length, [n, 2, samples], of windows that stay where they are."""

    def __init__(self, windows: WindowSource, samples: int) -> None:
        self._windows = windows
        length = windows.shape[2]
        steps = np.arange(samples)
        self._places = steps % length if samples > length else steps * length // samples

    @property
    def shape(self) -> tuple[int, ...]:
        """Return [n, 2, samples]."""
        return (*self._windows.shape[:2], len(self._places))

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, rows: slice, /) -> Float32:
        """Read a slice."""
        return self._windows[rows][:, :, self._places]

    def rows(self, indices: npt.ArrayLike, /) -> Float32:
        """Read the windows at `indices`, in their order."""
        return self._windows.rows(indices)[:, :, self._places]
