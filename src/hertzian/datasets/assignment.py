"""Which group of windows goes to which part of a split."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.datasets.strata import Cells, Int64

NOWHERE = 255
"""The part of what is in none."""

UInt8 = npt.NDArray[np.uint8]
UInt64 = npt.NDArray[np.uint64]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def assign(
    cells: Cells, rows: Int64, group: Int64, groups: int, shares: Float64, seed: int
) -> UInt8:
    """Return the part of each group, uint8 [groups].

    Args:
        cells: of the dataset.
        rows: the windows to share out.
        group: the group of each of them, 0 to groups - 1.
        groups: how many there are.
        shares: of the parts; they sum to 1.
        seed: of the order of groups that are interchangeable.
    """
    if not groups:
        return np.empty(0, np.uint8)
    pairs, count = np.unique(group * len(cells) + cells.index[rows], return_counts=True)
    owner, cell = divmod(pairs, len(cells))
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    profile = np.add.reduceat(mixed(mixed(cell, 1) ^ count.astype(np.uint64), 2), starts)
    kind = np.unique(profile, return_inverse=True)[1]
    order = np.lexsort((mixed(np.arange(groups), seed + 3), kind))

    size = np.bincount(kind)
    rank = np.arange(groups) - np.repeat(np.cumsum(size) - size, size)
    whole = np.floor(size[:, None] * shares + 1e-9)
    whole[whole.min(axis=1) < 1] = 0  # too few to give each part one: left to the rest
    limits = np.cumsum(whole, axis=1)[kind[order]]
    part = np.full(groups, NOWHERE, np.uint8)
    part[order] = (rank[:, None] >= limits).sum(axis=1)
    part[part == len(shares)] = NOWHERE

    _place_rest(part, owner, cell, count, starts, cells, shares, mixed(np.arange(groups), seed))
    return part


def _place_rest(
    part: UInt8,
    owner: Int64,
    cell: Int64,
    count: Int64,
    starts: Int64,
    cells: Cells,
    shares: Float64,
    key: UInt64,
) -> None:
    """Give each group that is in no part yet, larger ones first, the part that lacks it most."""
    class_of = cells.class_of[cell]
    done = part[owner] != NOWHERE
    lacks = _lacking(cell, count, part[owner], done, len(cells), shares)
    lacks_class = _lacking(class_of, count, part[owner], done, len(cells.names), shares)
    total = np.bincount(cell, count, minlength=len(cells))
    overall = lacks.sum(axis=0)
    present = np.zeros((len(cells.names), len(shares)), np.bool_)
    present[class_of[done], part[owner[done]]] = True

    ends = np.append(starts[1:], len(owner))
    waiting = np.flatnonzero(part == NOWHERE)
    sizes = np.add.reduceat(count, starts)
    waiting = waiting[np.lexsort((key[waiting], -sizes[waiting]))]
    # in groups, not cells: a group may hold a class at many SNRs
    pending = np.unique(owner[~done] * len(cells.names) + class_of[~done]) % len(cells.names)
    to_come = np.bincount(pending, minlength=len(cells.names))
    weight = count * total[total > 0].mean() / total[cell]
    for group in waiting.tolist():
        own = slice(starts[group], ends[group])
        classes = class_of[own]
        score = weight[own] @ lacks[cell[own]] + count[own] @ (lacks_class[classes] + overall)
        held = np.unique(classes)
        missing = ~present[held]
        urgent = (to_come[held] <= missing.sum(axis=1)) & missing.any(axis=1)
        if urgent.any():
            score[missing[urgent].sum(axis=0) < missing[urgent].sum(axis=0).max()] = -np.inf
        best = int(score.argmax())
        part[group] = best
        lacks[cell[own], best] -= count[own]
        np.subtract.at(lacks_class[:, best], classes, count[own])
        overall[best] -= sizes[group]
        present[classes, best] = True
        to_come[held] -= 1


def _lacking(
    stratum: Int64, count: Int64, part: UInt8, done: Bool, strata: int, shares: Float64
) -> Float64:
    """Return the windows that each part still lacks of each stratum, [strata, parts]."""
    places = stratum[done] * len(shares) + part[done]
    held = np.bincount(places, count[done], minlength=strata * len(shares))
    total = np.bincount(stratum, count, minlength=strata)
    lacks: Float64 = np.outer(total, shares) - held.reshape(strata, len(shares))
    return lacks


def mixed(values: npt.NDArray[np.integer[Any]], seed: int) -> UInt64:
    """Scatter 64-bit numbers with the finaliser of SplitMix64 (Steele et al., 2014): a bijection.

    NumPy's own generators may change from version to version; this does not.
    """
    offset = np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % (1 << 64))
    x = values.astype(np.uint64) + offset
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scattered: UInt64 = x ^ (x >> np.uint64(31))
    return scattered
