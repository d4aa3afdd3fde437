"""Published tables beside what the recipes that follow them measured."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hertzian.experiments.page_networks import AGREEMENTS, SHARES
from hertzian.experiments.page_numbers import (
    count,
    curve_of,
    is_measured,
    percent,
    percent_of_seeds,
)
from hertzian.experiments.recipe import Outline, Published, read_outline, recipe_names
from hertzian.experiments.result import Result, read_result
from hertzian.experiments.stages import SCALES, ExperimentError
from hertzian.report import (
    Column,
    Plot,
    Section,
    Table,
    accuracy_over_snr,
    duration,
    experiment_page,
)

_CHECKOUT = Path(__file__).resolve().parents[3]
_SCALES = list(SCALES)

NOT_RUN = "not run"
"""What stands in the cells of a row that nobody has measured; `remarks` say what it takes."""

HEADS: tuple[Column, ...] = (
    *(Column("row"), Column("figure"), Column("published", "right"), Column("ours", "right")),
    *(Column("difference", "right"), Column("scale"), Column("seeds", "right")),
    *(Column("wall time", "right"), Column("source")),
)
"""Heads of the tables that `lines` fills."""


class Found(NamedTuple):
    """A result and the file that it was read from."""

    path: Path
    result: Result


class Figure(NamedTuple):
    """One figure of a row: what it is, as published, and as `over_seeds` has ours; None: unknown.

    `key` is that of `Published`, or `accuracy_by_snr.N`; `name` is how a table calls it; `run`
    tells whether the stage has run.
    """

    key: str
    name: str
    published: float | None
    ours: Mapping[str, Any] | None
    run: bool

    @property
    def missing(self) -> tuple[str | None, str | None]:
        """Why the paper's is empty, and why ours is; None for what isn't."""
        unmeasured = "not measured" if self.run else NOT_RUN
        return (
            "not printed" if self.published is None else None,
            unmeasured if self.ours is None else None,
        )


@dataclass(frozen=True)
class Row:
    """A row of a published table: a stage of a recipe.

    Attributes:
        recipe: its name.
        paper: citation, or None.
        stage: whose figures these are.
        published: what the paper prints.
        block: what the stage measured, as in `metrics` of result.json; None if it has not run.
        shown: the result that this comes from, or None.
        others: results of the same stage that are not shown.
        reason: why no full run is shown; None if one is.
    """

    recipe: str
    paper: str | None
    stage: str
    published: Published
    block: Mapping[str, Any] | None
    shown: Found | None
    others: tuple[Found, ...]
    reason: str | None

    @property
    def command(self) -> str:
        """What to type to measure what is shown, or, where nothing is, to measure it at all."""
        return self.shown.result.command if self.shown else self.full_command

    @property
    def full_command(self) -> str:
        """What to type to measure this row at the published scale."""
        return f"hertzian run {self.recipe} --scale full"

    @property
    def wall_time_s(self) -> float | None:
        """How long the stage took, all of its seeds together."""
        record = self.shown.result.stages.get(self.stage) if self.shown else None
        return None if record is None else record.wall_time_s

    def figures(self) -> tuple[Figure, ...]:
        """Return every figure that the paper prints; the accuracy in any case but of clusters."""
        block, run = self.block or {}, self.block is not None
        by_snr = block.get("accuracy_by_snr") or {}
        published = self.published
        names = {"parameters": "parameters", **SHARES, **AGREEMENTS}
        clusters = any(getattr(published, key) is not None for key in AGREEMENTS)
        found = [
            Figure(key, name, getattr(published, key), _number(block.get(key)), run)
            for key, name in names.items()
            if (key == "accuracy" and not clusters) or getattr(published, key) is not None
        ]
        found += [
            Figure(f"accuracy_by_snr.{snr}", f"at {snr} dB", share, _number(by_snr.get(snr)), run)
            for snr, share in published.accuracy_by_snr.items()
        ]
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as `reproduce --json` prints it."""
        result = self.shown.result if self.shown else None
        return {
            "recipe": self.recipe,
            "paper": self.paper,
            "row": self.stage,
            "source": self.published.source,
            "figures": {
                figure.key: {
                    "published": figure.published,
                    "ours": figure.ours,
                    "missing": [why for why in figure.missing if why is not None],
                }
                for figure in self.figures()
            },
            "scale": result.scale if result else None,
            "seeds": result.seeds if result else None,
            "wall_time_s": self.wall_time_s,
            "command": self.command,
            "result": self.shown.path if self.shown else None,
            "not_shown": [found.path for found in self.others],
            "reason": self.reason,
        }


