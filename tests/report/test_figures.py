import numpy as np
import pytest
from matplotlib.patches import Rectangle

from hertzian.report.figures import constellation, spectrogram, spectrum
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base


def tone(cycles_per_sample, samples):
    return np.exp(2j * np.pi * cycles_per_sample * np.arange(samples))


def box_extents(figure):
    """Boxes of a spectrogram in the units of its axes: left, bottom, right, top."""
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    back = axes.transData.inverted()
    return [back.transform_bbox(box.get_window_extent()).extents for box in boxes]


def test_boxes_stand_at_time_and_frequency(write_recording, noise, make_detection):
    recording = write_recording(noise(200_000), 1e6, 433e6)
    detection = make_detection(start=50_000, count=40_000, center_hz=-100e3, bandwidth_hz=60e3)
    figure = spectrogram(recording, [detection])
    assert figure.axes[0].get_xlabel() == "time (ms)"
    assert figure.axes[0].get_ylabel() == "frequency (MHz)"
    (extents,) = box_extents(figure)
    assert extents == pytest.approx([50, 432.87, 90, 432.93], abs=1e-6)


def test_frequency_is_an_offset_where_the_centre_is_unknown(write_recording, noise, make_detection):
    figure = spectrogram(write_recording(noise(5000), 250e3), [make_detection(center_hz=30e3)])
    assert figure.axes[0].get_ylabel() == "frequency offset (kHz)"
    (extents,) = box_extents(figure)
    assert (extents[1] + extents[3]) / 2 == pytest.approx(30)


def test_picture_is_brightest_in_the_box_of_the_burst(write_recording, noise, make_detection):
    iq = 0.01 * noise(100_000)
    iq[40_000:60_000] += tone(0.2, 20_000).astype(np.complex64)
    detection = make_detection(start=40_000, count=20_000, center_hz=200e3, bandwidth_hz=10e3)
    figure = spectrogram(write_recording(iq, 1e6), [detection])
    (picture,) = figure.axes[0].images
    left, right, bottom, top = picture.get_extent()
    rows, columns = picture.get_array().shape
    row, column = np.unravel_index(np.argmax(picture.get_array()), (rows, columns))
    (box,) = box_extents(figure)
    assert box[0] < left + (column + 0.5) * (right - left) / columns < box[2]
    assert box[1] < bottom + (row + 0.5) * (top - bottom) / rows < box[3]


def overlap(one, other):
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


def test_names_never_cover_one_another_and_the_strongest_has_one(
    write_recording, noise, make_detection
):
    rng = np.random.default_rng(5)
    detections = [
        make_detection(
            start=int(rng.integers(0, 190_000)),
            count=int(rng.integers(100, 9000)),
            center_hz=float(rng.uniform(-4e5, 4e5)),
            snr_db=float(rng.uniform(3, 30)),
        )
        for _ in range(150)
    ]
    figure = spectrogram(write_recording(noise(200_000), 1e6), detections)
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    extents = [text.get_window_extent() for text in texts]
    assert not any(overlap(a, b) for i, a in enumerate(extents) for b in extents[:i])
    strongest = max(range(150), key=lambda i: detections[i].energy)
    assert f"{strongest + 1} OOK" in [text.get_text() for text in texts]
    assert len(box_extents(figure)) == 150


@pytest.mark.parametrize("label", [r"$\frac{", "a\nb\x00c", "$x$ <b>"])
def test_hostile_labels_are_drawn_as_text(write_recording, noise, make_detection, label):
    figure = spectrogram(write_recording(noise(5000)), [make_detection(modulation=label)])
    figure.draw_without_rendering()
    (name,) = figure.axes[0].texts
    assert name.get_text().isprintable()


def shaded_band(figure):
    (band,) = figure.axes[0].patches
    return band.get_x(), band.get_x() + band.get_width()


def test_spectrum_peaks_at_the_tone_and_shades_the_given_band():
    figure = spectrum(tone(0.1, 4096), 200e3, bandwidth_hz=50e3)
    (line,) = figure.axes[0].lines
    offset, level = line.get_data()
    assert offset[np.argmax(level)] == pytest.approx(20, abs=200 / level.size)
    assert np.max(level) == pytest.approx(0)
    assert shaded_band(figure) == pytest.approx((-25, 25))
    assert figure.axes[0].get_xlabel() == "offset (kHz)"


def test_spectrum_shades_what_holds_99_percent(noise):
    """A signal of flat density within +-1/8 of the rate: 99% of it are 99% of that band."""
    spectrum_bins = np.fft.fft(noise(65536))
    spectrum_bins[np.abs(np.fft.fftfreq(65536)) > 0.125] = 0
    figure = spectrum(np.fft.ifft(spectrum_bins), 1e6)
    assert shaded_band(figure) == pytest.approx((-123.75, 123.75), rel=0.02)


def test_constellation_shows_envelope_and_frequency_with_their_units():
    figure = constellation(5e-6 * tone(0.125, 5000), 80e3)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[:3] == ["I/Q density", "Envelope", "Instantaneous frequency (kHz)"]
    _, envelope, frequency, *_ = figure.axes
    assert np.allclose(envelope.lines[0].get_ydata(), 1)
    assert np.allclose(frequency.lines[0].get_ydata(), 10)
    assert frequency.get_xlabel() == "time (ms)"


def test_constellation_leaves_out_the_phase_of_silence(noise):
    iq = 1e-3 * noise(400)
    iq[100:200] += 1
    frequency = constellation(iq, 1.0).axes[2].lines[0].get_ydata()
    assert np.isfinite(frequency).sum() == 99


@pytest.mark.parametrize("draw", [spectrum, constellation])
@pytest.mark.parametrize("iq", [np.ones(3), np.zeros(100), np.ones(0)], ids=["3", "zero", "none"])
def test_what_cannot_be_drawn_is_refused(draw, iq):
    with pytest.raises(HertzianError):
        draw(iq, 1e3)
