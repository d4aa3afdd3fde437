import numpy as np
import pytest
from scipy import signal
from tests.datasets.radio import linear, noise

from hertzian.datasets.blind_snr import (
    FAINT,
    FEW,
    FEWEST_WINDOWS,
    FILLED,
    Estimate,
    estimate_snr,
    is_filtered,
    is_white_noise,
)

pytestmark = pytest.mark.base


def heard(clean, snr_db, random):
    x = clean + 10 ** (-snr_db / 20) * noise(clean.shape, random)
    # as published sets normalise each window
    return (x / np.abs(x).sum(axis=1, keepdims=True)).astype(np.complex64)


def narrow(name, count, samples, random, oversampling):
    """A linear modulation of 4, 8 or 16 samples a symbol."""
    if oversampling == 4:
        return linear(name, count, 2 * samples, random)[:, ::2]
    if oversampling == 8:
        return linear(name, count, samples, random)
    return signal.resample(linear(name, count, samples, random), 2 * samples, axis=1)[:, :samples]


@pytest.mark.parametrize("oversampling", [4, 8, 16])
@pytest.mark.parametrize("snr_db", [-6.0, 0.0, 10.0, 20.0, 30.0])
@pytest.mark.parametrize("samples", [128, 1024])
def test_the_snr_of_oversampled_signals_is_found_within_a_decibel(oversampling, snr_db, samples):
    random = np.random.default_rng(oversampling)
    for name in ("BPSK", "QPSK"):
        clean = narrow(name, 100, samples, random, oversampling)
        clean = clean / np.sqrt(np.mean(np.abs(clean) ** 2))
        found = estimate_snr(heard(clean, snr_db, random))
        assert found.snr_db == pytest.approx(snr_db, abs=1.0)


def test_windows_of_noise_that_were_scaled_up_do_not_raise_the_floor():
    random = np.random.default_rng(3)
    clean = narrow("QPSK", 200, 128, random, 8)
    clean = clean / np.sqrt(np.mean(np.abs(clean) ** 2))
    clean[::20] = 0  # as where a pass begins in the empty filter
    found = estimate_snr(heard(clean, 30.0, random))
    assert found.snr_db == pytest.approx(30.0, abs=1.0)


def test_the_snr_of_a_carrier_and_of_fm():
    random = np.random.default_rng(1)
    tones = np.exp(2j * np.pi * (0.07 * np.arange(128) + random.uniform(size=(60, 1))))
    message = np.cumsum(signal.lfilter([0.05], [1, -0.95], noise((60, 256), random).real), axis=1)
    for clean in (tones, np.exp(0.5j * message)):
        found = estimate_snr(heard(clean, 12.0, random))
        assert found.snr_db == pytest.approx(12.0, abs=1.0)


def test_signals_that_fill_the_band_have_no_estimate():
    random = np.random.default_rng(2)
    symbols = np.exp(0.5j * np.pi * random.integers(0, 4, (200, 128)))
    wide = signal.resample(symbols, 160, axis=1)  # 80% of the band
    found = estimate_snr(heard(wide, 10.0, random))
    assert (found.snr_db, found.why) == (None, FILLED)


def test_noise_and_silence_have_no_signal():
    random = np.random.default_rng(3)
    for seed in range(20):
        made = noise((200, 128), np.random.default_rng(seed)).astype(np.complex64)
        found = estimate_snr(made)
        assert (found.snr_db, found.why) == (None, FAINT)
        assert found.floor > 0.8
    assert estimate_snr(np.zeros((200, 128), np.complex64)) == Estimate(None, FAINT)
    few = noise((FEWEST_WINDOWS - 1, 128), random).astype(np.complex64)
    assert estimate_snr(few) == Estimate(None, FEW)
    assert estimate_snr(noise((200, 8), random).astype(np.complex64)) == Estimate(None, FEW)
    assert estimate_snr(np.full((200, 128), np.nan, np.complex64)) == Estimate(None, FEW)
    assert estimate_snr(np.empty((0, 128), np.complex64)) == Estimate(None, FEW)


def test_a_window_without_numbers_spoils_no_estimate():
    random = np.random.default_rng(4)
    x = heard(linear("QPSK", 100, 128, random), 10.0, random)
    x[3] = np.nan
    assert estimate_snr(x).snr_db == pytest.approx(10, abs=1)


def test_a_filtered_band_is_told_from_one_with_noise():
    random = np.random.default_rng(7)
    labels = [float(label) for label in range(-10, 21, 2)]
    for slope in (1, 2):  # true labels, and those of half the SNR
        made = [heard(linear("QPSK", 40, 128, random), slope * s, random) for s in labels]
        assert not is_filtered(labels, [estimate_snr(x).floor for x in made])
        taps = signal.firwin(65, 0.3)
        made = [signal.lfilter(taps, [1], x, axis=1)[:, 64:] for x in made]
        assert is_filtered(labels, [estimate_snr(x.astype(np.complex64)).floor for x in made])
    assert not is_filtered([], [])


def test_white_noise_is_told_from_what_is_not():
    random = np.random.default_rng(5)
    white = [is_white_noise(noise((100, 128), random).astype(np.complex64)) for _ in range(60)]
    assert all(white)
    gain = 10 ** random.uniform(-2, 2, (100, 1))
    assert is_white_noise((gain * noise((100, 128), random)).astype(np.complex64))
    signals = {
        "QPSK": heard(linear("QPSK", 100, 128, random), 0.0, random),
        "carrier": np.ones((100, 128)) + noise((100, 128), random),
        "one sample a symbol": np.exp(0.5j * np.pi * random.integers(0, 4, (100, 128))),
        "real": noise((100, 128), random).real + 0j,
        "coloured": signal.lfilter([1], [1, -0.2], noise((100, 128), random), axis=1),
        "spiky": noise((100, 128), random) * (random.uniform(size=(100, 128)) < 0.3),
    }
    for name, x in signals.items():
        assert is_white_noise(x.astype(np.complex64)) is False, name


def test_too_few_windows_are_not_judged():
    random = np.random.default_rng(6)
    assert is_white_noise(noise((FEWEST_WINDOWS - 1, 128), random).astype(np.complex64)) is None
    assert is_white_noise(noise((100, 16), random).astype(np.complex64)) is None
    assert is_white_noise(np.zeros((100, 128), np.complex64)) is None
