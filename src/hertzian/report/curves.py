"""Figures of what an experiment measured: accuracy over SNR, confusion, reliability."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hertzian.report.style import INK, MARKERS, PAPER, SERIES, new_figure, style
from hertzian.report.text import printable


def accuracy_over_snr(accuracy_by_snr: Mapping[str, Mapping[float, float]]) -> Figure:
    """Draw name -> {SNR in decibels: accuracy in 0 ... 1} as one curve each, SNR ascending."""
    with style():
        figure = new_figure(7.2, 4.2)
        axes = figure.add_subplot()
        for index, (name, accuracy) in enumerate(accuracy_by_snr.items()):
            snr = sorted(accuracy)
            axes.plot(
                snr,
                [100 * accuracy[s] for s in snr],
                color=SERIES[index % len(SERIES)],
                marker=MARKERS[index % len(MARKERS)],
                linestyle="-" if index < len(SERIES) else "--",
                label=printable(name),
                clip_on=False,
            )
        axes.set(xlabel="SNR (dB)", ylabel="accuracy (%)", ylim=(0, 100))
        axes.margins(x=0.02)
        if len(accuracy_by_snr) > 1:
            axes.legend(loc="best")
    return figure


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
