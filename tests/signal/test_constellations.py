import numpy as np
import pytest

from hertzian.signal import HertzianError, constellation

# The inner ring of 16APSK with radii in the ratio 2.85: mean power 4 r^2 (1 + 3 x 2.85^2) / 16 = 1.
INNER = 2 / np.sqrt(1 + 3 * 2.85**2)
# order, and least distance between two points at unit mean power
CLOSED_FORMS = {
    "OOK": (2, np.sqrt(2)),
    "4ASK": (4, 1 / np.sqrt(3.5)),
    "8ASK": (8, 1 / np.sqrt(17.5)),
    "4PAM": (4, 2 / np.sqrt(5)),
    "BPSK": (2, 2),
    "QPSK": (4, np.sqrt(2)),
    "OQPSK": (4, np.sqrt(2)),
    "8PSK": (8, 2 * np.sin(np.pi / 8)),
    "16QAM": (16, 2 / np.sqrt(10)),
    "64QAM": (64, 2 / np.sqrt(42)),
    "16APSK": (16, np.sqrt(2) * INNER),
}
QUARTER_TURN = ("QPSK", "OQPSK", "8PSK", "16QAM", "64QAM", "16APSK")
HALF_TURN = (*QUARTER_TURN, "BPSK", "4PAM")


def gaps(points):
    return np.abs(points[:, None] - points[None, :])[~np.eye(points.size, dtype=bool)]


def same_set(one, other):
    return np.abs(one[:, None] - other[None, :]).min(axis=1).max() < 1e-12


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_mean_power_is_one_and_the_least_distance_that_of_the_textbook(name):
    order, distance = CLOSED_FORMS[name]
    points = constellation(name)
    assert points.shape == (order,)
    assert points.dtype == np.complex128
    assert np.mean(np.abs(points) ** 2) == pytest.approx(1.0, abs=1e-12)
    assert gaps(points).min() == pytest.approx(distance, rel=1e-12)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_symmetries(name):
    points = constellation(name)
    assert same_set(points.conj(), points)
    assert same_set(-points, points) == (name in HALF_TURN)
    assert same_set(1j * points, points) == (name in QUARTER_TURN)
    if name in HALF_TURN:
        assert abs(points.mean()) < 1e-12


@pytest.mark.parametrize(("name", "levels"), [("OOK", 2), ("4ASK", 4), ("8ASK", 8)])
def test_amplitude_keying_is_real_never_negative_and_even_in_its_levels(name, levels):
    points = np.sort(constellation(name).real)
    assert (constellation(name).imag == 0).all()
    assert points[0] == 0
    np.testing.assert_allclose(points / points[1], np.arange(levels), atol=1e-12)


def test_phases_are_where_the_standards_put_them():
    turns = np.sort(np.angle(constellation("QPSK"))) / np.pi
    np.testing.assert_allclose(turns, [-0.75, -0.25, 0.25, 0.75])
    assert np.abs(constellation("BPSK") - [1, -1]).max() < 1e-12
    rings = np.sort(np.abs(constellation("16APSK")))
    np.testing.assert_allclose(rings, [INNER] * 4 + [2.85 * INNER] * 12)


def test_an_alias_gives_the_same_points():
    np.testing.assert_array_equal(constellation("qam16"), constellation("16QAM"))


def test_what_has_no_alphabet_is_refused():
    with pytest.raises(HertzianError, match="OFDM has no constellation"):
        constellation("ofdm")
