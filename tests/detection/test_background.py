"""A plateau without the signals on it: what is left, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from tests.detection.scenes import add, band_noise, tone, white

from hertzian.detection import OCCUPIED_SHARE, WINDOW, Baseband, background

pytestmark = pytest.mark.base

COUNT = 60


def plateau(x, noise_density=1e-4):
    return Baseband(
        iq=x.astype(np.complex64),
        rate=1.0,
        center=0.0,
        bandwidth=OCCUPIED_SHARE,
        start=0,
        stop=x.size,
        energy=float(np.sum(np.abs(x) ** 2)),
        noise_density=noise_density,
        line_share=0.0,
        plateau=True,
    )


def filtered_noise(seed=0):
    return band_noise(COUNT * WINDOW, OCCUPIED_SHARE, seed)


def test_bare_noise_stays_as_it_is():
    x = filtered_noise()
    rest = background(plateau(x))
    np.testing.assert_array_equal(rest.iq, x)
    np.testing.assert_array_equal(rest.windows.ravel(), x)


def test_windows_with_a_burst_are_left_out():
    x = filtered_noise()
    x[10 * WINDOW : 30 * WINDOW] += tone(20 * WINDOW, 0.05, 10.0)
    rest = background(plateau(x))
    assert len(rest.windows) == COUNT - 20
    assert not rest.iq[10 * WINDOW : 30 * WINDOW].any()
    np.testing.assert_array_equal(rest.windows[:10].ravel(), x[: 10 * WINDOW])


def test_gaps_in_a_signal_do_not_pass_for_the_background():
    x = filtered_noise()
    x[: 30 * WINDOW] = 0.01 * white(30 * WINDOW)
    rest = background(plateau(x))
    assert len(rest.windows) == 30
    assert not rest.iq[: 30 * WINDOW].any()


def test_a_signal_that_never_pauses_is_brought_down_or_taken_out():
    x = filtered_noise()
    add(x, 0, 10 * band_noise(x.size, 0.05, seed=1), 0.08)
    rest = background(plateau(x))
    assert len(rest.windows) == COUNT
    density = np.mean(np.abs(np.fft.fft(rest.windows, axis=1)) ** 2, axis=0)
    frequencies = np.fft.fftfreq(WINDOW)
    under, beside = np.abs(frequencies - 0.08) < 0.02, np.abs(frequencies + 0.08) < 0.02
    assert density[under].mean() == pytest.approx(density[beside].mean(), rel=0.3)
    spectrum = np.abs(np.fft.fft(rest.iq)) ** 2
    f = np.fft.fftfreq(rest.iq.size)
    assert (
        spectrum[np.abs(f - 0.08) < 0.02].mean() < 1e-3 * spectrum[np.abs(f + 0.08) < 0.02].mean()
    )


def test_nothing_is_left_of_less_than_a_window_or_of_the_noise_under_a_plateau():
    assert background(plateau(filtered_noise()[: WINDOW - 1])) is None
    assert background(replace(plateau(filtered_noise()), noise_density=10.0)) is None
