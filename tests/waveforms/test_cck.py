import numpy as np
import pytest
import torch
from tests.waveforms.measures import array, bandwidth, power

from hertzian.waveforms import ComplementaryCodeKeying, WaveformError, cck_codewords


def autocorrelation(word):
    return np.correlate(word, word, "full")


def test_the_chips_are_the_phases_of_the_standard():
    words = cck_codewords()
    assert words.shape == (64, 8)
    for number, word in enumerate(words):
        p2, p3, p4 = (np.pi / 2 * (number // weight % 4) for weight in (16, 4, 1))
        phases = [p2 + p3 + p4, p3 + p4, p2 + p4, p4 + np.pi, p2 + p3, p3, p2 + np.pi, 0]
        np.testing.assert_allclose(word, np.exp(1j * np.array(phases)), atol=1e-12)
    half = cck_codewords(4)
    for number, word in enumerate(half):
        p2, p4 = np.pi * (number // 2) + np.pi / 2, np.pi * (number % 2)
        phases = [p2 + p4, p4, p2 + p4, p4 + np.pi, p2, 0, p2 + np.pi, 0]
        np.testing.assert_allclose(word, np.exp(1j * np.array(phases)), atol=1e-12)


def test_all_words_differ_and_those_of_the_lower_rate_are_among_them():
    words = {tuple(np.round(word, 6)) for word in cck_codewords()}
    assert len(words) == 64
    few = {tuple(np.round(word, 6)) for word in cck_codewords(4)}
    assert len(few) == 4
    assert few < words


def test_words_are_as_far_apart_as_their_phases():
    # <c, c'> is the product over phi_2 to phi_4 of 1 + e^j(difference): zero where one is pi
    words = cck_codewords()
    gram = np.abs(words @ words.conj().T)
    turns = np.stack([np.arange(64) // weight % 4 for weight in (16, 4, 1)], axis=1)
    factors = np.abs(1 + 1j ** (turns[:, None] - turns[None]))
    np.testing.assert_allclose(gram, factors.prod(axis=2), atol=1e-9)
    basis = words[(turns % 2 == 0).all(axis=1)]
    np.testing.assert_allclose(basis @ basis.conj().T, 8 * np.eye(8), atol=1e-9)
    np.testing.assert_allclose(
        cck_codewords(4) @ cck_codewords(4).conj().T, 8 * np.eye(4), atol=1e-9
    )


@pytest.mark.parametrize("weight", [16, 1])
def test_words_half_a_turn_of_an_outer_phase_apart_are_complementary(weight):
    # Golay: the sidelobes of the two aperiodic autocorrelations cancel, for phi_2 and for phi_4
    words = cck_codewords()
    peak = np.zeros(15)
    peak[7] = 16
    for number, word in enumerate(words):
        mate = words[number ^ (2 * weight)]
        np.testing.assert_allclose(autocorrelation(word) + autocorrelation(mate), peak, atol=1e-9)


def chips(bits, symbols, batch=1):
    """Chips from the middle of rectangles: [batch, symbols, 8]."""
    waveform = ComplementaryCodeKeying("DSSS-CCK", 4.0, bits, "rect", timing=0.0)
    return array(waveform, batch, 32 * symbols)[:, 2::4].reshape(batch, symbols, 8)


@pytest.mark.parametrize("bits", [4, 8])
def test_symbols_are_code_words_turned_by_their_last_chip(bits):
    received = chips(bits, 2000)[0]
    words = cck_codewords(bits)
    scores = np.abs(received @ words.conj().T)
    np.testing.assert_allclose(scores.max(axis=1), 8, atol=1e-4)
    chosen = scores.argmax(axis=1)
    np.testing.assert_allclose(received, received[:, 7:] * words[chosen], atol=1e-5)
    counts = np.bincount(chosen, minlength=len(words))
    assert counts.min() > 0.3 * 2000 / len(words)
    quarters = np.angle(received[:, 7]) / (np.pi / 2)
    np.testing.assert_allclose(quarters, np.round(quarters), atol=1e-4)
    steps = np.diff(np.round(quarters).astype(int)) % 4
    np.testing.assert_allclose(np.bincount(steps) / steps.size, 0.25, atol=0.05)


def test_odd_symbols_are_turned_by_half_a_turn_more(monkeypatch):
    # with the same dibit all the time, the steps of phi_1 alternate between d and d + pi
    monkeypatch.setattr(
        "hertzian.waveforms.cck.draw_indices",
        lambda order, batch, count, generator: torch.full((batch, count), int(order == 4)),
    )
    first = chips(8, 40)[0, :, 7]
    steps = np.round(np.angle(first[1:] / first[:-1]) / (np.pi / 2)).astype(int) % 4
    # the window begins with an even symbol, so the first step is that of an odd one
    assert list(steps) == [3, 1] * 19 + [3]


def test_the_symbols_begin_at_the_given_timing_with_a_root_raised_cosine_too():
    x = array(ComplementaryCodeKeying("DSSS-CCK", 4.0, timing=0.0), 1, 4 * 8 * 300)[0]
    received = x[::4].reshape(300, 8)
    scores = np.abs(received @ cck_codewords().conj().T)
    best = np.sort(scores, axis=1)
    # the pulse is not matched, so neighbours interfere, but the word stands out
    assert (best[:, -1] > best[:, -2]).mean() > 0.95
    shifted = np.abs(x[12:-20:4].reshape(299, 8) @ cck_codewords().conj().T)
    assert best[:, -1].mean() > 1.2 * shifted.max(axis=1).mean()


def test_windows_begin_anywhere_in_a_symbol():
    waveform = ComplementaryCodeKeying("DSSS-CCK", 2.0, pulse="rect")
    x = array(waveform, 400, 64)[:, ::2]
    scores = [
        np.abs(x[:, first : first + 24].reshape(400, 3, 8) @ cck_codewords().conj().T)
        for first in range(8)
    ]
    whole = np.stack([(s.max(axis=2) > 7.999).all(axis=1) for s in scores])
    # in each window one of the eight places is that of the symbols; chance fits others too
    assert whole.any(axis=0).all()
    only = whole[:, whole.sum(axis=0) == 1].argmax(axis=0)
    assert set(only) == set(range(8))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("pulse", "spc"), [("rrc", 2.0), ("rrc", 3.7), ("rect", 5.3)])
def test_power_and_bandwidth_are_the_stated_ones(bits, pulse, spc):
    waveform = ComplementaryCodeKeying("DSSS-CCK", spc, bits, pulse)
    x = array(waveform, 8, 32768)
    np.testing.assert_allclose(power(x), 1.0, atol=0.02)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"samples_per_chip": 1.0}, "at least 1.5 samples per chip"),
        ({"bits_per_symbol": 6}, "4 or 8 bits, not 6"),
        ({"pulse": "half-sine"}, "rrc or rect"),
        ({"roll_off": 1.1}, "roll-off"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        ComplementaryCodeKeying(**wrong)
