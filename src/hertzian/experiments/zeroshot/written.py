"""Modulations that a user describes in YAML, by name.

    12-APSK:
      rings:
        - {points: 4, radius: 1, turn: 0.125}
        - {points: 8, radius: 2.4, turn: 0.0625}

Instead of `rings` an entry has `points` ([[I, Q], ...]), `levels` (amplitudes on I) or `grid`
(points along I and along Q). `offset: true` says that Q comes half a symbol after I, and
`alternating: true` that points of odd and of even places in the list are sent by turns.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from hertzian.experiments.stages import ExperimentError
from hertzian.experiments.yaml_values import parse_yaml
from hertzian.report.text import printable
from hertzian.signal import Alphabet, HertzianError, canonical
from hertzian.signal.constellations import Symbols

UNKNOWN = "unknown"
"""What windows are called that fit nothing."""

_MOST_POINTS = 4096
_MOST_ENTRIES = 100
_LARGEST_FILE = 1 << 20
_LONGEST_PLACE = 200
_FORMS = ("points", "rings", "levels", "grid")

Count = Annotated[int, Field(ge=1, le=_MOST_POINTS)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Ring(_Strict):
    """Points at equal angles, the first at `turn` of a full turn from the I axis."""

    points: Count
    radius: float = Field(gt=0)
    turn: float = Field(default=0.0, ge=-1, le=1)


class Written(_Strict):
    """One modulation; see the module."""

    points: list[tuple[float, float]] | None = Field(default=None, max_length=_MOST_POINTS)
    rings: list[Ring] | None = Field(default=None, min_length=1, max_length=_MOST_POINTS)
    levels: list[float] | None = Field(default=None, max_length=_MOST_POINTS)
    grid: tuple[Count, Count] | None = None
    offset: bool = False
    alternating: bool = False

    @model_validator(mode="after")
    def _one_form(self) -> "Written":
        if sum(getattr(self, form) is not None for form in _FORMS) != 1:
            raise ValueError(f"expected one of {', '.join(_FORMS)}")
        if self._order() > _MOST_POINTS:
            raise ValueError(f"more than {_MOST_POINTS} points")
        return self

    def _order(self) -> int:
        if self.rings is not None:
            return sum(ring.points for ring in self.rings)
        return 0 if self.grid is None else self.grid[0] * self.grid[1]

    @property
    def alphabet(self) -> Alphabet:
        """Return it as an alphabet.

        Raises:
            HertzianError: it is none: a single point, one that is there twice, zeros alone.
        """
        if self.points is not None:
            points = np.array([complex(*point) for point in self.points], dtype=np.complex128)
        elif self.rings is not None:
            points = np.concatenate([_ring(ring) for ring in self.rings])
        elif self.levels is not None:
            points = np.array(self.levels, dtype=np.complex128)
        else:
            along_i, along_q = self.grid or (1, 1)
            points = np.add.outer(_axis(along_i), 1j * _axis(along_q)).ravel()
        return Alphabet(points, offset=self.offset, alternating=self.alternating)


_ENTRY = "a name, and points, rings, levels or grid below it"
_SAID = {
    "extra_forbidden": "there is no such key; an entry has points, rings, levels or grid, and may "
    "have offset or alternating; a ring has points, radius and turn",
    "tuple_type": "expected two numbers, such as [8, 8]",
    "missing": "is missing",
    "dict_type": f"expected {_ENTRY}",
    "model_type": f"expected {_ENTRY}",
    "model_attributes_type": f"expected {_ENTRY}",
}
"""Kinds of the library's errors, in words of these files."""

_ENTRIES = TypeAdapter(dict[Annotated[str, Field(min_length=1, max_length=100)], Written])


def read_descriptions(path: Path) -> dict[str, Alphabet]:
    """Return the alphabets that a YAML file describes, by the names that it gives them.

    A name of the label table is spelled as there.

    Raises:
        ExperimentError: the file is missing or too large, or describes none or wrong ones.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise ExperimentError(f"descriptions have {_LARGEST_FILE} bytes at most")
        entries = _ENTRIES.validate_json(json.dumps(parse_yaml(text.decode("utf-8"))))
        return _alphabets(entries)
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: expected descriptions in YAML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = printable(".".join(map(str, first["loc"])))[:_LONGEST_PLACE] or "the document"
        said = _SAID.get(first["type"], first["msg"])
        raise ExperimentError(f"{path}: {place}: {said}") from None
    except HertzianError as error:
        raise ExperimentError(f"{path}: {error}") from None


def spelled(name: str) -> str:
    """Return a canonical label where the table has the name, and the name itself otherwise."""
    try:
        return canonical(name)
    except HertzianError:
        return name.strip()


def _alphabets(entries: dict[str, Written]) -> dict[str, Alphabet]:
    if not 1 <= len(entries) <= _MOST_ENTRIES:
        raise ExperimentError(
            f"expected descriptions of 1 to {_MOST_ENTRIES} modulations, found {len(entries)}"
        )
    found: dict[str, Alphabet] = {}
    for name, written in entries.items():
        label = spelled(name)
        if label in found or label in ("", UNKNOWN):
            why = "is described twice" if label in found else "is no name for a modulation"
            raise ExperimentError(f"{printable(name)!r} {why}")
        try:
            found[label] = written.alphabet
        except HertzianError as error:
            raise ExperimentError(f"{printable(name)}: {error}") from None
    return found


def _ring(ring: Ring) -> Symbols:
    turns = np.arange(ring.points) / ring.points + ring.turn
    return np.asarray(ring.radius * np.exp(2j * np.pi * turns))


def _axis(count: int) -> Symbols:
    return np.arange(1 - count, count, 2).astype(np.complex128)
