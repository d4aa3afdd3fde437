"""Figures of features of classes, real and generated."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hertzian.report.style import MARKERS, SERIES, new_figure, style
from hertzian.report.text import printable

_IN_A_ROW = 2


def scatter_classes(
    axes: Axes,
    places: npt.NDArray[np.floating],
    numbers: npt.NDArray[np.integer],
    names: Sequence[str],
) -> None:
    """Draw points [n, 2], each class with a look of its own; `numbers` index `names`."""
    for number, name in enumerate(names):
        own = places[numbers == number]
        axes.scatter(
            own[:, 0],
            own[:, 1],
            s=14,
            alpha=0.75,
            linewidths=0,
            color=SERIES[number % len(SERIES)],
            marker=MARKERS[(number + number // len(SERIES)) % len(MARKERS)],
            label=printable(name),
            rasterized=True,
        )


def class_maps(
    panels: Mapping[str, tuple[npt.NDArray[np.floating], npt.NDArray[np.integer]]],
    names: Sequence[str],
) -> Figure:
    """Draw points of classes in panels beside each other, each class with a look of its own.

    Args:
        panels: title -> places [n, 2], and which of `names` each is [n].
        names: of what is drawn.

    Raises:
        ValueError: no panel, or places and numbers that don't belong together.
    """
    if not panels:
        raise ValueError("no places to draw")
    for title, (places, numbers) in panels.items():
        if places.shape != (len(numbers), 2) or not np.isfinite(places).all():
            raise ValueError(f"{title}: no places [n, 2] of finite numbers with a name each")
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(names):
            raise ValueError(f"{title}: a number that names none of {len(names)}")
    columns = min(len(panels), _IN_A_ROW)
    rows = -(-len(panels) // columns)
    with style():
        figure = new_figure(4.2 * columns + 1.6, 3.6 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (title, (places, numbers)) in zip(grid.flat, panels.items(), strict=False):
            scatter_classes(axes, places, numbers, names)
            axes.set(title=printable(title), xticks=[], yticks=[])
            axes.grid(visible=False)
        for axes in grid.flat[len(panels) :]:
            axes.remove()
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
    return figure
