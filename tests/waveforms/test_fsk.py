import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfc
from tests.waveforms.measures import array, bandwidth, frequency

from hertzian.waveforms import FrequencyShiftKeying, WaveformError
from hertzian.waveforms.fsk import phase_pulse


@pytest.mark.parametrize(
    "waveform",
    [
        FrequencyShiftKeying("2FSK", 5.7, 3.0),
        FrequencyShiftKeying("4FSK", 16.0),
        FrequencyShiftKeying("GFSK", 4.0, 0.7, bt=1.0, coding="manchester"),
        FrequencyShiftKeying("GMSK", 2000.0),
    ],
    ids=str,
)
def test_the_envelope_is_constant(waveform):
    np.testing.assert_allclose(np.abs(array(waveform, 2, 20000)), 1.0, atol=1e-5)


@pytest.mark.parametrize(("index", "sps"), [(0.5, 8), (1.0, 10), (2.0, 20), (10.0, 100)])
def test_binary_symbols_are_at_plus_and_minus_half_the_shift(index, sps):
    x = array(FrequencyShiftKeying("2FSK", sps, index, timing=0.0), 2, 100 * sps)
    f = frequency(x) * 2 * sps / index
    np.testing.assert_allclose(np.abs(f), 1.0, atol=2e-4 / index * sps)
    symbols = np.sign(f[:, sps // 2 :: sps])
    assert abs(symbols.mean()) < 0.3


def test_four_frequencies_are_evenly_spaced():
    x = array(FrequencyShiftKeying("4FSK", 10.0, 1.0, timing=0.0), 1, 10000)[0]
    levels = frequency(x) * 2 * 10
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-3)
    used, counts = np.unique(np.round(levels).astype(int), return_counts=True)
    assert list(used) == [-3, -1, 1, 3]
    np.testing.assert_allclose(counts / counts.sum(), 0.25, atol=0.05)


def test_minimum_shift_keying_turns_by_a_quarter_per_symbol_at_a_constant_rate():
    sps = 6
    x = array(FrequencyShiftKeying("MSK", sps, timing=0.0), 1, 6000)[0]
    increments = frequency(x) * 2 * np.pi
    np.testing.assert_allclose(np.abs(increments), np.pi / (2 * sps), atol=2e-6)
    bits = increments[sps // 2 :: sps] > 0
    assert 0.4 < bits.mean() < 0.6
    # the sign holds for a whole symbol
    np.testing.assert_array_equal(increments[: 5994 - 5994 % sps] > 0, np.repeat(bits, sps)[:5994])


@pytest.mark.parametrize("index", [None, 0.3, 0.7])
def test_continuous_phase_keying_has_half_a_shift_unless_told(index):
    x = array(FrequencyShiftKeying("CPFSK", 8.0, index, timing=0.0), 1, 4000)[0]
    h = 0.5 if index is None else index
    np.testing.assert_allclose(np.abs(frequency(x)), h / 16, atol=1e-6)


def test_half_a_shift_in_two_tones_is_minimum_shift_keying():
    msk = array(FrequencyShiftKeying("MSK", 5.3), 2, 1000)
    np.testing.assert_array_equal(msk, array(FrequencyShiftKeying("2FSK", 5.3, 0.5), 2, 1000))


def test_two_tones_step_by_a_quarter_turn():
    x = array(FrequencyShiftKeying("2FSK", 4.0, 0.5, timing=0.0), 1, 2800)[0]
    steps = np.diff(np.unwrap(np.angle(x[::4])))
    np.testing.assert_allclose(np.abs(steps), np.pi / 2, atol=1e-4)


def test_a_fractional_rate_keeps_the_phase_at_its_symbols():
    sps = 7.3
    x = array(FrequencyShiftKeying("2FSK", sps, 0.5, timing=0.0), 1, 5200)[0]
    phase = np.unwrap(np.angle(x))
    # the phase is linear within a symbol, so interpolation at its centre is exact
    centers = np.interp((np.arange(700) + 0.5) * sps, np.arange(phase.size), phase)
    steps = np.diff(centers) / (np.pi / 2)
    assert set(np.round(steps).astype(int)) == {-1, 0, 1}
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)


def test_the_gaussian_phase_pulse_is_the_integral_of_the_filtered_rectangle():
    bt = 0.3
    scale = 2 * np.pi * bt / np.sqrt(np.log(2))

    def q(x):
        return 0.5 * erfc(x / np.sqrt(2))

    def pulse(t):
        return q(scale * (t - 0.5)) - q(scale * (t + 0.5))

    for t in (-1.2, -0.3, 0.0, 0.7, 2.0):
        integral = quad(pulse, -8, t)[0]
        assert phase_pulse(np.array(t), bt) == pytest.approx(integral, abs=1e-8)


def test_a_long_run_of_equal_gaussian_symbols_reaches_the_full_deviation():
    waveform = FrequencyShiftKeying("GFSK", 20.0, 0.5, bt=0.5)
    f = frequency(array(waveform, 1, 60000)[0]) * 2 * 20 / 0.5
    assert np.abs(f).max() == pytest.approx(1.0, abs=0.01)
    # alternating symbols do not: their eye is closed to the Gaussian's share
    alternating = FrequencyShiftKeying("GFSK", 20.0, 0.5, bt=0.3, preamble_symbols=200, timing=0.0)
    f = frequency(array(alternating, 1, 3000)[0, 400:2600]) * 2 * 20 / 0.5
    gain = 4 / np.pi * np.exp(-np.log(2) / 2 * (0.5 / 0.3) ** 2)
    assert np.abs(f).max() == pytest.approx(gain, rel=0.03)


@pytest.mark.parametrize(("bt", "share"), [(0.2, 0.79), (0.25, 0.86), (0.5, 1.04)])
def test_the_bandwidth_of_gmsk_is_the_published_one(bt, share):
    # Murota and Hirade 1981, table I: 99% of the power, in bit rates
    waveform = FrequencyShiftKeying("GMSK", 8.0, bt=bt)
    assert 8 * waveform.occupied_bandwidth == pytest.approx(share, rel=0.03)
    assert 8 * bandwidth(array(waveform, 8, 32768)) == pytest.approx(share, rel=0.03)


@pytest.mark.parametrize("label", ["MSK", "CPFSK"])
def test_the_bandwidth_of_msk_is_the_published_one(label):
    assert 8 * FrequencyShiftKeying(label, 8.0).occupied_bandwidth == pytest.approx(1.18, rel=0.03)


@pytest.mark.parametrize(
    "waveform",
    [
        FrequencyShiftKeying("2FSK", 8.0, 1.0),
        FrequencyShiftKeying("2FSK", 30.0, 5.3),
        FrequencyShiftKeying("2FSK", 30.0, 4.0, coding="manchester"),
        FrequencyShiftKeying("2FSK", 12.0, 1.0, coding="3-of-6"),
        FrequencyShiftKeying("GFSK", 5.0, 0.5, coding="3-of-6"),
        FrequencyShiftKeying("4FSK", 12.0, 0.7),
        FrequencyShiftKeying("MSK", 5.3),
        FrequencyShiftKeying("CPFSK", 8.0, 0.3),
        FrequencyShiftKeying("GFSK", 6.6, 0.32, bt=0.5),
        FrequencyShiftKeying("GFSK", 2.0, 0.5, bt=1.0, coding="manchester"),
    ],
    ids=str,
)
def test_the_measured_bandwidth_is_the_stated_one(waveform):
    x = array(waveform, 8, 65536)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


def test_manchester_bits_are_a_symbol_and_its_opposite():
    sps = 10
    x = array(FrequencyShiftKeying("2FSK", sps, 1.0, coding="manchester", timing=0.0), 1, 8000)[0]
    signs = np.sign(frequency(x)[sps // 2 :: sps])
    pairs = signs.reshape(-1, 2)
    assert (pairs[:, 0] == -pairs[:, 1]).all()
    assert abs(pairs[:, 0].mean()) < 0.2


def test_half_bytes_are_words_with_three_ones():
    sps, words = 10, 4000
    waveform = FrequencyShiftKeying("2FSK", sps, 1.0, coding="3-of-6", timing=0.0)
    ones = frequency(array(waveform, 1, 6 * sps * words)[0])[sps // 2 :: sps] > 0
    found, counts = np.unique(ones.reshape(words, 6), axis=0, return_counts=True)
    assert (found.sum(axis=1) == 3).all()
    assert len(found) == 16
    assert (counts > 0.6 * words / 16).all()
    # what is left out of the twenty: words that look like the preamble, or like a pause
    told = {"".join(map(str, word.astype(int))) for word in found}
    assert told.isdisjoint({"000111", "111000", "010101", "101010"})


def test_the_preamble_alternates():
    x = array(FrequencyShiftKeying("4FSK", 10.0, preamble_symbols=16, timing=0.0), 1, 2000)[0]
    levels = np.round(frequency(x)[5::10] * 20).astype(int)
    assert list(levels[:16]) == [3, -3] * 8
    assert set(levels[16:]) == {-3, -1, 1, 3}


@pytest.mark.parametrize("length", [3, 32])
def test_words_begin_after_the_preamble(length):
    waveform = FrequencyShiftKeying(
        "2FSK", 10.0, coding="3-of-6", preamble_symbols=length, timing=0.0
    )
    ones = frequency(array(waveform, 1, 10 * (length + 6 * 400))[0])[5::10] > 0
    assert (ones[length:].reshape(400, 6).sum(axis=1) == 3).all()


def test_a_window_begins_anywhere_in_a_word():
    x = array(FrequencyShiftKeying("2FSK", 10.0, coding="3-of-6"), 300, 10 * 61)
    ones = frequency(x)[:, 15::10] > 0  # the second symbol on
    for first in range(6):
        words = ones[:, first : first + 54].reshape(300, 9, 6)
        share = (words.sum(axis=2) == 3).all(axis=1).mean()
        assert 0.05 < share < 0.35


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"samples_per_symbol": 1.2}, "at least 1.5"),
        ({"modulation_index": 0.0}, "modulation index is positive"),
        ({"bt": -1.0, "label": "GFSK"}, "bt is positive"),
        ({"bt": 0.5}, "is GFSK"),
        ({"label": "GMSK", "modulation_index": 1.0}, "GMSK has modulation index 0.5"),
        ({"label": "MSK", "modulation_index": 0.6}, "MSK has modulation index 0.5"),
        ({"label": "MSK", "bt": 0.3}, "MSK with a Gaussian filter is GMSK"),
        ({"label": "CPFSK", "bt": 0.5}, "CPFSK with a Gaussian filter is GFSK"),
        ({"coding": "rz"}, "coding is one of nrz, manchester, 3-of-6, not 'rz'"),
        ({"label": "4FSK", "coding": "manchester"}, "binary"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        FrequencyShiftKeying(**wrong)
