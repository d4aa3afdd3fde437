"""Windows that share samples: exact duplicates, and runs shared at any shift.

Every position of a window has a hash of the ratios between the seven samples that begin there,
which no complex scale factor changes. A part of the positions, chosen by the hash itself as in
winnowing (Schleimer, Wilkerson and Aiken, Winnowing: local algorithms for document fingerprinting,
2003), is sorted; windows with a hash in common are compared sample by sample over all that they
would share at that shift, up to a complex factor.

Copies have to agree to float32's precision: windows that were scaled and then rounded to fewer bits
one by one, as float16 does, are no copies of each other any more.

Signals without noise repeat themselves rightly, and are not taken for copies:

- Positions where all ratios are equal count for nothing: silence, constants, bare carriers.
- A hash that stands in one window twice counts for nothing: periodic signals.
- Windows that agree for a few samples but not over the whole shared run, more often than they agree
  over it, hold patterns of a small alphabet; their overlaps are not judged.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.datasets.assignment import mixed
from hertzian.datasets.strata import Advance, Complex64, Int64

SHORTEST_RUN = 16
"""Shared samples below which windows are not compared."""

MOST_WINDOWS = 1 << 18
MOST_SAMPLES = 1 << 25
"""What one search takes; callers with more draw a sample."""

_RATIOS = 6
# 1 / 8192 of an octave and 1 / 65536 of a turn: far above float32's rounding, far below noise
_STEPS_PER_OCTAVE = 8192.0
_STEPS_PER_TURN = 65536
_KEPT = 32  # positions of a window that are sorted, on average
_NEIGHBOURS = 7  # windows after it in the file with the same hash that a window is compared with
_CANDIDATES = 8  # comparisons for each window, on average, at most
_TOLERANCE = 1e-10  # of the energy; float32's rounding leaves 1e-14
_BATCH_SAMPLES = 1 << 20
_HASHING = 0.6  # share of the time

UInt64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Overlaps:
    """Pairs of windows that share samples.

    Attributes:
        first, second: int64 [pairs], places in what was searched; first < second.
        shared: int64 [pairs], samples in common; all of a window's are a duplicate's.
        bare: bool [n], windows that hold nothing to compare: silence, a constant, a bare carrier,
            not finite.
        recurring: bool [n], windows that repeat themselves or others without noise, so that their
            overlaps cannot be judged; their duplicates are.
    """

    first: Int64
    second: Int64
    shared: Int64
    bare: Bool
    recurring: Bool


def find_overlaps(x: Complex64, advance: Advance | None = None) -> Overlaps:
    """Find the windows that share `SHORTEST_RUN` samples or more at any shift.

    Of windows of 128, runs of 64 are found with a probability of 1 - 1e-6, runs of 32 with 0.999
    and runs of 16 with 0.9; of longer windows, the same shares. Where more than eight windows
    share a run, each is compared with the seven after it.

    Args:
        x: complex64 [n, samples], n up to `MOST_WINDOWS`; each window at any scale and phase.
        advance: called with the share of the work done since the last call.
    """
    count, samples = x.shape
    tell = advance or (lambda share: None)
    hashes, windows, places, bare = _kept(x, tell)
    order = np.argsort(hashes, kind="stable")
    hashes, windows, places = hashes[order], windows[order], places[order]
    # the sort was stable: equal hashes of one window are neighbours
    twice = (hashes[1:] == hashes[:-1]) & (windows[1:] == windows[:-1])
    single = ~(np.append(twice, False) | np.insert(twice, 0, False))[: len(hashes)]
    had = np.bincount(windows, minlength=count)
    left = np.bincount(windows[single], minlength=count)
    candidates = _candidates(hashes[single], windows[single], places[single], count, samples)
    first, second, shift = candidates
    agree = _agree(x, first, second, shift, tell)
    passed = np.bincount(first[agree], minlength=count)
    passed += np.bincount(second[agree], minlength=count)
    failed = np.bincount(first[~agree], minlength=count)
    failed += np.bincount(second[~agree], minlength=count)
    recurring = (failed > passed) | ((had > 0) & (left == 0))
    first, second, shift = first[agree], second[agree], shift[agree]
    judged = (shift == 0) | ~(recurring[first] | recurring[second])
    first, second, shared = first[judged], second[judged], samples - np.abs(shift[judged])
    return Overlaps(first, second, shared, bare, recurring & ~bare)


def _kept(x: Complex64, tell: Advance) -> tuple[UInt64, Int64, Int64, Bool]:
    """Return the kept hashes with their windows and places, and which windows have none at all."""
    count, samples = x.shape
    bare = np.ones(count, np.bool_)
    found: list[tuple[UInt64, Int64, Int64]] = []
    if samples <= SHORTEST_RUN:
        tell(_HASHING)
        return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), ~bare
    chance = min(1.0, _KEPT / (samples - _RATIOS))
    limit = np.uint64(min(chance * 2.0**64, 2.0**64 - 2048))
    size = max(1, _BATCH_SAMPLES // samples)
    for start in range(0, count, size):
        hashes, valid = _hashes(x[start : start + size])
        bare[start : start + size] = ~valid.any(axis=1)
        window, place = np.nonzero(valid & (hashes < limit))
        found.append((hashes[window, place], window + start, place))
        tell(_HASHING * len(hashes) / count)
    if not found:
        return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), bare
    kept = [np.concatenate(column) for column in zip(*found, strict=True)]
    return kept[0], kept[1], kept[2], bare


def _hashes(x: Complex64) -> tuple[UInt64, Bool]:
    """Return the hash at each position, [n, samples - 6], and whether it says anything."""
    scale = np.sqrt(np.mean(x.real**2 + x.imag**2, axis=1, keepdims=True, dtype=np.float64))
    with np.errstate(all="ignore"):
        x = (x / scale).astype(np.complex64)
        level = 0.5 * np.log2(x.real**2 + x.imag**2)
        octaves = np.diff(level, axis=1)
        turns = np.angle(x[:, 1:] * np.conj(x[:, :-1]))
        fit = np.isfinite(octaves) & np.isfinite(turns)
        amplitude = np.rint(np.where(fit, octaves, 0) * _STEPS_PER_OCTAVE).astype(np.int64)
    steps = np.rint(np.where(fit, turns, 0) * (_STEPS_PER_TURN / (2 * np.pi))).astype(np.int64)
    ratios = mixed(amplitude * _STEPS_PER_TURN + steps % _STEPS_PER_TURN, 0)
    length = ratios.shape[1] - _RATIOS + 1
    total = np.zeros((len(x), length), np.uint64)
    valid = np.ones((len(x), length), np.bool_)
    equal = np.ones((len(x), length), np.bool_)
    for step in range(_RATIOS):
        part = ratios[:, step : step + length]
        total = total * np.uint64(0x9E3779B97F4A7C15) + part
        valid &= fit[:, step : step + length]
        equal &= part == ratios[:, :length]
    return mixed(total.view(np.int64), 1), valid & ~equal


def _candidates(
    hashes: UInt64, windows: Int64, places: Int64, count: int, samples: int
) -> tuple[Int64, Int64, Int64]:
    """Return pairs of windows with a hash in common, first < second, and their shift.

    Sample t + shift of the first is sample t of the second.
    """
    keys = np.empty(0, np.int64)
    for step in range(1, _NEIGHBOURS + 1):
        same = np.flatnonzero(hashes[step:] == hashes[:-step])
        if not len(same):
            break
        shift = places[same] - places[same + step]
        far = samples - np.abs(shift) >= SHORTEST_RUN
        same, shift = same[far], shift[far]
        pair = windows[same] * count + windows[same + step]
        keys = np.union1d(keys, pair * (2 * samples) + shift + samples)
    if len(keys) > _CANDIDATES * count:
        # only signals without noise agree so often; a part of the pairs tells as much
        keys = keys[np.argsort(mixed(keys, 2))[: _CANDIDATES * count]]
    pair, shift = divmod(keys, 2 * samples)
    first, second = divmod(pair, count)
    return first, second, shift - samples


def _agree(x: Complex64, first: Int64, second: Int64, shift: Int64, tell: Advance) -> Bool:
    """Tell which pairs are equal up to a complex factor over all that they share."""
    samples = x.shape[1]
    agree = np.zeros(len(first), np.bool_)
    time = np.arange(samples)
    size = max(1, _BATCH_SAMPLES // samples)
    for start in range(0, len(first), size):
        some = slice(start, start + size)
        moved = time + shift[some, None]
        inside = (moved >= 0) & (moved < samples)
        a = x[first[some, None], np.clip(moved, 0, samples - 1)] * inside
        b = x[second[some]] * inside
        with np.errstate(all="ignore"):
            energy = np.sum(np.abs(b) ** 2, axis=1)
            factor = np.sum(np.conj(b) * a, axis=1) / energy
            rest = np.sum(np.abs(a - factor[:, None] * b) ** 2, axis=1)
            agree[some] = rest <= _TOLERANCE * np.sum(np.abs(a) ** 2, axis=1)
        agree[some] &= energy > 0
        tell((1 - _HASHING) * len(a) / len(first))
    if not len(first):
        tell(1 - _HASHING)
    return agree
