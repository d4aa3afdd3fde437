import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from tests.waveforms.measures import array, at, bandwidth, nearest_error, power

from hertzian.signal import constellation
from hertzian.waveforms import Linear, WaveformError
from hertzian.waveforms.pulses import root_raised_cosine

STRAIGHT = [label for label in Linear.labels if label != "OQPSK"]


def matched(x, sps, roll_off, span):
    """Correlate with the pulse at sps samples per symbol; unit gain for its own symbol."""
    n = np.arange(-int(span * sps), int(span * sps) + 1)
    g = np.where(np.abs(n / sps) <= span, root_raised_cosine(n / sps, roll_off), 0)
    return np.convolve(x, g, "same") / sps


@pytest.mark.parametrize("label", STRAIGHT)
def test_the_matched_filter_finds_the_constellation_without_interference(label):
    sps, roll_off = 8, 0.35
    points = constellation(label)
    # so many symbols that each point is there
    samples = max(16000, 16 * sps * points.size)
    x = array(Linear(label, sps, roll_off, span=24, timing=0.0), 1, samples)[0]
    symbols = matched(x, sps, roll_off, 12)[400:-400:sps]
    assert nearest_error(symbols, points) < 0.01
    used = {int(np.argmin(np.abs(points - s))) for s in symbols}
    assert used == set(range(points.size))


def test_timing_moves_the_symbols_by_a_share_of_one():
    sps, timing = 8, 0.25
    x = array(Linear("QPSK", sps, span=24, timing=timing), 1, 8000)[0]
    filtered = matched(x, sps, 0.35, 12)
    centers = np.arange(400, 7600, sps) - round(timing * sps)
    assert nearest_error(filtered[centers], constellation("QPSK")) < 0.01
    assert nearest_error(filtered[centers + sps // 2], constellation("QPSK")) > 0.2


def test_a_fractional_rate_keeps_its_symbols_in_place():
    sps = 5.37
    x = array(Linear("16QAM", sps, span=24, timing=0.0), 1, 6000)[0]
    places = np.arange(100, 1000) * sps
    filtered = at(matched(x, sps, 0.35, 12), places)
    assert nearest_error(filtered, constellation("16QAM")) < 0.01


def test_pi_4_dqpsk_turns_by_odd_eighths_so_that_axes_and_diagonals_take_turns():
    sps = 8
    x = array(Linear("PI4-DQPSK", sps, span=24, timing=0.0), 4, 16000)
    parities = []
    for example in x:
        symbols = matched(example, sps, 0.35, 12)[400:-400:sps]
        eighths = np.angle(symbols) / (np.pi / 4)
        np.testing.assert_allclose(eighths, np.round(eighths), atol=0.05)
        states = np.round(eighths).astype(int) % 8
        assert set(np.abs(np.diff(states % 2))) == {1}
        turns, counts = np.unique(np.diff(states) % 8, return_counts=True)
        assert list(turns) == [1, 3, 5, 7]
        np.testing.assert_allclose(counts / counts.sum(), 0.25, atol=0.04)
        parities.append(states[0] % 2)
    assert set(parities) == {0, 1}


def test_pi_4_dqpsk_never_passes_through_zero():
    assert np.abs(array(Linear("PI4-DQPSK", 16.0), 4, 20000)).min() > 0.05
    assert np.abs(array(Linear("8PSK", 16.0), 4, 20000)).min() < 0.02


def test_the_quadrature_of_oqpsk_is_half_a_symbol_late():
    sps = 8
    x = array(Linear("OQPSK", sps, span=24, timing=0.0), 1, 16000)[0]
    filtered = matched(x, sps, 0.35, 12)
    level = np.sqrt(0.5)
    early, late = filtered.real[404:-400:sps], filtered.imag[408:-400:sps]
    np.testing.assert_allclose(np.abs(early), level, atol=0.02)
    np.testing.assert_allclose(np.abs(late), level, atol=0.02)


def test_the_envelope_of_oqpsk_stays_away_from_zero():
    plain = np.abs(array(Linear("QPSK", 16.0), 4, 20000)).min()
    offset = np.abs(array(Linear("OQPSK", 16.0), 4, 20000)).min()
    assert plain < 0.02
    assert offset > 0.2


def test_oqpsk_on_half_sines_has_a_constant_envelope():
    x = array(Linear("OQPSK", 16.0, pulse="half-sine"), 2, 4000)
    np.testing.assert_allclose(np.abs(x), 1.0, atol=1e-3)
    # MSK: a quarter turn in each half symbol
    steps = np.angle(x[:, 8:] * x[:, :-8].conj())
    assert np.abs(steps).max() < np.pi / 2 + 0.01


def rrc_bandwidth(roll_off):
    """99% of the raised-cosine spectrum, in symbol rates, by integration."""

    def density(f):
        if f <= (1 - roll_off) / 2:
            return 1.0
        return 0.5 * (1 + np.cos(np.pi / roll_off * (f - (1 - roll_off) / 2)))

    edge = (1 + roll_off) / 2
    return 2 * brentq(lambda b: quad(density, 0, b, limit=200)[0] - 0.495, 0.1, edge)


@pytest.mark.parametrize("roll_off", [0.2, 0.35, 0.5])
@pytest.mark.parametrize("sps", [2.0, 6.3, 50.0])
def test_the_stated_bandwidth_is_that_of_the_raised_cosine(roll_off, sps):
    stated = Linear("QPSK", sps, roll_off, span=24).occupied_bandwidth
    assert sps * stated == pytest.approx(rrc_bandwidth(roll_off), rel=0.01)


@pytest.mark.parametrize(
    "waveform",
    [
        Linear("BPSK", 8.0),
        Linear("64QAM", 3.3, 0.2),
        Linear("8PSK", 20.0, 0.5),
        Linear("PI4-DQPSK", 6.0, 0.35),
        Linear("256QAM", 4.7),
        Linear("128APSK", 8.0, 0.2),
        Linear("QPSK", 8.0, pulse="rect"),
        Linear("OQPSK", 8.0, pulse="half-sine"),
    ],
)
def test_the_measured_bandwidth_is_the_stated_one(waveform):
    x = array(waveform, 8, 32768)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


@pytest.mark.parametrize("label", ["BPSK", "QPSK", "8PSK", "16PSK", "32PSK", "OQPSK", "PI4-DQPSK"])
@pytest.mark.parametrize("sps", [1.5, 4.0, 11.7])
def test_phase_keying_has_unit_power_in_every_example(label, sps):
    x = array(Linear(label, sps), 16, int(4096 * sps))
    np.testing.assert_allclose(power(x), 1.0, atol=0.02)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"samples_per_symbol": 1.0}, "at least 1.5 samples per symbol"),
        ({"roll_off": 1.5}, "roll-off"),
        ({"span": 1}, "at least 2 symbols"),
        ({"pulse": "boxcar"}, "unknown pulse 'boxcar'"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        Linear("QPSK", **wrong)
