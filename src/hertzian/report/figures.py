"""Figures of recordings and of single detections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hertzian.recordings import Recording
from hertzian.report.engineering import axis_prefix, time_prefix
from hertzian.report.spectra import (
    SpectrogramImage,
    color_limits,
    excerpt_image,
    instantaneous_frequency,
    power_spectrum,
    spectrogram_image,
    strongest_excerpt,
    trajectory_density,
)
from hertzian.report.style import BOX, HEAT, SERIES, new_figure, style
from hertzian.report.text import printable
from hertzian.signal import Detection, HertzianError, decibels, occupied_bandwidth

_Place = tuple[float, float, float, float]  # left, bottom, right, top
_EXCERPT_SAMPLES = 384
_NAMED_BOXES = 40


@dataclass(frozen=True)
class _Box:
    """A detection as fractions of the picture's width and height, from its lower left corner."""

    number: int
    left: float
    right: float
    bottom: float
    top: float
    name: str
    energy: float


def spectrogram(
    recording: Recording,
    detections: Sequence[Detection] = (),
    links: Mapping[int, str] | None = None,
) -> Figure:
    """Draw a recording, time across and frequency upwards, with a numbered box per detection.

    Numbers count from 1 in the order given. `links` maps the index of a detection to the address
    that its box leads to. Where boxes crowd, the strongest keep their names.

    Raises:
        RecordingError: the recording cannot be read.
    """
    image = spectrogram_image(recording)
    known = recording.center_frequency_hz != 0
    with style():
        figure = new_figure(11, 4.4)
        axes = figure.add_subplot()
        _draw_image(figure, axes, image, known=known, label="level (dBFS)")
        scale = recording.sample_rate_hz * image.stop_s, image.upper_hz - image.lower_hz
        bottom = image.lower_hz - recording.center_frequency_hz
        boxes = [_box(i, d, scale, bottom) for i, d in enumerate(detections)]
        _draw_boxes(axes, boxes, links or {})
    return figure


def excerpt_spectrogram(iq: npt.ArrayLike, sample_rate_hz: float) -> Figure:
    """Draw samples [n] at baseband, time across and frequency upwards.

    Raises:
        HertzianError: fewer than 16 samples, or no power in them.
    """
    image = excerpt_image(iq, sample_rate_hz)
    image = replace(image, power=image.power / image.power.max())
    with style():
        figure = new_figure(6.8, 2.7, margins=(0.7, 0.8, 0.52, 0.3))
        axes = figure.add_subplot()
        _draw_image(figure, axes, image, known=False, label="level (dB)")
        axes.set(title="Spectrogram")
    return figure


def _draw_image(
    figure: Figure, axes: Axes, image: SpectrogramImage, *, known: bool, label: str
) -> None:
    """Draw a spectrogram and its scale, over the offset where the centre isn't `known`."""
    time, prefix_s = time_prefix(image.stop_s)
    half_span = (image.upper_hz - image.lower_hz) / 2
    frequency, prefix = axis_prefix(half_span, 0.02 if known else 1.0)
    levels = decibels(image.power)
    lower, upper = color_limits(levels)
    axes.grid(visible=False)
    picture = axes.imshow(
        np.where(np.isfinite(levels), levels, lower),
        extent=(0, image.stop_s / time, image.lower_hz / frequency, image.upper_hz / frequency),
        origin="lower",
        aspect="auto",
        interpolation="none",
        cmap=mpl.colormaps[HEAT].resampled(64),
        vmin=lower,
        vmax=upper,
    )
    offset = "" if known else " offset"
    axes.set(xlabel=f"time ({prefix_s}s)", ylabel=f"frequency{offset} ({prefix}Hz)")
    bar = figure.colorbar(picture, ax=axes, pad=0.012, fraction=0.03, aspect=30)
    bar.outline.set_visible(False)
    bar.set_label(label)


