import numpy as np
import pytest
from scipy import stats
from tests.waveforms.measures import array, at, bandwidth, nearest_error

from hertzian.signal import constellation
from hertzian.waveforms import OFDM, WaveformError


def demodulate(x, waveform, first, symbols):
    """FFT of each symbol's body from whole samples; `first` skips a preamble: [symbols, used]."""
    factor = round(waveform.oversampling)
    size, prefix = waveform.fft_size * factor, waveform.prefix_samples * factor
    bodies = x[first:][: symbols * (size + prefix)].reshape(symbols, size + prefix)[:, prefix:]
    bins = np.fft.fft(bodies, axis=1) / size * np.sqrt(waveform.occupied_subcarriers)
    return bins[:, np.array(waveform.subcarriers) % size], bins


@pytest.mark.parametrize("alphabet", ["BPSK", "QPSK", "8PSK", "16QAM", "64QAM"])
def test_subcarriers_demodulate_to_the_alphabet(alphabet):
    waveform = OFDM(alphabet=alphabet, oversampling=2.0, timing=0.0)
    x = array(waveform, 1, 160 * 60)[0]
    data, bins = demodulate(x, waveform, 0, 58)
    assert nearest_error(data, constellation(alphabet)) < 0.02
    # nothing on the null carrier
    assert np.abs(bins[:, 0]).max() < 0.02


@pytest.mark.parametrize(("size", "used", "prefix"), [(100, 60, 1 / 8), (512, 300, 1 / 32)])
def test_any_size_and_prefix_will_do(size, used, prefix):
    waveform = OFDM("OFDM", size, used, prefix, null_dc=False, oversampling=1.0, timing=0.0)
    x = array(waveform, 1, 20 * (size + waveform.prefix_samples))[0]
    data, _ = demodulate(x, waveform, 0, 18)
    assert nearest_error(data, constellation("QPSK")) < 0.03


def test_a_fractional_oversampling_keeps_its_timing():
    waveform = OFDM(oversampling=1.37, timing=0.0)
    x = array(waveform, 1, 8000)[0]
    # back to the critical rate by the sampling theorem, from the tenth symbol on
    places = (10 * 80 + np.arange(80 * 20)) * 1.37
    data, _ = demodulate(at(x, places), OFDM(oversampling=1.0), 0, 20)
    # steps between symbols are not band-limited and leak a little into their neighbours
    assert nearest_error(data, constellation("QPSK")) < 0.05


def test_the_prefix_repeats_the_end_of_its_symbol():
    waveform = OFDM("OFDM", 64, 52, 0.25, oversampling=4.0, timing=0.0)
    x = array(waveform, 1, 320 * 40)[0].reshape(40, 320)[1:-1]
    # the interpolator reaches three critical samples into the neighbours
    head, tail = x[:, 16:48], x[:, 256 + 16 : 256 + 48]
    correlation = np.sum(tail * head.conj()) / np.sum(np.abs(head) ** 2)
    assert abs(correlation - 1) < 1e-3


def test_correlation_at_the_symbol_lag_is_the_share_of_the_prefix():
    for share in (1 / 4, 1 / 16):
        x = array(OFDM(cyclic_prefix=share, oversampling=2.0), 4, 60000)
        lag = 128
        found = np.mean(x[:, lag:] * x[:, :-lag].conj()).real
        assert found == pytest.approx(share / (1 + share), abs=0.01)


def test_many_subcarriers_are_gaussian():
    x = array(OFDM("OFDM", 1024, 800, oversampling=1.0), 2, 20000)
    parts = np.concatenate([x.real[:, ::7].ravel(), x.imag[:, ::7].ravel()]) * np.sqrt(2)
    assert stats.kstest(parts, "norm").pvalue > 0.01
    power = np.abs(x) ** 2
    # P(power > z) = exp(-z)
    assert np.mean(power > 6) == pytest.approx(np.exp(-6), rel=0.3)


def test_pilots_are_the_same_in_every_symbol_and_example():
    waveform = OFDM(pilot_spacing=7, alphabet="16QAM", oversampling=2.0, timing=0.0)
    x = array(waveform, 2, 160 * 12)
    held = [waveform.subcarriers.index(k) for k in waveform.pilots()]
    assert len(held) == 7
    both = [demodulate(example, waveform, 0, 10)[0][:, held] for example in x]
    pilots = np.concatenate(both)
    np.testing.assert_allclose(pilots, np.sign(pilots[:1].real) + np.zeros_like(pilots), atol=0.05)


