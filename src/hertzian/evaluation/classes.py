"""Which column of a model stands for which label of a dataset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.signal import HertzianError, canonical


class EvaluationError(HertzianError):
    """A model and data that cannot be compared."""


@dataclass(frozen=True)
class Matching:
    """The classes that a model and a dataset are compared on.

    Attributes:
        classes: canonical names, in the dataset's order.
        columns: int [classes], the model's logit of each.
        labels: int [classes of the dataset], index into `classes` of each, -1 for one left out.
    """

    classes: tuple[str, ...]
    columns: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


def match_classes(
    model: Sequence[str],
    data: Sequence[str],
    *,
    common: bool = False,
    name: Callable[[str], str] = canonical,
) -> Matching:
    """Match two lists of class names by canonical name.

    Args:
        model: names of the model's logits.
        data: names of the dataset's labels.
        common: compare on the classes that both have, instead of refusing a difference.
        name: gives what two spellings of one class share; HertzianError for what is none.

    Raises:
        EvaluationError: a class that one side lacks (without `common`), fewer than two classes in
            common, or two names of one side that mean the same.
    """
    ours = _by_name(model, "model", common, name)
    theirs = _by_name(data, "data", common, name)
    if not common:
        _refuse_difference(ours, theirs)
    shared = tuple(each for each in theirs if each in ours)
    if len(shared) < 2:
        raise EvaluationError(
            f"model and data have {len(shared)} classes in common, but 2 are needed; "
            f"the model knows {', '.join(ours)}, the data {', '.join(theirs)}"
        )
    labels = np.full(len(data), -1, dtype=np.int64)
    for place, each in enumerate(shared):
        labels[theirs[each]] = place
    return Matching(shared, np.array([ours[each] for each in shared], dtype=np.int64), labels)


def _by_name(
    names: Sequence[str], side: str, common: bool, name_of: Callable[[str], str]
) -> dict[str, int]:
    """Return canonical name -> index; with `common`, names outside the table are left out."""
    found: dict[str, int] = {}
    for index, spelled in enumerate(names):
        try:
            name = name_of(spelled)
        except HertzianError as error:
            if common:
                continue
            raise EvaluationError(f"classes of the {side}: {error}") from None
        if name in found:
            raise EvaluationError(
                f"classes of the {side}: {names[found[name]]!r} and {spelled!r} are both {name}"
            )
        found[name] = index
    return found


def _refuse_difference(ours: dict[str, int], theirs: dict[str, int]) -> None:
    unknown = [name for name in theirs if name not in ours]
    absent = [name for name in ours if name not in theirs]
    if unknown or absent:
        parts = [
            f"{who} lacks {', '.join(names)}"
            for who, names in (("the model", unknown), ("the data", absent))
            if names
        ]
        raise EvaluationError(f"{'; '.join(parts)}; --common compares on the classes of both")
