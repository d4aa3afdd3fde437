"""How every figure looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.figure import Figure
from matplotlib.style import context

INK = "#1b2430"
"""Text and axes; a page replaces it with the colour of its own text."""

PAPER = "#fefefe"
"""Text on a strong colour; a page replaces it with its own background."""

RULE = "#c9ced6"
"""Grid lines; a page replaces it likewise."""

SERIES: tuple[str, ...] = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    *("#7f5fc7", "#8c6d31"),
)
"""Line colours that stay apart in the common colour-vision deficiencies (Okabe & Ito 2008)."""

SERIES_ON_DARK: tuple[str, ...] = (
    *("#4ba9e6", "#ff8a3d", "#2fc49a", "#e59ac4", "#f2b53c", "#86cdf5"),
    *("#a990ea", "#c2a25c"),
)
"""The same hues for dark pages."""

MARKERS: tuple[str, ...] = ("o", "s", "^", "D", "v", "P", "X", "*")

DASHES: tuple[str, ...] = ("-", "--", ":", "-.")
"""Lines of the first curves, one of each colour; of those that have to use a colour again."""

HEAT = "inferno"
"""Perceptually uniform and dark at its low end: the strong stands out on any page."""

BOX = "#63e6ff"
"""Outlines on top of `HEAT`: the one hue that it lacks."""

_PARAMETERS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-6, 7),
    "axes.unicode_minus": True,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    # A stranger's label with dollar signs is text, never mathematics that might not parse
    "text.parse_math": False,
    "text.usetex": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "hertzian",
}


@contextmanager
def style() -> Iterator[None]:
    """Hold matplotlib's parameters at the house style; outside they are as they were."""
    with context(["default", _PARAMETERS]):
        yield


def new_figure(
    width: float, height: float, margins: tuple[float, float, float, float] | None = None
) -> Figure:
    """Return an empty figure of this size; call it within `style()`.

    Lengths are in inches. `margins` (left, right, bottom, top) place the axes; without them they
    are found from the texts, which takes as long as all of the drawing.
    """
    if margins is None:
        return Figure(figsize=(width, height), layout="constrained")
    figure = Figure(figsize=(width, height))
    left, right, bottom, top = margins
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    return figure
