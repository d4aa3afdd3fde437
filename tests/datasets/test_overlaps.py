import numpy as np
import pytest
from tests.datasets.radio import linear, noise

from hertzian.datasets.overlaps import SHORTEST_RUN, find_overlaps

pytestmark = pytest.mark.base


def stream(length, random, name="QPSK", snr_db=18.0):
    return linear(name, 1, length, random)[0] + 10 ** (-snr_db / 20) * noise(length, random)


def windows(stream, hop, samples=128):
    return np.lib.stride_tricks.sliding_window_view(stream, samples)[::hop].astype(np.complex64)


def rescaled(x, random):
    """Each window at a scale and phase of its own, rounded to float32."""
    factor = 10 ** random.uniform(-3, 3, len(x)) * np.exp(2j * np.pi * random.uniform(size=len(x)))
    return (x * factor[:, None]).astype(np.complex64)


def touched(found, count):
    mark = np.zeros(count, bool)
    mark[found.first] = mark[found.second] = True
    return mark


@pytest.mark.parametrize("hop", [96, 64, 32, 16])
@pytest.mark.parametrize("snr_db", [-20.0, 0.0, 18.0, 36.0])
def test_neighbours_of_a_stream_are_found_at_their_shift(hop, snr_db):
    random = np.random.default_rng(hop)
    x = rescaled(windows(stream(hop * 400, random, snr_db=snr_db), hop), random)
    found = find_overlaps(x)
    np.testing.assert_array_equal(found.shared, 128 - hop * (found.second - found.first))
    neighbours = np.sum(found.second == found.first + 1)
    assert neighbours >= 0.99 * (len(x) - 1)
    assert not found.recurring.any()
    assert not found.bare.any()


def test_overlaps_are_found_wherever_the_windows_lie():
    random = np.random.default_rng(1)
    x = windows(stream(64 * 500, random), 64)
    order = random.permutation(len(x))
    found = find_overlaps(x[order])
    pairs = {tuple(sorted(p)) for p in zip(order[found.first], order[found.second], strict=True)}
    assert pairs == {(k, k + 1) for k in range(len(x) - 1)}
    assert set(found.shared) == {64}


def test_odd_hops_and_long_windows():
    random = np.random.default_rng(2)
    signal = stream(60_000, random)
    starts = np.sort(random.integers(0, 59_000, 80))
    x = rescaled(np.stack([signal[start : start + 1000] for start in starts]), random)
    found = find_overlaps(x)
    told = dict(zip(zip(found.first, found.second, strict=True), found.shared, strict=True))
    for pair, shared in told.items():
        assert shared == 1000 - (starts[pair[1]] - starts[pair[0]])
    gaps = np.diff(starts)
    expected = [k for k in range(79) if gaps[k] <= 750]
    missed = [k for k in expected if (k, k + 1) not in told]
    assert len(missed) <= 0.02 * len(expected)


def test_independent_windows_share_nothing():
    random = np.random.default_rng(3)
    for name in ("BPSK", "QPSK", "noise"):
        for snr_db in (0.0, 40.0, 60.0):
            x = linear(name, 1500, 128, random) + 10 ** (-snr_db / 20) * noise((1500, 128), random)
            found = find_overlaps(x.astype(np.complex64))
            assert len(found.first) == 0
            assert not found.recurring.any()


def test_copies_at_any_scale_share_all():
    random = np.random.default_rng(4)
    x = stream(128 * 300, random).reshape(300, 128)
    x[200] = x[10]
    x[201] = x[10]
    found = find_overlaps(rescaled(x, random))
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == {(10, 200), (10, 201), (200, 201)}
    assert set(found.shared) == {128}


def test_many_copies_hang_together():
    """40 copies: each is compared with those after it, and none is lost."""
    random = np.random.default_rng(5)
    x = stream(128 * 100, random).reshape(100, 128)
    x[::2][:40] = x[0]
    found = find_overlaps(rescaled(x, random))
    assert touched(found, 100).nonzero()[0].tolist() == list(range(0, 80, 2))
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) >= {
        (2 * k, 2 * k + 2) for k in range(39)
    }


def test_copies_with_new_noise_are_no_copies():
    random = np.random.default_rng(6)
    clean = linear("QPSK", 200, 128, random)
    x = np.concatenate([clean, clean]) + 0.01 * noise((400, 128), random)
    assert len(find_overlaps(x.astype(np.complex64)).first) == 0


