"""A split of labelled recordings: whole recordings, and every label in every part."""

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np

from hertzian.datasets.assignment import assign
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.labelled import few_of
from hertzian.datasets.strata import Cells

_ATTEMPTS = 200


def split_recordings(
    labels: Sequence[Mapping[str, int]],
    groups: Sequence[str],
    names: Sequence[str],
    fractions: Mapping[str, float],
    seed: int,
) -> list[str]:
    """Return the part of each recording: each label as near to its fractions as groups allow.

    Whole groups go to parts as in `splits.split`, in the first of the orders drawn from the seed
    that gives every part every label.

    Args:
        labels: of each recording, how many signals it has of each label.
        groups: of each recording; those of one group come into one part.
        names: of the recordings, for messages.
        fractions: part -> share; they sum to 1.
        seed: of the order.

    Raises:
        DatasetError: a label is in fewer groups than there are parts, or no split was found that
            gives every part every label.
    """
    known = sorted({label for counts in labels for label in counts})
    place = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    _check_enough(known, labels, groups, names, tuple(fractions))
    pairs = [
        (known.index(label), place[group])
        for counts, group in zip(labels, groups, strict=True)
        for label, count in counts.items()
        for _ in range(count)
    ]
    index, group = (np.asarray(column, np.int64) for column in zip(*pairs, strict=True))
    cells = Cells(
        index=index,
        class_of=np.arange(len(known), dtype=np.int64),
        snr_db=np.full(len(known), np.nan),
        names=tuple(known),
    )
    rows = np.arange(len(index), dtype=np.int64)
    shares = np.asarray(list(fractions.values()), np.float64)
    for attempt in range(_ATTEMPTS):
        part = assign(cells, rows, group, len(place), shares, seed + attempt)
        held = np.zeros((len(known), len(shares)), np.bool_)
        held[index, part[group]] = True
        if held.all():
            parts = list(fractions)
            return [parts[part[place[own]]] for own in groups]
    label = known[int(held.sum(axis=1).argmin())]
    raise DatasetError(
        f"no split by recording was found in which every part has every label; {label} is in too "
        f"few: record more of it, or leave it out with --set 'stages.data.leave_out=[{label}]'"
    )


def _check_enough(
    known: Sequence[str],
    labels: Sequence[Mapping[str, int]],
    groups: Sequence[str],
    names: Sequence[str],
    parts: tuple[str, ...],
) -> None:
    poor: dict[str, str] = {}
    for label in known:
        own = [place for place, counts in enumerate(labels) if label in counts]
        distinct = len({groups[place] for place in own})
        if distinct < len(parts):
            alike = f", {distinct} of their own" if distinct < len(own) else ""
            poor[label] = f"{label} ({len(own)}{alike}: {few_of([names[p] for p in own])})"
    if poor:
        raise DatasetError(
            f"too few recordings of {'; '.join(poor.values())}: {len(parts)} or more are needed of "
            f"each label, one for each part ({', '.join(parts)}); record more, or leave out what "
            f"is rare with --set 'stages.data.leave_out=[{', '.join(poor)}]'"
        )


def split_digest(names: Sequence[str], groups: Sequence[str], parts: Sequence[str]) -> str:
    """Return SHA-256, in hex, over which recording, of which group, is in which part."""
    rows = sorted(zip(names, groups, parts, strict=True))
    return hashlib.sha256(json.dumps(rows, ensure_ascii=True).encode()).hexdigest()
