"""Class names as other files spell them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hertzian.datasets.dataset import DatasetError, Int64
from hertzian.signal import HertzianError, canonical


def plain(name: str) -> str:
    """Return a name without regard to case, spaces and punctuation: `AM-DSB` is `amdsb`."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def places(
    path: str | Path, form: str, names: Sequence[str], used: Int64, known: Sequence[str]
) -> Int64:
    """Return where each name stands among those that a format knows, int64 [names].

    Equal spellings count first, then equal canonical names. A name that no example has is -1 where
    the format does not know it.

    Args:
        path: the file to write, for messages.
        form: the format, for messages.
        names: class names of a dataset.
        used: its labels.
        known: class names of the format.

    Raises:
        DatasetError: the name of an example is not among them, or two are the same class.
    """
    exact = {name: place for place, name in enumerate(known)}
    alike = {_canonical(name): place for name, place in exact.items()}
    found = [exact.get(name, alike.get(_canonical(name), -1)) for name in names]
    needed = np.unique(used).tolist()
    strange = [names[label] for label in needed if found[label] < 0]
    if strange:
        raise DatasetError(
            f"{path}: {form} has no place for the class {strange[0]}; it knows {', '.join(known)}"
        )
    if len({found[label] for label in needed}) < len(needed):
        raise DatasetError(f"{path}: two of {', '.join(names)} are the same class in {form}")
    return np.asarray(found, dtype=np.int64)


def _canonical(name: str) -> str:
    try:
        return canonical(name)
    except HertzianError:
        return name
