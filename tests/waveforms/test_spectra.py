import numpy as np
import pytest

from hertzian.waveforms.pulses import pulse
from hertzian.waveforms.spectra import bandwidth_of, linear_autocorrelation


def test_white_noise_fills_99_percent():
    assert bandwidth_of(np.eye(1, 64)[0]) == pytest.approx(0.99, abs=1e-3)


def test_a_rectangle_has_the_textbook_bandwidth():
    # 99% of sinc^2 lies within 20.56 symbol rates (Couch, Digital and Analog Communication, 2-9)
    correlation = linear_autocorrelation(np.ones(1), pulse("rect"), 400.0)
    assert 400 * bandwidth_of(correlation) == pytest.approx(20.56, rel=0.03)


def test_msk_as_half_sines_has_the_textbook_bandwidth():
    # MSK: 99% within 1.18 bit rates; its half-sine pulses last two bits
    correlation = linear_autocorrelation(np.ones(1), pulse("half-sine"), 40.0)
    assert 40 * bandwidth_of(correlation) / 2 == pytest.approx(1.18, rel=0.01)


def test_a_line_in_endless_signals_is_seen():
    # half the power is a line, half is white: the middle 99% leaves out 0.5% on each side
    correlation = 0.5 * np.ones(512)
    correlation[0] = 1.0
    assert bandwidth_of(correlation, endless=True) == pytest.approx(0.98, abs=5e-3)