def test_scattered_pilots_come_back_after_their_spacing():
    waveform = OFDM(
        pilot_spacing=12,
        pilot_step=3,
        pilot_boost=4 / 3,
        oversampling=2.0,
        alphabet="QPSK",
        timing=0.0,
    )
    symbols = demodulate(array(waveform, 1, 160 * 14)[0], waveform, 0, 12)[0]
    held = [[waveform.subcarriers.index(k) for k in waveform.pilots(n)] for n in range(12)]
    assert [min(places) for places in held[:5]] == [6, 9, 0, 3, 6]
    boosted = np.stack([np.isin(np.arange(52), places) for places in held])
    ratio = np.abs(symbols[boosted]).mean() / np.abs(symbols[~boosted]).mean()
    assert ratio == pytest.approx(4 / 3, rel=0.02)
    pilots = symbols[boosted]
    assert np.abs(pilots.imag).max() < 0.05
    # a subcarrier's pilot is the same whenever its turn comes
    np.testing.assert_allclose(symbols[0, held[0]], symbols[4, held[4]], atol=0.05)


def test_the_schmidl_cox_preamble_has_two_equal_halves():
    x = array(OFDM(preamble="schmidl-cox", oversampling=2.0, timing=0.0), 1, 800)[0]
    first, second = x[40:92], x[104:156]
    assert np.abs(first - second).max() < 0.02
    # then data, where they differ
    assert np.abs(x[200:252] - x[264:316]).max() > 0.5


def test_the_wifi_preamble_has_short_and_long_training():
    x = array(OFDM(preamble="wifi", oversampling=2.0, timing=0.0), 1, 1200)[0]
    # 160 critical samples of period 16, then 32 and twice 64 of the same symbol
    short = x[10:310]
    assert np.abs(short[32:] - short[:-32]).max() < 0.02
    assert np.abs(x[400:500] - x[400 + 128 : 500 + 128]).max() < 0.02
    assert np.mean(np.abs(short) ** 2) == pytest.approx(1.0, rel=0.05)
    # the data behind it demodulates
    data, _ = demodulate(x, OFDM(oversampling=2.0), 640, 3)
    assert nearest_error(data, constellation("QPSK")) < 0.03


@pytest.mark.parametrize(
    "waveform",
    [
        OFDM(oversampling=1.25),
        OFDM("OFDM", 2048, 1200, 1 / 16, oversampling=3.3),
        OFDM("OFDM", 256, 100, 1 / 8, window_share=0.1, oversampling=1.0),
        OFDM(preamble="wifi", pilot_spacing=5),
        OFDM(pilot_spacing=12, pilot_step=3, pilot_boost=2.0),
        OFDM(pilot_spacing=40, pilot_boost=4.0),
        OFDM(pilot_spacing=200, pilot_boost=4.0),
    ],
    ids=str,
)
def test_power_and_bandwidth_are_the_stated_ones(waveform):
    x = array(waveform, 8, 65536)
    np.testing.assert_allclose(np.mean(np.abs(x) ** 2), 1.0, atol=0.03)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


def test_windowing_lowers_the_sidelobes():
    def outside(share):
        x = array(OFDM("OFDM", 64, 32, oversampling=2.0, window_share=share), 8, 65536)
        bins = np.abs(np.fft.fft(x * np.hanning(65536))) ** 2
        return bins[:, np.abs(np.fft.fftfreq(65536)) > 0.2].sum() / bins.sum()

    assert outside(0.125) < 0.2 * outside(0.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fft_size": 4}, "at least 8 points"),
        ({"occupied_subcarriers": 64}, "from 2 to 63"),
        ({"cyclic_prefix": -0.1}, "prefix"),
        ({"alphabet": "OOK"}, "alphabet is one of"),
        ({"preamble": "zadoff-chu"}, "preamble is one of"),
        ({"preamble": "wifi", "fft_size": 66}, "divisible by 4"),
        ({"oversampling": 0.9}, "oversampling"),
        ({"window_share": 0.5}, "quarter of N"),
        ({"pilot_spacing": -1}, "pilot spacing"),
        ({"pilot_step": 1}, "less than their spacing"),
        ({"pilot_spacing": 12, "pilot_step": 12}, "less than their spacing"),
        ({"pilot_boost": 0.0}, "pilot boost"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        OFDM(**wrong)
