"""Figures of a network: its classes over SNR, its confidence, its training, its feature maps."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hertzian.report.curves import Curve, draw_curve, name_curves
from hertzian.report.style import DASHES, HEAT, SERIES, new_figure, style
from hertzian.report.text import printable

_PANELS_IN_A_ROW = 4
_MAPS_IN_A_ROW = 2
_PIXELS = 512

History = Mapping[str, Sequence[float | None]]
"""`epoch`, `train_loss`, `validation_loss`, `validation_accuracy`; None for what is not known."""


def panels_over_snr(panels: Mapping[str, Mapping[str, Curve]], label: str) -> Figure:
    """Draw title -> {name: curve} as one small panel each; a name looks alike in all of them.

    Raises:
        ValueError: no panels.
    """
    if not panels:
        raise ValueError("expected at least one panel")
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    columns = min(len(panels), _PANELS_IN_A_ROW)
    rows = -(-len(panels) // columns)
    with style():
        figure = new_figure(0.5 + 2.5 * columns, 0.6 + 1.9 * rows)
        grid = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
        for axes, (title, curves) in zip(grid, panels.items(), strict=False):
            for name, curve in curves.items():
                draw_curve(axes, names.index(name), printable(name), curve)
            axes.set(title=printable(title), ylim=(0, 100))
            # the panel below it is missing where the last row is not full
            axes.tick_params(labelbottom=True)
        for axes in grid[len(panels) :]:
            axes.remove()
        for line in (line for axes in figure.axes for line in axes.lines):
            line.set(markersize=3, linewidth=1.2)
        figure.supxlabel("SNR (dB)", size=9)
        figure.supylabel(f"{label} (%)", size=9)
        known: dict[str, Artist] = {}
        for axes in figure.axes:
            handles, labels = axes.get_legend_handles_labels()
            known |= dict(zip(labels, handles, strict=True))
        figure.legend(list(known.values()), list(known), loc="outside upper left", ncols=4)
    return figure


def shares_of_classes(shares: Mapping[str, Mapping[str, float]], label: str) -> Figure:
    """Draw name -> {class: share in 0 ... 1} as bars, those of one class side by side."""
    classes = list(dict.fromkeys(name for values in shares.values() for name in values))
    width = 0.8 / max(len(shares), 1)
    with style():
        figure = new_figure(max(4.0, 1.4 + 0.5 * len(classes)), 3.4)
        axes = figure.add_subplot()
        for index, (name, values) in enumerate(shares.items()):
            places = [classes.index(found) + (index + 0.5) * width - 0.4 for found in values]
            heights = [100 * value for value in values.values()]
            axes.bar(places, heights, 0.92 * width, color=SERIES[index], label=printable(name))
            for place, height in zip(places, heights, strict=True):
                axes.text(place, height + 1, f"{height:.0f}", ha="center", va="bottom", size=7)
        names = [printable(name) for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=False, axis="x")
        axes.set(ylabel=f"{label} (%)", ylim=(0, 100), xlim=(-0.6, len(classes) - 0.4))
        name_curves(axes)
    return figure


def latencies(values: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw way -> {network: microseconds} as bars on a logarithmic scale, each with its number.

    Raises:
        ValueError: nothing to draw.
    """
    networks = list(dict.fromkeys(name for found in values.values() for name in found))
    if not networks:
        raise ValueError("expected at least one latency")
    width = 0.8 / len(values)
    with style():
        figure = new_figure(8.0, 0.9 + 0.28 * len(networks) * len(values))
        axes = figure.add_subplot()
        for index, (way, found) in enumerate(values.items()):
            places = [networks.index(name) + (index + 0.5) * width - 0.4 for name in found]
            lengths = list(found.values())
            axes.barh(places, lengths, 0.9 * width, color=SERIES[index], label=printable(way))
            for place, length in zip(places, lengths, strict=True):
                axes.text(1.03 * length, place, f"{length:.3g}", va="center", size=7)
        axes.set_yticks(range(len(networks)), [printable(name) for name in networks])
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlabel("latency of one window (µs)")
        axes.margins(x=0.12)
        name_curves(axes)
    return figure