def tones(random, count=300, samples=128):
    rate = random.uniform(-0.5, 0.5, count)
    rate[: count // 2] = 0.01
    turns = np.outer(rate, np.arange(samples)) + random.uniform(size=(count, 1))
    return np.exp(2j * np.pi * turns)


def test_what_has_no_content_is_not_compared():
    random = np.random.default_rng(7)
    silent = np.zeros((50, 128), complex)
    constant = np.ones((50, 128)) * noise((50, 1), random)
    lost = np.full((5, 128), np.nan + 0j)
    for x in (silent, constant, tones(random), lost, np.full((5, 128), np.inf + 0j)):
        found = find_overlaps(x.astype(np.complex64))
        assert len(found.first) == 0
    # float32 rounds a tone's ratios; silence and constants are exact
    assert find_overlaps(silent.astype(np.complex64)).bare.all()
    assert find_overlaps(constant.astype(np.complex64)).bare.all()


def rectangular(count, random, samples_per_symbol=8):
    """BPSK without pulse shaping: it repeats its few patterns."""
    bits = np.sign(random.normal(size=(count, 17))) + 0j
    x = np.repeat(bits, samples_per_symbol, axis=1)
    start = random.integers(0, samples_per_symbol, count)
    return np.stack([row[a : a + 128] for row, a in zip(x, start, strict=True)])


def slow_fading(random, count=400):
    """Carriers whose phase and gain drift by a millionth a sample."""
    drift = 1 + 1e-4 * np.cumsum(noise((count, 128), random), axis=1) / 128
    return drift * np.exp(2j * np.pi * random.uniform(size=(count, 1)))


def periodic(random, count=400):
    """Repetitions of one pattern of 16 samples, from any place of it."""
    pattern = np.tile(noise(16, random), 12)
    return np.stack([pattern[a : a + 128] for a in random.integers(0, 16, count)])


def test_signals_without_noise_that_repeat_themselves_do_not_overlap():
    random = np.random.default_rng(8)
    cases = {
        "rectangular": rectangular(1500, random),
        "shaped": linear("BPSK", 1500, 128, random),
        "periodic": periodic(random),
        "fading": slow_fading(random),
    }
    for name, x in cases.items():
        found = find_overlaps(x.astype(np.complex64))
        partial = found.shared < 128
        assert partial.sum() <= 0.01 * len(x), name
        if name != "fading":
            assert found.recurring.mean() > 0.5, name


def test_a_noise_free_stream_of_a_rich_alphabet_is_judged():
    random = np.random.default_rng(9)
    x = windows(linear("8PSK", 1, 64 * 300, random)[0], 64)
    found = find_overlaps(x)
    assert np.sum(found.second == found.first + 1) >= 0.95 * (len(x) - 1)


@pytest.mark.parametrize("steps", [4, 30])
def test_quantised_streams_are_judged(steps):
    """Integers of a few levels, as an 8-bit receiver gives, with and without overlap."""
    random = np.random.default_rng(10)
    apart = np.stack([stream(128, random, snr_db=10.0) for _ in range(600)])
    rounded = np.round(apart.real * steps) + 1j * np.round(apart.imag * steps)
    assert len(find_overlaps(rescaled(rounded, random)).first) == 0
    one = stream(64 * 600, random, snr_db=10.0)
    x = windows(np.round(one.real * steps) + 1j * np.round(one.imag * steps), 64)
    found = find_overlaps(rescaled(x, random))
    assert np.sum(found.second == found.first + 1) >= 0.97 * (len(x) - 1)


@pytest.mark.parametrize("shape", [(0, 128), (1, 128), (5, 1), (5, 4), (5, SHORTEST_RUN), (2, 17)])
def test_small_input_is_no_trouble(shape):
    random = np.random.default_rng(11)
    told = []
    found = find_overlaps(noise(shape, random).astype(np.complex64), told.append)
    assert len(found.first) == len(found.shared) == 0
    assert len(found.bare) == len(found.recurring) == shape[0]
    assert sum(told) == pytest.approx(1) or shape[0] == 0


def test_bursts_in_silence_are_compared():
    random = np.random.default_rng(12)
    x = np.zeros((50, 128), complex)
    x[:, 40:70] = noise((50, 30), random)
    x[7] = x[3]
    found = find_overlaps(rescaled(x, random))
    assert (found.first.tolist(), found.second.tolist()) == ([3], [7])