def result_folders() -> tuple[Path, ...]:
    """Return where results are looked for: `results` of a checkout, or else here, and `runs`."""
    of_checkout = _CHECKOUT / "results"
    results = of_checkout if of_checkout.is_dir() else Path("results")
    return tuple(path for path in (results, Path("runs")) if path.is_dir())


def find_results(folders: Iterable[Path]) -> tuple[list[Found], list[str]]:
    """Read the result.json of each folder in these folders, or of one of these itself.

    Returns:
        The results, and a line on each file that is none.

    Raises:
        ExperimentError: there is no such folder.
    """
    paths: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ExperimentError(f"{folder}: no such folder of results")
        for path in sorted([*folder.glob("result.json"), *folder.glob("*/result.json")]):
            paths.setdefault(path.resolve(), path)
    here = Path.cwd()
    found, refused = [], []
    for path in paths.values():
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        try:
            found.append(Found(shown, read_result(path)))
        except ExperimentError as error:
            refused.append(str(error))
    return found, refused


def reproduce(paper: str | None, results: Sequence[Found]) -> list[Row]:
    """Return the rows of the published tables, in the order of the recipes and their stages.

    A row shows a result of the recipe as it is rather than one whose stages were changed by --set;
    among these that of the largest scale, then of the most seeds, and then the latest.

    Args:
        paper: its short name, with which the name of one of its recipes begins; None for all.
        results: see `find_results`.

    Raises:
        ExperimentError: no recipe follows that paper, or a recipe is wrong.
    """
    outlines = [read_outline(name) for name in recipe_names()]
    outlines = [outline for outline in outlines if outline.published]
    chosen = outlines
    if paper is not None:
        named = [outline for outline in outlines if _named(outline, paper)]
        papers = {outline.paper for outline in named} - {None}
        chosen = [outline for outline in outlines if outline in named or outline.paper in papers]
    if paper is not None and not chosen:
        known = ", ".join(outline.name for outline in outlines) or "none"
        raise ExperimentError(f"{paper}: no recipe with published figures has this name: {known}")
    return [
        _row(outline, stage, published, results)
        for outline in chosen
        for stage, published in sorted(
            outline.published.items(), key=lambda item: list(outline.stages).index(item[0])
        )
    ]


def _named(outline: Outline, paper: str) -> bool:
    return outline.name == paper or outline.name.startswith(f"{paper}-")


def _row(outline: Outline, stage: str, published: Published, results: Sequence[Found]) -> Row:
    own = [found for found in results if found.result.recipe.get("name") == outline.name]
    measured = sorted(
        (found for found in own if _block(found.result, stage) is not None),
        key=lambda found: (
            not _changed(found.result),
            _SCALES.index(found.result.scale),
            len(found.result.seeds),
            found.result.date,
        ),
        reverse=True,
    )
    shown = measured[0] if measured else None
    reason = None
    if shown is None or shown.result.scale != "full":
        reason = "not run at full scale yet"
        if outline.full_run is not None:
            reason += f" ({outline.full_run})"
    if shown is None and any(found.result.scale == "full" for found in own):
        reason = "not in the full run yet"
    if shown is not None and _changed(shown.result):
        reason = "run with changed settings only"
    return Row(
        recipe=outline.name,
        paper=outline.paper,
        stage=stage,
        published=published,
        block=None if shown is None else _block(shown.result, stage),
        shown=shown,
        others=tuple(measured[1:]),
        reason=reason,
    )


def _changed(result: Result) -> bool:
    """Return whether settings of the recipe's stages were changed for a run."""
    return re.search(r"--set[ =]'?stages\.", result.command) is not None