def training_history(histories: Mapping[str, History]) -> Figure:
    """Draw losses and accuracy over epochs: name of a repetition -> what it went through.

    A repetition has a line of its own kind in each colour; the best validation loss has a ring.
    Epochs that are not as many as the values are counted from 1.
    """
    with style():
        figure = new_figure(10.4, 3.6)
        losses, accuracies = figure.subplots(1, 2)
        for index, (name, history) in enumerate(histories.items()):
            dashes = DASHES[index % len(DASHES)]
            for axes, key, color, scale in (
                (losses, "train_loss", SERIES[0], 1.0),
                (losses, "validation_loss", SERIES[1], 1.0),
                (accuracies, "validation_accuracy", SERIES[1], 100.0),
            ):
                said = key.replace("_", " ")
                label = f"{said}, {printable(name)}" if len(histories) > 1 else said
                _draw_history(axes, history, key, scale, label, color, dashes)
        for axes in (losses, accuracies):
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
        losses.set_ylabel("loss (nats)")
        accuracies.set_ylabel("validation accuracy (%)")
        if losses.lines:
            losses.legend(loc="upper right")
    return figure


def _draw_history(
    axes: Axes, history: History, key: str, scale: float, label: str, color: str, dashes: str
) -> None:
    values = np.array(history.get(key, ()), dtype=np.float64) * scale  # None becomes NaN
    if not np.isfinite(values).any():
        return
    epochs = np.array(history.get("epoch", ()), dtype=np.float64)
    if epochs.shape != values.shape:
        epochs = np.arange(1, len(values) + 1, dtype=np.float64)
    axes.plot(epochs, values, color=color, linestyle=dashes, label=label)
    if key == "validation_loss":
        best = int(np.nanargmin(values))
        axes.plot(epochs[best], values[best], marker="o", markerfacecolor="none", color=color)


def feature_maps(
    maps: Sequence[npt.ArrayLike],
    titles: Sequence[str],
    *,
    across: str = "sample",
    down: str = "channel",
) -> Figure:
    """Draw maps [channels, samples] of examples beside each other, in one scale of colours.

    Args:
        maps: of numbers.
        titles: of each.
        across: what the columns are.
        down: what the rows are.

    Raises:
        ValueError: no maps, one that is no [channels, samples] of finite numbers, or not a title
            for each.
    """
    arrays = [np.asarray(one, dtype=np.float64) for one in maps]
    if not arrays or len(arrays) != len(titles):
        raise ValueError(f"expected a title for each map, got {len(arrays)} and {len(titles)}")
    for title, one in zip(titles, arrays, strict=True):
        if one.ndim != 2 or not one.size or not np.isfinite(one).all():
            raise ValueError(f"{title}: no map [channels, samples] of finite numbers")
    columns = min(len(arrays), _MAPS_IN_A_ROW)
    rows = -(-len(arrays) // columns)
    # a few channels that stand out would leave the rest in one colour
    lower, upper = np.percentile(np.concatenate([one.ravel() for one in arrays]), [0.5, 99.5])
    with style():
        figure = new_figure(0.8 + 4.8 * columns, 0.4 + 3.4 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, one, title in zip(grid.flat, arrays, titles, strict=False):
            picture = axes.imshow(
                _enlarged(one),
                extent=(-0.5, one.shape[1] - 0.5, one.shape[0] - 0.5, -0.5),
                aspect="auto",
                interpolation="none",
                cmap=mpl.colormaps[HEAT].resampled(64),
                vmin=lower,
                vmax=upper,
            )
            axes.grid(visible=False)
            axes.set(title=printable(title), xlabel=across, ylabel=down)
            for axis in (axes.xaxis, axes.yaxis):
                axis.get_major_locator().set_params(integer=True)
        for axes in grid.flat[len(arrays) :]:
            axes.remove()
        bar = figure.colorbar(picture, ax=figure.axes, fraction=0.03, pad=0.012, aspect=30)
        bar.outline.set_visible(False)
        bar.set_label("activation")
    return figure


def _enlarged(one: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a map with each value as a block: browsers smooth what has few pixels."""
    down, across = (max(1, -(-_PIXELS // size)) for size in one.shape)
    return one.repeat(down, axis=0).repeat(across, axis=1)
