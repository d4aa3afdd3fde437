import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hertzian.waveforms import WaveformError
from hertzian.waveforms.pulses import (
    PHASES,
    interpolator,
    pulse,
    raised_cosine,
    root_raised_cosine,
    shape,
)


@pytest.mark.parametrize("roll_off", [0.1, 0.25, 0.5, 1.0])
def test_the_root_raised_cosine_squares_to_a_raised_cosine(roll_off):
    fine = pulse("rrc", roll_off, span=40).autocorrelation
    lags = np.arange(6 * 512) / 512
    np.testing.assert_allclose(fine[: lags.size], raised_cosine(lags, roll_off), atol=2e-3)


@given(st.floats(0.05, 1.0))
@settings(max_examples=30, deadline=None)
def test_the_root_raised_cosine_is_continuous_where_its_formula_is_not(roll_off):
    gap = 1 / (4 * roll_off)
    at, beside = root_raised_cosine(np.array([gap, gap + 1e-5]), roll_off)
    assert at == pytest.approx(beside, abs=1e-3)
    limit = (
        roll_off
        / np.sqrt(2)
        * ((1 + 2 / np.pi) * np.sin(np.pi * gap) + (1 - 2 / np.pi) * np.cos(np.pi * gap))
    )
    assert at == pytest.approx(limit, abs=1e-5)
    assert root_raised_cosine(np.zeros(1), roll_off)[0] == pytest.approx(
        1 - roll_off + 4 * roll_off / np.pi
    )


@pytest.mark.parametrize("roll_off", [0.25, 1 / 3, 0.5, 1.0])
def test_the_raised_cosine_has_its_limit_where_its_formula_has_none(roll_off):
    gap = 1 / (2 * roll_off)
    assert raised_cosine(np.array([gap]), roll_off)[0] == pytest.approx(
        np.pi / 4 * np.sinc(gap), abs=1e-5
    )


def test_without_roll_off_they_are_a_sinc():
    t = np.linspace(-4, 4, 33)
    for function in (root_raised_cosine, raised_cosine):
        np.testing.assert_allclose(function(t, 0.0), np.sinc(t), atol=1e-12)


def test_symbols_on_a_raised_cosine_are_its_samples():
    symbols = torch.randn(2, 60, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    shaping = pulse("rc", 0.35, span=16)
    x = shape(symbols, shaping, 1.0, torch.zeros(2, 1, dtype=torch.float64), 40)
    # the first of them lies `taps + first - 1` before the first sample
    first = shaping.taps + shaping.first - 1
    assert torch.allclose(x, symbols[:, first : first + 40], atol=1e-6)


@pytest.mark.parametrize("rise", [0.0, 0.1, 0.5, 1.0])
def test_neighbouring_rectangles_join_to_a_constant(rise):
    shaping = pulse("rect", rise_share=rise)
    np.testing.assert_allclose(shaping.table.sum(dim=0).numpy(), 1.0, atol=1e-6)


def test_a_rectangle_rises_within_its_share():
    flat = pulse("rect", rise_share=0.25).table.numpy().ravel()
    rising = np.flatnonzero((flat > 1e-4) & (flat < 1 - 1e-4))
    first, middle = rising[0] / PHASES - 1, np.flatnonzero(flat >= 0.5)[0] / PHASES - 1
    assert first == pytest.approx(-0.125, abs=0.002)
    assert middle == pytest.approx(0.0, abs=0.001)


def test_the_half_sine_has_unit_energy():
    table = pulse("half-sine").table.double()
    assert float(table.square().mean()) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("ratio", [1.5, 2.0, 3.7, 41.3])
def test_shaping_is_the_sum_that_it_says(ratio):
    rng = np.random.default_rng(0)
    samples, timing, roll_off, half = 200, 0.37, 0.3, 4
    shaping = pulse("rrc", roll_off, span=2 * half)
    symbols = rng.normal(size=shaping.symbols_needed(samples, ratio))
    x = shape(
        torch.from_numpy(symbols)[None], shaping, ratio, torch.tensor([[timing]]).double(), samples
    )
    t = np.arange(samples)[:, None] / ratio + timing
    k = np.arange(symbols.size)[None, :] - (half - 1)
    g = np.where(np.abs(t - k) < half, root_raised_cosine(t - k, roll_off), 0.0)
    # the table is read at the nearest of 8192 phases, its slope is below 4 per symbol
    np.testing.assert_allclose(x[0].numpy(), g @ symbols, atol=8 * 4 / 16384 + 2e-3)


def test_the_interpolator_reproduces_a_line_of_the_lower_half_band():
    kernel, ratio, samples = interpolator(), 1.37, 500
    count = kernel.symbols_needed(samples, ratio)
    k = np.arange(count) - (kernel.taps + kernel.first - 1)
    for f in (0.0, 0.1, -0.22):
        line = torch.from_numpy(np.exp(2j * np.pi * f * k))[None]
        x = shape(line, kernel, ratio, torch.zeros(1, 1).double(), samples)[0].numpy()
        expected = np.exp(2j * np.pi * f * np.arange(samples) / ratio)
        assert np.abs(x - expected).max() < 1e-3


def test_an_unknown_pulse_is_named():
    with pytest.raises(WaveformError, match="unknown pulse 'sinc'; known are rrc"):
        pulse("sinc")
