"""Class names as other files spell them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hertzian.datasets.dataset import DatasetError, Int64
from hertzian.signal import HertzianError, canonical


def plain(name: str) -> str:
    """Return a name without regard to case, spaces and punctuation: `AM-DSB` is `amdsb`."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def places(path: str | Path, form: str, names: Sequence[str], known: Sequence[str]) -> Int64:
    """Return where each name stands among those that a format knows, int64 [names].

    Equal spellings count first, then equal canonical names.

    Raises:
        DatasetError: a name is not among them, or two are the same class.
    """
    exact = {name: place for place, name in enumerate(known)}
    alike = {_canonical(name): place for name, place in exact.items()}
    found = [exact.get(name, alike.get(_canonical(name), -1)) for name in names]
    for name, place in zip(names, found, strict=True):
        if place < 0:
            raise DatasetError(
                f"{path}: {form} has no place for the class {name}; it knows {', '.join(known)}"
            )
    if len(set(found)) < len(found):
        raise DatasetError(f"{path}: two of {', '.join(names)} are the same class in {form}")
    return np.asarray(found, dtype=np.int64)


def _canonical(name: str) -> str:
    try:
        return canonical(name)
    except HertzianError:
        return name