def _box(index: int, detection: Detection, scale: tuple[float, float], bottom_hz: float) -> _Box:
    left, right = detection.start / scale[0], detection.stop / scale[0]
    middle = (detection.center_hz - bottom_hz) / scale[1]
    half = detection.bandwidth_hz / scale[1] / 2
    name = printable(detection.modulation)
    return _Box(index, left, right, middle - half, middle + half, name, detection.energy)


def _draw_boxes(axes: Axes, boxes: Sequence[_Box], links: Mapping[int, str]) -> None:
    """Outline every box; name the strongest where their names do not cover one another."""
    taken: list[_Place] = []
    for box in sorted(boxes, key=lambda b: b.energy, reverse=True):
        outline = Rectangle(
            (box.left, box.bottom),
            max(box.right - box.left, 0.001),
            max(box.top - box.bottom, 0.004),
            transform=axes.transAxes,
            fill=False,
            edgecolor=BOX,
            linewidth=1.0,
            url=links.get(box.number),
        )
        axes.add_patch(outline)
        named = _name_place(box, taken)
        if named is None or len(taken) >= _NAMED_BOXES:
            continue
        name, place = named
        taken.append(place)
        axes.text(
            place[0],
            place[1],
            name,
            transform=axes.transAxes,
            fontsize=8,
            color="#06222a",
            va="bottom",
            ha="left",
            url=links.get(box.number),
            bbox={"facecolor": BOX, "edgecolor": "none", "pad": 1.2, "alpha": 0.92},
        )


def _name_place(box: _Box, taken: Sequence[_Place]) -> tuple[str, _Place] | None:
    """Return a box's name, or else its number, and where it is clear of `taken`; or None."""
    height = 0.05
    for name in (f"{box.number + 1} {box.name}", f"{box.number + 1}"):
        width = 0.0075 * len(name) + 0.006
        left = min(max(box.left, 0.002), 1 - width)
        for bottom in (box.top + 0.012, box.bottom - height - 0.004, box.top - height):
            place = (left, bottom, left + width, bottom + height)
            if bottom >= 0 and place[3] <= 1 and not any(_overlap(place, t) for t in taken):
                return name, place
    return None


