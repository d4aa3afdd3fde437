"""What a receiver makes of a strong signal elsewhere in its band: images, harmonics, splatter."""

from collections.abc import Iterable

import numpy as np

from hertzian.detection.emissions import Emission
from hertzian.detection.frames import FRAME
from hertzian.detection.partners import come_and_go_together

_SHARED_TIME = 0.8
_GHOST_RATIO = 10.0
_AROUND = 2
_SPLATTER_RATIO = 5.0
_GHOST_CORRELATION = 0.7
_IMAGE_RATIO = 100.0
_BRIEF_SHARE = 0.5
_LIVELY = 0.15


def is_ghost(weak: Emission, strong: Emission) -> bool:
    """Tell whether a weak emission is an image, harmonic or splatter of a strong one.

    A receiver's products come and go with their cause: they are far weaker, lie within its time,
    and their power follows its power frame by frame (or stands at its mirror frequency). Power is
    that over the noise: a receiver's changing gain makes all that it hears rise and fall together.
    """
    if weak.plateau or strong.plateau or not _within(weak, strong):
        return False
    brief = weak.envelope.size < _BRIEF_SHARE * strong.envelope.size
    if brief and _overlaps(weak, strong) and weak.energy * _SPLATTER_RATIO < strong.energy:
        return True
    here, there = _powers(weak, strong)
    if here * _GHOST_RATIO > there:
        return False
    mirror = FRAME - sum(strong.band) / 2
    if here * _IMAGE_RATIO < there and abs(mirror - sum(weak.band) / 2) <= 2:
        return True
    return _follows(weak, strong)


def outshone(weak: Emission, others: Iterable[Emission]) -> bool:
    """Tell whether what others send meanwhile is so strong that a receiver may make this of it."""
    there = sum(_powers(weak, e)[1] for e in others if not e.plateau)
    return not weak.plateau and there >= _GHOST_RATIO * weak.energy


def _within(weak: Emission, strong: Emission) -> bool:
    """Tell whether most of one emission's time lies within the other's."""
    shared = min(weak.last, strong.last) - max(weak.first, strong.first) + 1
    return shared >= _SHARED_TIME * (weak.last - weak.first + 1)


def _powers(weak: Emission, strong: Emission) -> tuple[float, float]:
    """Return the energies of both in the frames that they share."""
    first, last = max(weak.first, strong.first), min(weak.last, strong.last)
    if last < first:
        return 0.0, 0.0
    here = weak.envelope[first - weak.first : last - weak.first + 1].sum()
    there = strong.envelope[first - strong.first : last - strong.first + 1].sum()
    return float(here), float(there)


def _overlaps(one: Emission, other: Emission) -> bool:
    (low, high), (below, above) = one.band, (other.extent[0], other.extent[1] + 1)
    return min(high, above) - max(low, below) > 0.5 * min(high - low, above - below)


def _follows(weak: Emission, strong: Emission) -> bool:
    # what is around counts too, but only where it was seen: not before the first frame, and after
    # the weak one's end only as long as the strong one goes on
    first = max(0, weak.first - _AROUND)
    last = max(weak.last, min(weak.last + _AROUND, strong.last))
    envelopes = np.zeros((2, last - first + 1))
    for row, part in zip(envelopes, (weak, strong), strict=True):
        begin, end = max(first, part.first), min(last, part.last)
        if end >= begin:
            own = slice(begin - part.first, end - part.first + 1)
            level = np.where(part.floor[own] > 0, part.floor[own], np.inf)
            row[begin - first : end - first + 1] = part.envelope[own] / level
    rooted = np.sqrt(envelopes)
    # beside a steady signal, whatever changes would seem to follow what little it does
    if np.std(rooted[1]) < _LIVELY * np.mean(rooted[1]):
        return come_and_go_together(weak, strong)
    rooted -= rooted.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.prod(np.sum(rooted**2, axis=1)))
    return bool(norm > 0 and np.sum(rooted[0] * rooted[1]) / norm > _GHOST_CORRELATION)
