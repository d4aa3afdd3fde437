import numpy as np
import pytest
from tests.waveforms.measures import array, bandwidth, power

from hertzian.waveforms import SpreadOffsetQPSK, WaveformError, chip_sequences

# IEEE 802.15.4, symbol-to-chip mapping at 2.4 GHz: c0 first
STANDARD = {
    0: "11011001110000110101001000101110",
    1: "11101101100111000011010100100010",
    7: "10011100001101010010001011101101",
    8: "10001100100101100000011101111011",
    9: "10111000110010010110000001110111",
    15: "11001001011000000111011110111000",
}


@pytest.mark.parametrize(("symbol", "chips"), STANDARD.items())
def test_the_sequences_are_those_of_the_standard(symbol, chips):
    assert "".join(str(int(c > 0)) for c in chip_sequences()[symbol]) == chips


def test_the_sequences_are_nearly_orthogonal_and_balanced():
    sequences = chip_sequences()
    assert set(np.unique(sequences)) == {-1.0, 1.0}
    gram = sequences @ sequences.T
    assert (np.diag(gram) == 32).all()
    assert np.abs(gram - 32 * np.eye(16)).max() == 8
    # two symbols differ in 12 to 20 of 32 chips
    distances = (32 - gram[~np.eye(16, dtype=bool)]) / 2
    assert (distances.min(), distances.max()) == (12, 20)
    assert (sequences.sum(axis=1) == 0).all()
    assert (sequences.sum(axis=0) == 0).all()


def test_symbols_eight_apart_are_conjugates():
    pairs = chip_sequences()[:, 0::2] + 1j * chip_sequences()[:, 1::2]
    np.testing.assert_array_equal(pairs[8:], pairs[:8].conj())
    for symbol in range(8):
        np.testing.assert_array_equal(pairs[symbol], np.roll(pairs[0], 2 * symbol))


def received_chips(x, spc, symbols):
    """Read the chips at the peaks of their half-sines, a chip after each begins."""
    peaks = (np.arange(32 * symbols) + 1) * spc
    even, odd = x.real[peaks[0::2]], x.imag[peaks[1::2]]
    return np.stack([even, odd], axis=1).reshape(symbols, 32)


def test_despreading_gives_the_symbols():
    spc, symbols = 4, 400
    x = array(SpreadOffsetQPSK("DSSS-OQPSK", spc, timing=0.0), 2, spc * (32 * symbols + 2))
    for example in x:
        chips = received_chips(example, spc, symbols)
        np.testing.assert_allclose(np.abs(chips), 1.0, atol=1e-3)
        scores = chips @ chip_sequences().T
        np.testing.assert_allclose(scores.max(axis=1), 32, atol=0.05)
        counts = np.bincount(scores.argmax(axis=1), minlength=16)
        assert counts.min() > 8


def test_timing_moves_the_symbols_by_a_share_of_a_chip():
    spc, symbols = 8, 50
    late = array(SpreadOffsetQPSK("DSSS-OQPSK", spc, timing=0.75), 1, spc * (32 * symbols + 2))[0]
    early = array(SpreadOffsetQPSK("DSSS-OQPSK", spc, timing=0.0), 1, spc * (32 * symbols + 2))[0]
    np.testing.assert_allclose(late[:-6], early[6:], atol=1e-3)


@pytest.mark.parametrize("spc", [1.5, 4.0, 9.3])
def test_the_envelope_is_constant_and_each_chip_turns_by_a_quarter(spc):
    x = array(SpreadOffsetQPSK("DSSS-OQPSK", spc), 4, 4000)
    np.testing.assert_allclose(np.abs(x), 1.0, atol=1e-3)
    steps = np.angle(x[:, 1:] * x[:, :-1].conj())
    # MSK: a quarter turn in each chip, at a constant rate
    assert np.abs(steps).max() < np.pi / (2 * spc) + 2e-3
    assert np.median(np.abs(steps)) == pytest.approx(np.pi / (2 * spc), abs=2e-3)


def test_windows_begin_anywhere_in_a_symbol_and_on_either_chip():
    spc = 4
    x = array(SpreadOffsetQPSK("DSSS-OQPSK", spc), 600, spc * 70)
    begins = []
    for example in x:
        # the sample at which a whole symbol fits best
        scores = [
            max((received_chips(example[first:], spc, 1) @ chip_sequences().T)[0])
            for first in range(32 * spc)
        ]
        assert max(scores) > 29
        begins.append(int(np.argmax(scores)))
    counts = np.bincount(begins, minlength=32 * spc)
    eighths = counts.reshape(8, -1).sum(axis=1)
    assert eighths.min() > 40
    # windows begin in chips of Q as often as in those of I
    odd = np.mean(np.array(begins) // spc % 2)
    assert odd == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("spc", [1.7, 4.0, 13.3])
def test_power_and_bandwidth_are_the_stated_ones(spc):
    waveform = SpreadOffsetQPSK("DSSS-OQPSK", spc)
    x = array(waveform, 8, 65536)
    np.testing.assert_allclose(power(x), 1.0, atol=1e-3)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.02)


def test_too_few_samples_per_chip_are_refused():
    with pytest.raises(WaveformError, match=r"at least 1\.5 samples per chip"):
        SpreadOffsetQPSK("DSSS-OQPSK", 1.2)
