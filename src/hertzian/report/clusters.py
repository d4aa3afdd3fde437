"""The page of clusters: a map, and of each what its typical signal looks like, to be named."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hertzian.report.cells import percent
from hertzian.report.curves import draw_curve
from hertzian.report.features import scatter_classes
from hertzian.report.figures import constellation, excerpt_spectrogram, spectrum
from hertzian.report.markup import Markup, element
from hertzian.report.page import Column, Plot, Section, Table, experiment_page
from hertzian.report.style import INK, SERIES, new_figure, style
from hertzian.report.svg import inline_svg
from hertzian.report.text import printable
from hertzian.signal import HertzianError

_CALLED = 3


@dataclass(frozen=True)
class ShownCluster:
    """A cluster and its medoid.

    Attributes:
        signals: how many it has.
        share: of all signals.
        iq: samples of the medoid at baseband, complex64 [n].
        sample_rate_hz: theirs; 1.0 where it isn't known.
        columns: what is told of its most typical signals.
        typical: a row of each, the medoid first.
        called: what the model that heard them calls them -> how many; empty where nothing did.
    """

    signals: int
    share: float
    iq: npt.NDArray[np.complex64]
    sample_rate_hz: float
    columns: Sequence[Column | str]
    typical: Sequence[Sequence[str | int | float]]
    called: Mapping[str, int]


@dataclass(frozen=True)
class ClusterPage:
    """What the page shows.

    Attributes:
        title: of the page.
        clusters: numbered from 1 on.
        places: of the signals on the map, [n, 2].
        numbers: the cluster of each, from 0 on, [n].
        strengths: number of clusters -> prediction strength; empty where it was given.
        how_to_name: what to do with it, a sentence each.
    """

    title: str
    clusters: Sequence[ShownCluster]
    places: npt.NDArray[np.float64]
    numbers: npt.NDArray[np.int64]
    strengths: Mapping[int, float]
    how_to_name: Sequence[str]


def write_clusters(path: str | os.PathLike[str], page: ClusterPage) -> None:
    """Write clusters as one HTML page that needs nothing else.

    Raises:
        RecordingError: it cannot be written.
    """
    signals = sum(cluster.signals for cluster in page.clusters)
    lead = f"{signals:,} signals in {len(page.clusters)} clusters, from the largest on."
    map_of = Plot(
        cluster_map(page.places, page.numbers, len(page.clusters)),
        "Map",
        "Each point is a signal; what the network finds alike lies together (t-SNE). Distances "
        "between groups tell little.",
    )
    sections = [Section("All clusters", (*page.how_to_name, _overview(page), map_of))]
    sections += [_section(n, cluster) for n, cluster in enumerate(page.clusters, start=1)]
    if page.strengths:
        sections.append(_evidence(page))
    experiment_page(path, page.title, sections, lead)


def _overview(page: ClusterPage) -> Table:
    rows = []
    for number, cluster in enumerate(page.clusters, start=1):
        link = element("a", f"Cluster {number}", href=f"#cluster-{number}")
        called = printable(_called(cluster))
        rows.append((link, cluster.signals, percent(cluster.share), called))
    right = [Column("Signals", "right"), Column("Share", "right")]
    return Table(["Cluster", *right, "Heard as"], rows, wide=True)


def _called(cluster: ShownCluster) -> str:
    """Return what most were called, such as `OOK 12, 2FSK 3`."""
    most = sorted(cluster.called.items(), key=lambda item: -item[1])[:_CALLED]
    return ", ".join(f"{name} {count}" for name, count in most) or "–"


def _section(number: int, cluster: ShownCluster) -> Section:
    parts: list[str | Plot | Table | Markup] = [*_drawn(cluster)]
    if not parts:
        parts.append("The typical signal is too short to be drawn.")
    parts.append(Table(cluster.columns, cluster.typical, "The most typical, the one drawn first"))
    title = f"Cluster {number} · {cluster.signals:,} signals"
    return Section(title, parts, f"cluster-{number}")


def _drawn(cluster: ShownCluster) -> list[Markup]:
    iq, rate = cluster.iq, cluster.sample_rate_hz
    try:
        figures = {
            "Spectrogram": excerpt_spectrogram(iq, rate),
            "Spectrum": spectrum(iq, rate),
            "I/Q, envelope and frequency": constellation(iq, rate),
        }
    except HertzianError:  # too short, or silent: nothing to draw
        return []
    drawn = [element("figure", inline_svg(figure, name)) for name, figure in figures.items()]
    return [element("div", *drawn, class_="panels")]


def _evidence(page: ClusterPage) -> Section:
    text = (
        "Half of the signals were clustered apart from the other. Of the pairs that are in one "
        "cluster of the one half, the curve shows which share is so by the other half's clusters "
        "too, in the worst cluster, over ten halvings (prediction strength, Tibshirani and Walther "
        "2005). The largest number that keeps 80% was taken, but at least two."
    )
    drawn = Plot(strength_curve(page.strengths, len(page.clusters)), "Prediction strength")
    return Section("Why so many clusters", (text, drawn))


def cluster_map(
    places: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], count: int
) -> Figure:
    """Draw signals at their places [n, 2], each cluster 0 .. count - 1 with a look of its own."""
    with style():
        figure = new_figure(8.4, 5.4)
        axes = figure.add_subplot()
        scatter_classes(axes, places, numbers, [str(number + 1) for number in range(count)])
        for number in range(count):
            own = places[numbers == number]
            if len(own):
                middle = np.median(own, axis=0)
                axes.text(
                    float(middle[0]),
                    float(middle[1]),
                    str(number + 1),
                    color=INK,
                    weight="bold",
                    ha="center",
                )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.legend(title="cluster", loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return figure


def strength_curve(strengths: Mapping[int, float], taken: int) -> Figure:
    """Draw the prediction strength over the number of clusters, and the number that was taken."""
    with style():
        figure = new_figure(7.2, 3.4)
        axes = figure.add_subplot()
        draw_curve(axes, 0, "prediction strength", {float(k): v for k, v in strengths.items()})
        axes.axhline(80, color=INK, linewidth=0.8, linestyle=":")
        axes.axvline(taken, color=SERIES[1], linewidth=1.0, linestyle="--")
        axes.set(xlabel="number of clusters", ylabel="pairs found again (%)", ylim=(0, 100))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
