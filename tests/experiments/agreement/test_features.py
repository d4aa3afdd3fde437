import numpy as np
import pytest

from hertzian.experiments.agreement.features import features


def windows(count=50, samples=128, seed=0):
    random = np.random.default_rng(seed)
    return (random.standard_normal((count, samples, 2)) @ [1, 1j]).astype(np.complex64)


def test_neither_scale_nor_phase_is_a_feature():
    x = windows()
    turned = (x * np.float32(3.0) * np.exp(1j * np.linspace(0, 6, 50))[:, None]).astype(x.dtype)
    np.testing.assert_allclose(features(x), features(turned), atol=2e-3)


@pytest.mark.parametrize(
    ("points", "fourth"),
    [([1, -1], -2.0), ([1, 1j, -1, -1j], -1.0), (np.exp(2j * np.pi * np.arange(8) / 8), -1.0)],
)
def test_c42_is_that_of_the_constellation(points, fourth):
    # each point as often: the cumulants of Swami and Sadler hold exactly
    x = np.tile(np.repeat(np.asarray(points, np.complex64), 128 // len(points)), (1, 1))
    assert features(x)[0, 4] == pytest.approx(fourth, abs=1e-5)


def test_a_carrier_is_one_bin_and_turns_evenly():
    tone = np.exp(2j * np.pi * 0.25 * np.arange(128)).astype(np.complex64)[None]
    found = features(tone)[0]
    envelope, turn = found[7:20], found[20:33]
    np.testing.assert_allclose(envelope[4:], 1, atol=1e-5)
    np.testing.assert_allclose(turn[4:], np.pi / 2, atol=1e-5)
    spectrum = found[7 + 4 * 13 + 32 :][:32]
    assert spectrum.argmax() in (23, 24)
    assert np.sort(spectrum)[-3] < spectrum.max() - 60


def test_all_are_finite_for_silence_in_a_window():
    x = windows()
    x[:, 64:] = 0
    assert np.all(np.isfinite(features(x)))
