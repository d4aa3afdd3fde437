import numpy as np
import pytest

from hertzian.signal import HertzianError, constellation

# The inner ring of 16APSK with radii in the ratio 2.85: mean power 4 r^2 (1 + 3 x 2.85^2) / 16 = 1.
INNER = 2 / np.sqrt(1 + 3 * 2.85**2)
# The same for the 4+12+16, 8+16+20+20 and 16+16+16+16+16+48 points of DVB-S2 and DVB-S2X.
INNER_32 = np.sqrt(32 / (4 + 12 * 2.84**2 + 16 * 5.27**2))
INNER_64 = np.sqrt(64 / (8 + 16 * 2.2**2 + 20 * 3.6**2 + 20 * 5.2**2))
INNER_128 = np.sqrt(128 / (16 * (1 + 1.715**2 + 2.118**2 + 2.681**2 + 2.75**2) + 48 * 3.819**2))
# order, and least distance between two points at unit mean power
CLOSED_FORMS = {
    "OOK": (2, np.sqrt(2)),
    "4ASK": (4, 1 / np.sqrt(3.5)),
    "8ASK": (8, 1 / np.sqrt(17.5)),
    "4PAM": (4, 2 / np.sqrt(5)),
    "BPSK": (2, 2),
    "QPSK": (4, np.sqrt(2)),
    "OQPSK": (4, np.sqrt(2)),
    "PI4-DQPSK": (8, 2 * np.sin(np.pi / 8)),
    "8PSK": (8, 2 * np.sin(np.pi / 8)),
    "16PSK": (16, 2 * np.sin(np.pi / 16)),
    "32PSK": (32, 2 * np.sin(np.pi / 32)),
    # inner square of side 2; the outer points lie on equilateral triangles over it
    "8QAM": (8, 2 / np.sqrt((2 + (1 + np.sqrt(3)) ** 2) / 2)),
    "16QAM": (16, 2 / np.sqrt(10)),
    "32QAM": (32, 2 / np.sqrt(20)),
    "64QAM": (64, 2 / np.sqrt(42)),
    "128QAM": (128, 2 / np.sqrt(82)),
    "256QAM": (256, 2 / np.sqrt(170)),
    "12APSK": (12, np.sqrt(2) / np.sqrt((1 + 2 * (1 + np.sqrt(2)) ** 2) / 3)),
    "16APSK": (16, np.sqrt(2) * INNER),
    "32APSK": (32, np.sqrt(2) * INNER_32),
    "64APSK": (64, 2 * np.sin(np.pi / 8) * INNER_64),
    # the nearest two points of the inner ring: 594 of 10080 parts of a turn
    "128APSK": (128, 2 * np.sin(np.pi * 297 / 5040) * INNER_128),
}
PHASES = ("QPSK", "OQPSK", "PI4-DQPSK", "8PSK", "16PSK", "32PSK")
SQUARE = ("16QAM", "64QAM", "256QAM")
QUARTER_TURN = (*PHASES, *SQUARE, "8QAM", "32QAM", "128QAM", "12APSK", "16APSK", "32APSK", "64APSK")
HALF_TURN = (*QUARTER_TURN, "BPSK", "4PAM", "128APSK")


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


@pytest.mark.parametrize("name", QUARTER_TURN)
def test_what_a_quarter_turn_maps_onto_itself_has_no_second_moment(name):
    assert abs(np.mean(constellation(name) ** 2)) < 1e-12


@pytest.mark.parametrize("name", PHASES)
def test_phase_keying_lies_evenly_on_the_unit_circle(name):
    points = constellation(name)
    order = points.size
    np.testing.assert_allclose(np.abs(points), 1.0, atol=1e-12)
    turns = np.sort(np.angle(points) % (2 * np.pi))
    np.testing.assert_allclose(np.diff(turns), 2 * np.pi / order, atol=1e-12)
    # the first moment that is not zero is that of the order
    moments = [abs(np.mean(points**k)) for k in range(1, order + 1)]
    np.testing.assert_allclose(moments, [0.0] * (order - 1) + [1.0], atol=1e-12)


@pytest.mark.parametrize("name", SQUARE)
def test_the_moments_of_square_qam_are_those_of_its_levels(name):
    points = constellation(name)
    square = points.size
    # per axis, levels +-1, +-3, ...: E x^2 = (M - 1)/3, E x^4 = (M - 1)(3M - 7)/15 with M levels
    second, fourth = (square - 1) / 3, (square - 1) * (3 * square - 7) / 15
    scale = (2 * second) ** 2
    assert np.mean(np.abs(points) ** 4) == pytest.approx((2 * fourth + 2 * second**2) / scale)
    assert np.mean(points**4) == pytest.approx((2 * fourth - 6 * second**2) / scale)


@pytest.mark.parametrize(
    ("name", "rows", "fourth"), [("32QAM", [4, 6, 6, 6, 6, 4], -0.19), ("128QAM", None, None)]
)
def test_cross_qam_is_a_square_without_its_corners(name, rows, fourth):
    points = constellation(name)
    whole = points * (2 / CLOSED_FORMS[name][1])
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-9)
    levels, counts = np.unique(np.round(whole.real), return_counts=True)
    expected = rows or [8, 8, 12, 12, 12, 12, 12, 12, 12, 12, 8, 8]
    assert list(counts) == expected
    np.testing.assert_array_equal(levels, np.arange(1 - len(expected), len(expected), 2))
    # no point lies beyond the corner of the inner square in both directions
    assert not ((np.abs(whole.real) > counts.min()) & (np.abs(whole.imag) > counts.min())).any()
    if fourth is not None:
        assert np.mean(points**4) == pytest.approx(fourth)
        assert np.mean(np.abs(points) ** 4) == pytest.approx(1.31)


@pytest.mark.parametrize(
    ("name", "rings"),
    [
        ("32APSK", {1.0: 4, 2.84: 12, 5.27: 16}),
        ("64APSK", {1.0: 8, 2.2: 16, 3.6: 20, 5.2: 20}),
        ("128APSK", {1.0: 16, 1.715: 16, 2.118: 16, 2.681: 16, 2.75: 16, 3.819: 48}),
    ],
)
def test_rings_have_the_radii_and_points_of_the_standard(name, rings):
    radii = np.abs(constellation(name))
    ratios, counts = np.unique(np.round(radii / radii.min(), 9), return_counts=True)
    assert dict(zip(ratios, counts, strict=True)) == rings


def test_the_rings_of_dvb_s2_begin_where_the_standard_draws_them():
    points = constellation("32APSK")
    for ring, first in ((points[:4], 45.0), (points[4:16], 15.0), (points[16:], 0.0)):
        degrees = np.sort(np.angle(ring, deg=True) % 360)
        np.testing.assert_allclose(degrees, first + 360 / ring.size * np.arange(ring.size))
    for points in (constellation("64APSK"), constellation("128APSK")):
        # no point of DVB-S2X lies on an axis
        assert np.abs(np.stack([points.real, points.imag])).min() > 0.02


def test_an_alias_gives_the_same_points():
    np.testing.assert_array_equal(constellation("qam16"), constellation("16QAM"))


def test_what_has_no_alphabet_is_refused():
    with pytest.raises(HertzianError, match="OFDM has no constellation"):
        constellation("ofdm")
