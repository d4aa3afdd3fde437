import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erfinv

from hertzian.signal import decibels, occupied_bandwidth, power_db

FREQUENCIES = np.linspace(-500.0, 500.0, 20_001)


@pytest.mark.parametrize("share", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("bins", [slice(3, 13), slice(0, 20), slice(7, 8)])
def test_of_a_rectangle_the_band_is_the_share_of_its_width(bins, share):
    psd = np.zeros(20)
    psd[bins] = 0.3
    frequencies = 1e6 + 250.0 * np.arange(20)
    lower, upper = occupied_bandwidth(psd, frequencies, share)
    width = 250.0 * (bins.stop - bins.start)
    begin = 1e6 + 250.0 * (bins.start - 0.5)
    assert lower == pytest.approx(begin + (1 - share) / 2 * width, abs=1e-6)
    assert upper == pytest.approx(begin + (1 + share) / 2 * width, abs=1e-6)


def test_the_whole_share_ends_where_the_power_does_on_both_sides():
    assert occupied_bandwidth([0, 0, 1, 1, 0, 0], np.arange(6.0), 1.0) == (1.5, 3.5)


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_of_a_gaussian_spectrum(share):
    sigma = 30.0
    psd = np.exp(-0.5 * (FREQUENCIES / sigma) ** 2)
    edge = sigma * np.sqrt(2) * erfinv(share)
    lower, upper = occupied_bandwidth(psd, FREQUENCIES, share)
    assert (lower, upper) == pytest.approx((-edge, edge), rel=1e-4)


def test_of_a_lorentzian_spectrum():
    # within |f| <= x lies the share atan(x / g) / atan(F / g) of what lies within |f| <= F
    g, end = 2.0, 500.0 + 0.025
    psd = 1 / (1 + (FREQUENCIES / g) ** 2)
    edge = g * np.tan(0.99 * np.arctan(end / g))
    lower, upper = occupied_bandwidth(psd, FREQUENCIES)
    assert (lower, upper) == pytest.approx((-edge, edge), rel=1e-3)


@given(
    st.lists(st.floats(0.0, 1e6), min_size=2, max_size=40).filter(lambda p: sum(p) > 1e-3),
    st.floats(1e-9, 1e9),
    st.floats(-1e3, 1e3),
)
def test_neither_level_nor_place_changes_the_band(psd, level, place):
    frequencies = np.arange(len(psd), dtype=float)
    lower, upper = occupied_bandwidth(psd, frequencies)
    assert -0.5 <= lower <= upper <= len(psd) - 0.5
    moved = occupied_bandwidth(np.multiply(psd, level), frequencies + place)
    assert moved == pytest.approx((lower + place, upper + place), abs=1e-6)


@given(st.lists(st.floats(0.01, 1e3), min_size=2, max_size=40))
def test_the_mirrored_spectrum_has_the_mirrored_band(psd):
    frequencies = np.arange(len(psd)) - (len(psd) - 1) / 2
    lower, upper = occupied_bandwidth(psd, frequencies)
    assert occupied_bandwidth(psd[::-1], frequencies) == pytest.approx((-upper, -lower), abs=1e-6)


@pytest.mark.parametrize("psd", [[0.0, 0.0], [1.0], [np.nan, 1.0], [-1.0, -2.0]])
def test_no_power_or_a_single_bin_is_refused(psd):
    with pytest.raises(ValueError, match="spectrum with power"):
        occupied_bandwidth(psd, np.arange(len(psd), dtype=float))


def test_power_in_decibels():
    assert power_db([3 + 4j, -5, 5j]) == pytest.approx(10 * np.log10(25))
    assert power_db(np.full((2, 8), 0.1j)) == pytest.approx(-20.0)
    assert power_db(np.zeros(4)) == -np.inf


def test_decibels_of_ratios():
    np.testing.assert_allclose(decibels([1, 10, 0.01, 2]), [0, 10, -20, 10 * np.log10(2)])
    assert decibels(0.0) == -np.inf
