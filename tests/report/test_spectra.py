import tracemalloc

import numpy as np
import pytest

from hertzian.recordings import open_recording
from hertzian.report.spectra import (
    color_limits,
    excerpt_image,
    instantaneous_frequency,
    power_spectrum,
    spectrogram_image,
    strongest_excerpt,
    trajectory_density,
)
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base


def tone(cycles_per_sample, samples, amplitude=1.0):
    return amplitude * np.exp(2j * np.pi * cycles_per_sample * np.arange(samples))


def row_frequencies(image):
    edges = np.linspace(image.lower_hz, image.upper_hz, image.power.shape[0] + 1)
    return (edges[1:] + edges[:-1]) / 2


def test_tone_on_a_bin_has_its_frequency_and_its_level_in_dbfs(write_recording):
    rate, center, amplitude = 2e6, 433e6, 0.25
    recording = write_recording(tone(-0.1875, 65536, amplitude), rate, center)
    image = spectrogram_image(recording)
    strongest = image.power.argmax(axis=0)
    assert np.allclose(row_frequencies(image)[strongest], center - 0.1875 * rate, atol=1e-3)
    level_db = 10 * np.log10(image.power.max(axis=0))
    assert np.allclose(level_db, 20 * np.log10(amplitude), atol=1e-3)


def test_level_of_white_noise_is_that_of_hanns_window(write_recording, noise):
    # one frame a column: E |sum w x|^2 / (sum w)^2 = sigma^2 sum w^2 / (sum w)^2 = 1.5 sigma^2 / N
    image = spectrogram_image(write_recording(0.1 * noise(131072)))
    assert image.power.mean() == pytest.approx(1.5 * 0.01 / image.power.shape[0], rel=0.02)


