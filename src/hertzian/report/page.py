"""Self-contained pages: sections of text, figures and tables in one HTML file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from hertzian.recordings import atomic_path
from hertzian.report.markup import Markup, element, join
from hertzian.report.stylesheet import STYLESHEET
from hertzian.report.svg import inline_svg
from hertzian.report.text import printable

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """Head of a table's column and the side that its cells stand on."""

    title: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; a float shows 4 significant digits, None a dash.

    A column given as a plain string stands left, or right where all of its cells are numbers.
    `wide` fills the page.
    """

    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Plot:
    """A figure under its title, with a sentence below on what it shows."""

    figure: Figure
    title: str
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page; plain strings are paragraphs. `anchor` is what `#anchor` leads to."""

    title: str
    parts: Sequence[str | Plot | Table]
    anchor: str = ""


def experiment_page(
    path: str | os.PathLike[str], title: str, sections: Sequence[Section], lead: str = ""
) -> None:
    """Write a page as one HTML file that needs nothing else: no links, scripts or fonts outside.

    Every text is escaped; the file appears whole or not at all.

    Raises:
        RecordingError: the file cannot be written.
    """
    body = element("header", element("h1", printable(title)), element("p", lead) if lead else "")
    document = join(
        Markup('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">\n'),
        element("title", printable(title)),
        element("style", Markup(STYLESHEET)),
        Markup("\n</head>\n<body>\n"),
        join(body, element("main", *(_section(s) for s in sections))),
        Markup("\n</body>\n</html>\n"),
    )
    with atomic_path(path) as partial:
        partial.write_text(document, encoding="utf-8", errors="backslashreplace")


def _section(section: Section) -> Markup:
    attributes = {"id": section.anchor} if section.anchor else {}
    heading = element("h2", printable(section.title))
    return element("section", heading, *(render(p) for p in section.parts), **attributes)


def render(part: str | Plot | Table) -> Markup:
    """Return a part of a section as HTML."""
    if isinstance(part, Markup):
        return part
    if isinstance(part, Plot):
        return _plot(part)
    if isinstance(part, Table):
        return _table(part)
    return element("p", part)


def _plot(plot: Plot) -> Markup:
    caption = element("figcaption", plot.caption) if plot.caption else ""
    picture = element("figure", inline_svg(plot.figure, plot.title), caption)
    return join(element("h3", plot.title), picture)


def _table(table: Table) -> Markup:
    sides = [
        _side(column, [row[i] for row in table.rows]) for i, column in enumerate(table.columns)
    ]
    titles = [c if isinstance(c, str) else c.title for c in table.columns]
    head = element("tr", *(_cell("th", *cell) for cell in zip(titles, sides, strict=True)))
    rows = (
        element("tr", *(_cell("td", *cell) for cell in zip(row, sides, strict=True)))
        for row in table.rows
    )
    attributes = {"class_": "wide"} if table.wide else {}
    whole = element("table", element("thead", head), element("tbody", *rows), **attributes)
    title = element("h3", table.title) if table.title else ""
    return join(title, element("div", whole, class_="scroll"))


def _side(column: Column | str, cells: Sequence[Cell]) -> str:
    if isinstance(column, Column):
        return column.align
    numbers = [c for c in cells if c is not None]
    return "right" if numbers and all(isinstance(c, int | float) for c in numbers) else "left"


def _cell(tag: str, value: Cell, side: str) -> Markup:
    attributes = {"class_": side} if side == "right" else {}
    return element(tag, _text(value), **attributes)


def _text(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f").replace("-", "−")
    return value
