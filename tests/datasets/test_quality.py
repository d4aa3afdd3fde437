import numpy as np
import pytest
from tests.datasets.radio import linear, noise

from hertzian.datasets.quality import energy, steps

pytestmark = pytest.mark.base


def windows(seed=0, count=300):
    random = np.random.default_rng(seed)
    return linear("QPSK", count, 128, random) + 0.1 * noise((count, 128), random)


def rounded(x, step):
    return step * (np.round(x.real / step) + 1j * np.round(x.imag / step))


def test_energy_is_the_root_mean_square():
    x = np.ones((4, 10), np.complex64) * np.array([[1], [2], [3], [10]])
    x[:, ::2] *= 1j
    found = energy(x.astype(np.complex64))
    assert (found.median, found.smallest, found.largest) == (2.5, 1.0, 10.0)
    assert (found.silent, found.not_finite, found.normalisation) == (0, 0, "nothing")


def test_silence_and_what_is_no_number_are_counted_apart():
    x = windows(count=10).astype(np.complex64)
    x[0] = 0
    x[1, 5] = np.nan
    x[2, 6] = np.inf
    x[3] = 1e-30  # faint, not silent
    found = energy(x)
    assert (found.silent, found.not_finite) == (1, 2)
    assert found.smallest == pytest.approx(1e-30)
    nothing = energy(np.zeros((3, 5), np.complex64))
    assert (nothing.median, nothing.silent) == (None, 3)
    assert energy(np.empty((0, 5), np.complex64)).median is None


def test_normalisation_is_named():
    x = windows()
    magnitude = np.abs(x)
    largest = np.maximum(np.abs(x.real), np.abs(x.imag)).max(axis=1, keepdims=True)
    cases = {
        "energy": np.sqrt((magnitude**2).sum(axis=1, keepdims=True)),
        "sum of magnitudes": magnitude.sum(axis=1, keepdims=True),
        "peak": magnitude.max(axis=1, keepdims=True),
        "largest I or Q": largest,
        "nothing": 1.0,
    }
    for name, divisor in cases.items():
        assert energy((x / divisor).astype(np.complex64)).normalisation == name
    assert energy(x[:1].astype(np.complex64)).normalisation == "nothing"


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_quantisation_is_found_at_any_scale(scale):
    x = windows()
    assert steps((scale * x).astype(np.complex64), 0).quantised == 0
    for bits in (4, 6, 8):
        step = 4 / 2**bits
        made = rounded(x, step) + step * (0.5 + 0.5j) * (bits == 6)  # a mid-rise quantiser, too
        divisor = np.abs(made).sum(axis=1, keepdims=True)
        found = steps((scale * made / divisor).astype(np.complex64), 0)
        assert found.quantised > 0.9
        span = np.median(np.ptp(np.concatenate([x.real, x.imag], axis=1), axis=1)) / step
        assert found.levels == pytest.approx(span + 1, rel=0.1, abs=1)


def test_clipping_is_found():
    x = windows()
    clipped = np.clip(x.real, -0.9, 0.9) + 1j * np.clip(x.imag, -0.9, 0.9)
    assert steps(clipped.astype(np.complex64), 0).clipped > 0.9
    assert steps(x.astype(np.complex64), 0).clipped == 0
    assert steps(rounded(x, 1 / 64).astype(np.complex64), 0).clipped < 0.05


def test_few_values_are_neither_clipped_nor_quantised():
    random = np.random.default_rng(1)
    bits = np.sign(random.normal(size=(50, 128))) + 0j
    found = steps(bits.astype(np.complex64), 0)
    assert (found.clipped, found.quantised) == (0, 0)


def test_degenerate_windows():
    for x in (np.zeros((3, 4)), np.full((3, 4), np.nan), np.empty((0, 4)), np.ones((3, 1))):
        found = steps(x.astype(np.complex64), 0)
        assert (found.clipped, found.quantised, found.levels) == (0, 0, None)