def _block(result: Result, stage: str) -> Mapping[str, Any] | None:
    block = result.metrics.get(stage)
    if not isinstance(block, Mapping):
        return None
    return block if _number(block.get("accuracy")) or _number(block.get("acc")) else None


def _number(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) and is_measured(value) else None


def lines(row: Row) -> Iterator[tuple[str, ...]]:
    """Yield a line of cells under `HEADS` for each figure of a row; the first says whose it is."""
    result = row.shown.result if row.shown else None
    own = (
        result.scale if result else NOT_RUN,
        str(len(result.seeds)) if result else NOT_RUN,
        NOT_RUN if row.wall_time_s is None else duration(row.wall_time_s),
        row.published.source or "not told",
    )
    for place, figure in enumerate(row.figures()):
        cells = (figure.name.replace("-", "−"), *_texts(figure))
        yield (row.stage, *cells, *own) if place == 0 else ("", *cells, *[""] * len(own))


def _texts(figure: Figure) -> tuple[str, str, str]:
    """Return a figure as published, as ours, and the difference: in percent, or as counts.

    What is not known is said instead, and has no difference.
    """
    not_printed, not_ours = figure.missing
    counted = figure.key == "parameters"
    printed = count(figure.published) if counted else percent(figure.published)
    measured = None
    if figure.ours is not None:
        measured = count(figure.ours["mean"]) if counted else percent_of_seeds(figure.ours)
    if figure.ours is None or figure.published is None:
        return printed or str(not_printed), measured or str(not_ours), str(not_ours or not_printed)
    difference = figure.ours["mean"] - figure.published
    shown = f"{difference:,.0f}" if counted else f"{100 * difference:.2f}"
    return str(printed), str(measured), _signed(shown)


def _signed(text: str) -> str:
    sign = "" if text.startswith("-") or not text.strip("0.,") else "+"
    return f"{sign}{text}".replace("-", "−").replace(",", "\u202f")


def by_recipe(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each recipe, in their order."""
    return {
        name: [row for row in rows if row.recipe == name]
        for name in dict.fromkeys(row.recipe for row in rows)
    }


def remarks(rows: Sequence[Row]) -> list[str]:
    """Return which results a recipe's rows show, by which command, which not, and what is to run.

    A line names the rows that it holds for, unless these are all.
    """
    said: dict[str, list[str]] = {}
    for row in rows:
        if row.shown is not None:
            line = f"shown is {row.shown.path}, scale {row.shown.result.scale}: {row.command}"
            said.setdefault(line, []).append(row.stage)
        for other in row.others:
            line = f"not shown is {other.path}, scale {other.result.scale}"
            said.setdefault(line, []).append(row.stage)
        if row.reason is not None:
            said.setdefault(f"{row.reason}: {row.full_command}", []).append(row.stage)
    return [
        line if len(stages) == len(rows) else f"{', '.join(stages)}: {line}"
        for line, stages in said.items()
    ]


def write_reproduction(rows: Sequence[Row], path: Path) -> None:
    """Write the tables as one self-contained HTML file.

    Raises:
        HertzianError: it cannot be written.
    """
    sections = []
    for name, own in by_recipe(rows).items():
        table = Table(HEADS, [cells for row in own for cells in lines(row)], wide=True)
        citation = [own[0].paper] if own[0].paper else []
        parts: list[str | Plot | Table] = [*citation, table, *_curves(own), *remarks(own)]
        sections.append(Section(name, parts, anchor=name))
    lead = (
        "Shares are in percent, differences in points; ± is half of the 95% interval over seeds. "
        "Only full is the scale of the published protocol."
    )
    experiment_page(path, "Published tables, and what was measured here", sections, lead)


def _curves(rows: Sequence[Row]) -> Iterator[Plot]:
    """Yield accuracies over SNR as measured, and the points that the paper prints."""
    curves = {
        row.stage: curve_of(row.block["accuracy_by_snr"])
        for row in rows
        if row.block is not None and row.block.get("accuracy_by_snr")
    }
    printed = {
        row.stage: {float(snr): share for snr, share in row.published.accuracy_by_snr.items()}
        for row in rows
    }
    if curves:
        yield Plot(accuracy_over_snr(curves, printed), "Accuracy over SNR, ours")