def _overlap(one: _Place, other: _Place) -> bool:
    """Tell whether two rectangles share any area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def spectrum(iq: npt.ArrayLike, sample_rate_hz: float, bandwidth_hz: float | None = None) -> Figure:
    """Draw the power spectrum of a detection's baseband samples [n], its occupied band shaded.

    The band is `bandwidth_hz` about zero, or else what holds 99% of the power. Levels are relative
    to the strongest bin.

    Raises:
        HertzianError: fewer than 16 samples, or no power in them.
    """
    frequencies, psd = power_spectrum(iq, sample_rate_hz)
    if not psd.max() > 0:
        raise HertzianError("a spectrum needs samples with power in them")
    if bandwidth_hz is None:
        band = occupied_bandwidth(psd, frequencies)
    else:
        band = (-bandwidth_hz / 2, bandwidth_hz / 2)
    levels = decibels(psd / psd.max())
    floor = max(float(np.percentile(levels, 2)) - 5, -100.0)
    factor, prefix = axis_prefix(sample_rate_hz / 2, 1.0)
    with style():
        figure = new_figure(6.8, 2.7, margins=(0.7, 0.12, 0.52, 0.3))
        axes = figure.add_subplot()
        axes.axvspan(band[0] / factor, band[1] / factor, color=SERIES[5], alpha=0.28, linewidth=0)
        axes.plot(frequencies / factor, np.maximum(levels, floor), color=SERIES[0], linewidth=1.1)
        axes.set(
            title="Spectrum",
            xlabel=f"offset ({prefix}Hz)",
            ylabel="power density (dB)",
            xlim=(-sample_rate_hz / 2 / factor, sample_rate_hz / 2 / factor),
            ylim=(floor, 3),
        )
    return figure


def constellation(iq: npt.ArrayLike, sample_rate_hz: float) -> Figure:
    """Draw a detection's baseband samples [n]: I/Q density; envelope and frequency over time.

    The density is that of the trajectory. Envelope (relative to the root mean
    square) and instantaneous frequency are of the strongest 384 samples; beside each stands its
    distribution over all samples, that of the frequency weighted by power.

    Raises:
        HertzianError: fewer than 16 samples, or no power in them.
    """
    x = np.asarray(iq, dtype=np.complex128)
    density, radius = trajectory_density(x)
    x = x / np.sqrt(np.mean(np.abs(x) ** 2))
    with style():
        figure = new_figure(11.2, 3.1, margins=(0.6, 0.1, 0.52, 0.3))
        halves = figure.add_gridspec(1, 2, width_ratios=(3, 8), wspace=0.12)
        _draw_density(figure.add_subplot(halves[0]), density, radius)
        panels = halves[1].subgridspec(2, 2, width_ratios=(7, 1), wspace=0.02, hspace=0.42)
        over_time = [figure.add_subplot(panels[row, 0]) for row in (0, 1)]
        beside = [figure.add_subplot(panels[row, 1], sharey=over_time[row]) for row in (0, 1)]
        _draw_time_panels(over_time, beside, x, sample_rate_hz)
    return figure


def _draw_density(axes: Axes, density: npt.NDArray[np.float64], radius: float) -> None:
    axes.grid(visible=False)
    shade = density**0.4  # an on-off signal rests at zero: its pulses must still show
    axes.imshow(
        shade,
        extent=(-radius, radius, -radius, radius),
        origin="lower",
        interpolation="none",
        cmap=mpl.colormaps[HEAT].resampled(64),
        vmax=float(np.percentile(shade[shade > 0], 99)),
    )
    axes.set(title="I/Q density", xlabel="I", ylabel="Q")


def _draw_time_panels(
    over_time: Sequence[Axes],
    beside: Sequence[Axes],
    x: npt.NDArray[np.complex128],
    sample_rate_hz: float,
) -> None:
    excerpt = strongest_excerpt(x, _EXCERPT_SAMPLES)
    shown = x[excerpt]
    envelope, frequency = np.abs(x), instantaneous_frequency(x, sample_rate_hz)
    time, prefix_s = time_prefix(shown.size / sample_rate_hz)
    factor, prefix = axis_prefix(sample_rate_hz / 2, 1.0)
    seconds = np.arange(shown.size) / sample_rate_hz / time
    limit = sample_rate_hz / 2 / factor

    over_time[0].plot(seconds, np.abs(shown), color=SERIES[0], linewidth=1.1)
    over_time[0].set(title="Envelope", ylim=(0, 1.05 * float(envelope.max())))
    over_time[0].tick_params(labelbottom=False)
    # Where there is hardly a signal, the phase is that of noise
    strong = np.minimum(np.abs(shown[1:]), np.abs(shown[:-1])) > 0.35
    curve = np.where(strong, instantaneous_frequency(shown, sample_rate_hz) / factor, np.nan)
    over_time[1].plot(seconds[1:], curve, color=SERIES[1], linewidth=1.1)
    over_time[1].set(
        title=f"Instantaneous frequency ({prefix}Hz)",
        xlabel=f"time ({prefix_s}s)",
        ylim=(-limit, limit),
    )
    for axes in over_time:
        axes.set_xlim(0, max(float(seconds[-1]), 1e-12))
    _draw_distribution(beside[0], envelope, None, SERIES[0])
    _draw_distribution(beside[1], frequency / factor, envelope[1:] ** 2, SERIES[1])


def _draw_distribution(
    axes: Axes,
    values: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    color: str,
) -> None:
    lower, upper = axes.get_ylim()
    counts, edges = np.histogram(values, bins=64, range=(lower, upper), weights=weights)
    axes.fill_betweenx(
        np.repeat(edges, 2)[1:-1], np.repeat(counts, 2), color=color, alpha=0.55, linewidth=0
    )
    axes.set_xlim(0, None)
    axes.set_axis_off()