def test_every_column_obeys_parseval(write_recording, noise):
    iq = noise(64)
    image = spectrogram_image(write_recording(iq))
    size, columns = image.power.shape
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    centres = (np.arange(columns) + 0.5) * 64 / columns
    for column, centre in zip(image.power.T, centres, strict=True):
        start = int(np.clip(np.round(centre) - size // 2, 0, 64 - size))
        energy = np.sum(np.abs(window * iq[start : start + size]) ** 2)
        assert column.sum() == pytest.approx(size * energy / window.sum() ** 2, rel=1e-5)


@pytest.mark.parametrize("samples", [64, 65, 100, 4096, 200_000])
def test_extent_covers_the_recording_at_any_length(write_recording, noise, samples):
    image = spectrogram_image(write_recording(noise(samples), 1e6))
    rows, columns = image.power.shape
    assert rows <= 512
    assert columns <= 1200
    assert (image.start_s, image.stop_s) == (0, samples / 1e6)
    assert row_frequencies(image)[0] == pytest.approx(-0.5e6)
    assert np.isfinite(image.power).all()
    assert image.complete


def test_burst_stands_at_its_time(write_recording, noise):
    iq = 1e-3 * noise(400_000)
    iq[300_000:304_000] += tone(0.1, 4000).astype(np.complex64)
    image = spectrogram_image(write_recording(iq, 1e6))
    loud = np.flatnonzero(image.power.max(axis=0) > 0.5)
    times = (loud + 0.5) / image.power.shape[1] * image.stop_s
    assert times.min() == pytest.approx(0.300, abs=1e-3)
    assert times.max() == pytest.approx(0.304, abs=1e-3)


def test_burst_shorter_than_a_column_shows(write_recording, noise):
    iq = 1e-3 * noise(3_000_000)
    iq[1_500_000:1_500_600] = 1
    image = spectrogram_image(write_recording(iq))
    assert 3_000_000 / image.power.shape[1] > 600
    assert image.power.max() == pytest.approx(1, rel=0.05)


def test_huge_file_takes_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("hertzian.report.spectra._FRAMES_PER_COLUMN", 8)  # tracing is slow
    path = tmp_path / "huge.cu8"
    with path.open("wb") as file:
        file.truncate(4 << 30)  # sparse: no disk is used
    recording = open_recording(path, sample_rate_hz=2e6)
    assert recording.samples == 2 << 30
    tracemalloc.start()
    image = spectrogram_image(recording)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64e6
    assert not image.complete


def test_color_limits_sit_at_the_noise_and_the_peak():
    rng = np.random.default_rng(1)
    levels = rng.normal(-60, 2, (128, 500))
    levels[40:44, 100:120] = -10
    levels[:, 300:400] = -np.inf
    lower, upper = color_limits(levels)
    assert -65 < lower < -60
    assert upper == pytest.approx(-10)


def test_color_limits_span_25_to_70_db():
    assert np.subtract(*color_limits(np.full((4, 4), -50.0))[::-1]) == 25
    wide = np.linspace(-200, 0, 10_000)
    assert np.subtract(*color_limits(wide)[::-1]) == pytest.approx(70)
    assert color_limits(np.full((4, 4), -np.inf)) == (-100, -75)


@pytest.mark.parametrize("frequency_hz", [-123_000.0, 0.0, 77_500.0])
def test_power_spectrum_peaks_at_a_tone(frequency_hz):
    rate = 1e6
    frequencies, psd = power_spectrum(tone(frequency_hz / rate, 8192), rate)
    assert np.all(np.diff(frequencies) > 0)
    assert frequencies[psd.argmax()] == pytest.approx(frequency_hz, abs=rate / psd.size)


@pytest.mark.parametrize("samples", [16, 100, 5000])
def test_power_spectrum_integrates_to_the_power(samples):
    # of constant modulus, so that no window can weight it otherwise
    phase = np.random.default_rng(3).uniform(0, 2 * np.pi, samples)
    frequencies, psd = power_spectrum(0.3 * np.exp(1j * phase), 48e3)
    assert psd.sum() * (frequencies[1] - frequencies[0]) == pytest.approx(0.09, rel=1e-6)


def test_power_spectrum_needs_samples():
    with pytest.raises(HertzianError, match="needs 16 samples, got 3"):
        power_spectrum(np.ones(3), 1.0)


def test_instantaneous_frequency_of_a_linear_chirp():
    rate, sweep = 1e6, 4e8  # hertz per second
    time = np.arange(500) / rate
    chirp = np.exp(1j * np.pi * sweep * time**2)
    middle = (time[1:] + time[:-1]) / 2
    assert np.allclose(instantaneous_frequency(chirp, rate), sweep * middle)


def test_strongest_excerpt_finds_the_burst():
    iq = np.zeros(1000, dtype=complex)
    iq[620:680] = 1j
    assert strongest_excerpt(iq, 60) == slice(620, 680)
    assert strongest_excerpt(iq, 5000) == slice(0, 1000)


def test_trajectory_of_a_circle_is_a_circle_of_unit_radius():
    density, radius = trajectory_density(tone(0.05, 4000, amplitude=7e-5))
    assert radius == pytest.approx(1.1, rel=0.01)
    axis = (np.arange(101) + 0.5) / 101 * 2 * radius - radius
    distance = np.hypot(*np.meshgrid(axis, axis))
    assert np.average(distance, weights=density) == pytest.approx(1, abs=0.01)
    assert density[np.abs(distance - 1) < 0.05].sum() > 0.99


def test_trajectory_has_q_upwards_and_i_to_the_right():
    density, radius = trajectory_density(np.full(400, 1 + 0.2j))
    row, column = np.unravel_index(density.argmax(), density.shape)
    axis = (np.arange(101) + 0.5) / 101 * 2 * radius - radius
    assert axis[column] == pytest.approx(1 / np.hypot(1, 0.2), abs=0.03)
    assert axis[row] == pytest.approx(0.2 / np.hypot(1, 0.2), abs=0.03)


@pytest.mark.parametrize("iq", [np.zeros(100), np.ones(15)])
def test_trajectory_of_silence_or_next_to_nothing_is_refused(iq):
    with pytest.raises(HertzianError, match="16 samples with power"):
        trajectory_density(iq)


def test_an_excerpt_shows_where_power_is():
    # a tone at a quarter of the rate in the second half alone
    x = np.exp(0.5j * np.pi * np.arange(4096)) * (np.arange(4096) >= 2048)
    image = excerpt_image(x, 1000.0)
    rows, columns = image.power.shape
    row = image.power.max(axis=1).argmax()
    bin_hz = (image.upper_hz - image.lower_hz) / rows
    assert image.lower_hz + (row + 0.5) * bin_hz == pytest.approx(250, abs=bin_hz / 2)
    assert image.power[:, : int(0.45 * columns)].max() == 0
    assert image.power[row, int(0.6 * columns) :].min() == pytest.approx(1, rel=1e-3)
    assert image.stop_s == pytest.approx(4.096)


def test_an_excerpt_may_be_short_but_not_empty():
    assert excerpt_image(np.ones(16), 1.0).power.shape[0] == 8
    for nothing in (np.ones(15), np.zeros(100)):
        with pytest.raises(HertzianError, match="a spectrogram needs 16 samples with power"):
            excerpt_image(nothing, 1.0)
