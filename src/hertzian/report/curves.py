"""Figures of what an experiment measured: accuracy over SNR, confusion, reliability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from hertzian.report.style import DASHES, INK, MARKERS, PAPER, SERIES, new_figure, style
from hertzian.report.text import printable

Curve = Mapping[float, float]
"""SNR in decibels -> share in 0 ... 1."""


def accuracy_over_snr(
    accuracy_by_snr: Mapping[str, Curve], printed: Mapping[str, Curve] | None = None
) -> Figure:
    """Draw name -> {SNR in decibels: accuracy in 0 ... 1} as one curve each, SNR ascending.

    `printed` are points that a paper prints for some of these names, drawn as rings of their
    colour.
    """
    return shares_over_snr(accuracy_by_snr, "accuracy", printed)


def shares_over_snr(
    curves: Mapping[str, Curve], label: str, printed: Mapping[str, Curve] | None = None
) -> Figure:
    """Draw shares over SNR as `accuracy_over_snr` draws accuracies; `label` says what they are."""
    with style():
        figure = new_figure(8.4 if len(curves) > 1 else 7.2, 4.2)
        axes = figure.add_subplot()
        ring: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 9}
        ring |= {"markerfacecolor": "none", "markeredgewidth": 1.6}
        for index, (name, curve) in enumerate(curves.items()):
            draw_curve(axes, index, printable(name), curve)
            points = (printed or {}).get(name, {})
            if points:
                heights = [100 * share for share in points.values()]
                color = SERIES[index % len(SERIES)]
                axes.plot(list(points), heights, color=color, clip_on=False, **ring)
        axes.set(xlabel="SNR (dB)", ylabel=f"{label} (%)", ylim=(0, 100))
        axes.margins(x=0.02)
        any_printed = any((printed or {}).values())
        rings = [Line2D([], [], color=INK, label="printed in the paper", **ring)]
        name_curves(axes, rings if any_printed else ())
    return figure


def shares_over_setting(
    curves: Mapping[str, Mapping[str, float]], setting: str, label: str, *, even: bool = False
) -> Figure:
    """Draw name -> {value of a setting: share in 0 ... 1} as one curve each.

    Values that are numbers have their places on the axis; others come in their order, evenly.

    Args:
        curves: what to draw.
        setting: what is varied, for the axis.
        label: what the shares are.
        even: whether numbers come evenly too.
    """
    values = list(dict.fromkeys(value for curve in curves.values() for value in curve))
    places = (
        {value: float(place) for place, value in enumerate(values)} if even else _places(values)
    )
    with style():
        figure = new_figure(8.4 if len(curves) > 1 else 7.2, 4.2)
        axes = figure.add_subplot()
        for index, (name, curve) in enumerate(curves.items()):
            shares = {places[value]: share for value, share in curve.items()}
            draw_curve(axes, index, printable(name), shares)
        axes.set(xlabel=printable(setting), ylabel=f"{label} (%)")
        axes.set_xticks(list(places.values()), [printable(value) for value in places])
        axes.margins(x=0.04, y=0.1)
        name_curves(axes)
    return figure


def _places(values: Sequence[str]) -> dict[str, float]:
    try:
        return {value: float(value) for value in values}
    except ValueError:
        return {value: float(place) for place, value in enumerate(values)}


def draw_curve(axes: Axes, index: int, name: str, shares: Curve) -> None:
    """Draw x -> share in percent as the curve number `index` of a figure, x ascending."""
    places = sorted(shares)
    axes.plot(
        places,
        [100 * shares[place] for place in places],
        color=SERIES[index % len(SERIES)],
        # a colour that comes again gets another marker too
        marker=MARKERS[(index + 3 * (index // len(SERIES))) % len(MARKERS)],
        linestyle=DASHES[index // len(SERIES) % len(DASHES)],
        label=name,
        clip_on=False,
    )


def name_curves(axes: Axes, more: Sequence[Artist] = ()) -> None:
    """Put the names of curves, and of `more`, beside the axes, where there are several."""
    handles = [*axes.get_legend_handles_labels()[0], *more]
    if len(handles) > 1:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)


def confusion(classes: Sequence[str], counts: npt.ArrayLike) -> Figure:
    """Draw counts [true, predicted] as the share of each true class, in percent.

    Raises:
        ValueError: counts are not [classes, classes].
    """
    table = np.asarray(counts, dtype=np.float64)
    size = len(classes)
    if table.shape != (size, size):
        raise ValueError(f"{size} classes need counts {size} x {size}, got {table.shape}")
    totals = table.sum(axis=1, keepdims=True)
    percent = 100 * np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    names = [printable(name) for name in classes]
    with style():
        side = 1.6 + 0.34 * size
        figure = new_figure(side, side)
        axes = figure.add_subplot()
        axes.set_xticks(range(size), names, rotation=90)
        axes.set_yticks(range(size), names)
        axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
        axes.grid(visible=False, which="major")
        axes.grid(which="minor")
        axes.tick_params(length=0, which="both")
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted", ylabel="true", aspect="equal")
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
        for row, column in zip(*np.nonzero(percent), strict=True):
            _draw_share(axes, row, column, percent[row, column])
    return figure


def _draw_share(axes: Axes, row: int, column: int, percent: float) -> None:
    """Fill a cell the more strongly the larger its share, and write the share if it is 1% or so."""
    corner = (column - 0.5, row - 0.5)
    strength = 0.06 + 0.94 * percent / 100
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=SERIES[0], alpha=strength, linewidth=0))
    if percent >= 0.5:
        color = PAPER if strength > 0.5 else INK
        axes.text(column, row, f"{percent:.0f}", ha="center", va="center", color=color, size=8)


def reliability(confidences: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 15) -> Figure:
    """Draw how often answers were right against how sure they were, and how sure they mostly were.

    `confidences` [n] in 0 ... 1 and `correct` [n] boolean fall into `bins` equal bins, each drawn
    at its mean confidence (Guo et al. 2017, section 2); bars are the gaps to calibration.

    Raises:
        ValueError: no answers, or the two differ in length.
    """
    sure = np.asarray(confidences, dtype=np.float64).ravel()
    right = np.asarray(correct, dtype=np.float64).ravel()
    if sure.size == 0 or sure.size != right.size:
        raise ValueError(f"reliability needs answers, got {sure.size} and {right.size}")
    index = np.minimum((sure * bins).astype(np.int64), bins - 1)
    count, sum_sure, sum_right = (
        np.bincount(index, weights=w, minlength=bins) for w in (np.ones_like(sure), sure, right)
    )
    filled = count > 0
    mean_sure, mean_right = (100 * s[filled] / count[filled] for s in (sum_sure, sum_right))
    with style():
        figure = new_figure(4.4, 4.8)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=":")
        upper.vlines(mean_sure, mean_sure, mean_right, color=SERIES[1], linewidth=2, alpha=0.6)
        upper.plot(mean_sure, mean_right, color=SERIES[0], marker="o")
        upper.set(ylabel="right (%)", ylim=(0, 100), xlim=(0, 100))
        edges = np.linspace(0, 100, bins + 1)
        lower.bar(
            edges[:-1],
            100 * count / sure.size,
            100 / bins,
            align="edge",
            color=SERIES[0],
            alpha=0.7,
        )
        lower.set(xlabel="confidence (%)", ylabel="answers (%)")
    return figure
