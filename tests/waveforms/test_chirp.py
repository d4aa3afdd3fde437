import numpy as np
import pytest
from tests.waveforms.measures import array, bandwidth, frequency

from hertzian.waveforms import ChirpSpreadSpectrum, WaveformError


def critical(factor, symbols, **options):
    """A packet from its beginning at one sample per chip: [symbols, chips]."""
    waveform = ChirpSpreadSpectrum("CSS", 1.0, factor, position="start", timing=0.0, **options)
    return array(waveform, 1, 2**factor * symbols)[0].reshape(symbols, 2**factor)


def up_chirp(chips):
    t = np.arange(chips)
    return np.exp(2j * np.pi * (t * t / (2 * chips) - t / 2))


@pytest.mark.parametrize("factor", [6, 7, 9, 12])
def test_dechirping_gives_a_single_line_at_the_symbol(factor):
    chips = 2**factor
    header = critical(factor, 10, sync_word=0x12)
    lines = np.abs(np.fft.fft(header * up_chirp(chips).conj(), axis=1)) / chips
    np.testing.assert_allclose(lines.max(axis=1), 1.0, atol=1e-4)
    expected = [0] * 8 + [8 % chips, 16 % chips]
    assert list(lines.argmax(axis=1)) == expected


def test_down_chirps_follow_the_sync_word_and_then_the_payload():
    chips = 128
    packet = critical(7, 60).ravel()
    down = packet[10 * chips : 12 * chips].reshape(2, chips)
    lines = np.abs(np.fft.fft(down * up_chirp(chips), axis=1)) / chips
    np.testing.assert_allclose(lines[:, 0], 1.0, atol=1e-4)
    begin = 12 * chips + chips // 4
    payload = packet[begin : begin + 40 * chips].reshape(40, chips)
    lines = np.abs(np.fft.fft(payload * up_chirp(chips).conj(), axis=1)) / chips
    np.testing.assert_allclose(lines.max(axis=1), 1.0, atol=1e-4)
    assert len(set(lines.argmax(axis=1))) > 20


@pytest.mark.parametrize("wide", [0.1, 0.437])
def test_envelope_is_constant_and_phase_continuous(wide):
    waveform = ChirpSpreadSpectrum("CSS", wide, 7)
    x = array(waveform, 4, 20000)
    np.testing.assert_allclose(np.abs(x), 1.0, atol=1e-5)
    f = frequency(x)
    # no step between samples exceeds half the band: nothing jumps but the frequency
    assert np.abs(f).max() < wide / 2 + wide**2 / 128


def test_the_frequency_rises_by_the_band_within_a_symbol():
    wide, chips = 0.25, 256
    x = array(ChirpSpreadSpectrum("CSS", wide, 8, position="start", timing=0.0), 1, 8 * 1024)[0]
    f = frequency(x).reshape(-1)[:1020]
    slope = np.polyfit(np.arange(f.size), f, 1)[0]
    assert slope == pytest.approx(wide / (chips / wide), rel=1e-3)
    assert f[0] == pytest.approx(-wide / 2, abs=1e-3)


def test_windows_begin_anywhere_in_the_packet():
    chips = 128
    x = array(ChirpSpreadSpectrum("CSS", 1.0, 7, timing=0.0), 300, chips)
    # the beginning of a window shows where in a preamble symbol it lies
    preamble = [
        np.abs(np.fft.fft(example * up_chirp(chips).conj())).max() / chips > 0.999 for example in x
    ]
    # seven of 28.25 symbols hold a whole shifted chirp of the preamble
    assert 0.15 < np.mean(preamble) < 0.35


@pytest.mark.parametrize(("wide", "factor"), [(0.5, 7), (0.125, 9), (0.8, 12)])
def test_the_measured_bandwidth_is_the_stated_one(wide, factor):
    waveform = ChirpSpreadSpectrum("CSS", wide, factor)
    x = array(waveform, 4, 400000)[:, int(30 * 2**factor / wide) % 300000 :]
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bandwidth": 0.0}, "bandwidth"),
        ({"spreading_factor": 13}, "spreading factor"),
        ({"preamble_symbols": -1}, "preamble"),
        ({"sync_word": 256}, "one byte"),
        ({"position": "end"}, "anywhere or start"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        ChirpSpreadSpectrum(**wrong)
