import numpy as np
import pytest
from tests.waveforms.measures import array, bandwidth, power

from hertzian.waveforms import CODES, DirectSequence, WaveformError, spreading_code


def test_barker_sidelobes_are_at_most_one():
    code = spreading_code("barker11")
    correlation = np.correlate(code, code, "full")
    assert correlation[10] == 11
    assert np.abs(np.delete(correlation, 10)).max() == 1


@pytest.mark.parametrize("name", [code for code in CODES if code.startswith("m")])
def test_maximal_sequences_have_two_periodic_correlations(name):
    code = spreading_code(name)
    assert code.size == int(name[1:])
    correlation = np.fft.ifft(np.abs(np.fft.fft(code)) ** 2).real
    assert correlation[0] == pytest.approx(code.size)
    np.testing.assert_allclose(correlation[1:], -1, atol=1e-9)


@pytest.mark.parametrize("name", CODES)
def test_despreading_gives_the_bits_and_the_processing_gain(name):
    spc, code = 4, spreading_code(name)
    period = code.size
    x = array(DirectSequence("DSSS-BPSK", spc, name, "rect", timing=0.0), 1, spc * period * 200)
    noise = np.random.default_rng(1)
    chips = x[0, spc // 2 :: spc].real
    bits = chips.reshape(200, period) @ code / period
    np.testing.assert_allclose(np.abs(bits), 1.0, atol=1e-5)
    assert 60 < (bits > 0).sum() < 140
    # noise of unit power per chip is 1 / period after despreading: a gain of the code's length
    noisy = noise.normal(size=(200 * 20, period)) @ code / period
    assert 1 / noisy.var() == pytest.approx(period, rel=0.1)
    # and against a code out of step, what is left is small
    wrong = chips.reshape(200, period) @ np.roll(code, period // 2) / period
    assert np.abs(wrong).max() < 0.2


def test_the_code_begins_at_the_given_timing_with_a_root_raised_cosine_too():
    spc, code = 4, spreading_code("m31")
    x = array(DirectSequence("DSSS-BPSK", spc, "m31", timing=0.0), 1, spc * 31 * 100)[0]
    chips = x[::spc].real.reshape(100, 31)
    bits = chips @ code / 31
    assert np.abs(bits).min() > 0.7


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("pulse", ["rrc", "rect"])
def test_power_and_bandwidth_are_the_stated_ones(name, pulse):
    waveform = DirectSequence("DSSS-BPSK", 2.6, name, pulse)
    x = array(waveform, 8, 32768)
    np.testing.assert_allclose(power(x), 1.0, atol=0.02)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"samples_per_chip": 1.0}, "at least 1.5 samples per chip"),
        ({"code": "gold"}, "unknown code 'gold'"),
        ({"roll_off": -0.1}, "roll-off"),
        ({"pulse": "sinc"}, "unknown pulse"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        DirectSequence(**wrong)
