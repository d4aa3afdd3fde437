import numpy as np
import pytest

from hertzian.signal import (
    Alphabet,
    HertzianError,
    attributes_of,
    attributes_of_alphabet,
    constellation,
)

# C40 and C42 of unit power as in Swami and Sadler 2000, table 1 (4-PAM -1.36, 16-QAM -0.68, 64-QAM
# -0.619); QPSK's points lie on the diagonals here, which turns the sign of its C40
CUMULANTS = {
    "BPSK": (-2, -2),
    "4PAM": (-1.36, -1.36),
    "QPSK": (-1, -1),
    "8PSK": (0, -1),
    "16PSK": (0, -1),
    "16QAM": (-0.68, -0.68),
    "64QAM": (-0.619, -0.619),
}
# order, amplitude levels, phase levels, symmetry
COUNTS = {
    "OOK": (2, 2, 1, 1),
    "4ASK": (4, 4, 1, 1),
    "4PAM": (4, 2, 2, 2),
    "BPSK": (2, 1, 2, 2),
    "QPSK": (4, 1, 4, 4),
    "32PSK": (32, 1, 32, 32),
    "16QAM": (16, 3, 12, 4),
    "16APSK": (16, 2, 12, 4),
    "64QAM": (64, 9, 52, 4),
}


@pytest.mark.parametrize("name", CUMULANTS)
def test_cumulants_are_those_of_the_literature(name):
    found = attributes_of(name)
    assert (found.c40, found.c42) == pytest.approx(CUMULANTS[name], abs=1e-3)


@pytest.mark.parametrize("name", COUNTS)
def test_levels_and_turns_are_counted(name):
    found = attributes_of(name)
    counted = (found.order, found.amplitude_levels, found.phase_levels, found.symmetry)
    assert counted == COUNTS[name]
    assert found.constant_envelope == (COUNTS[name][1] == 1)


def test_keying_on_and_off_has_half_of_its_power_in_the_carrier_and_lies_on_a_line():
    found = attributes_of("2ASK")
    assert (found.carrier, found.conjugate) == pytest.approx((0.5, 1.0))
    # without its mean it is BPSK
    assert (found.c40, found.c42) == pytest.approx((-2, -2))


def test_circular_alphabets_have_no_carrier_and_no_conjugate_part():
    for name in ("QPSK", "16QAM", "32APSK"):
        assert (attributes_of(name).carrier, attributes_of(name).conjugate) == pytest.approx((0, 0))


def test_offset_and_alternation_tell_alphabets_of_the_same_points_apart():
    assert (attributes_of("OQPSK").offset, attributes_of("QPSK").offset) == (True, False)
    assert (attributes_of("PI4-DQPSK").alternating, attributes_of("8PSK").alternating) == (
        True,
        False,
    )
    assert np.abs(attributes_of("OQPSK").numbers - attributes_of("QPSK").numbers).sum() == 1


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_scale_and_order_of_the_points_do_not_matter(scale):
    points = constellation("16APSK")
    shuffled = np.random.default_rng(0).permutation(points) * scale
    assert attributes_of_alphabet(Alphabet(shuffled)).numbers == pytest.approx(
        attributes_of("16APSK").numbers
    )


def test_angles_across_the_cut_are_one():
    points = [-1 + 1e-12j, -2 - 1e-12j, 1]
    assert attributes_of_alphabet(Alphabet(points)).phase_levels == 2


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([1], "two or more"),
        ([1, 1, -1], "twice"),
        ([0, np.nan], "finite"),
        ([0, 0], "reaches between"),
    ],
)
def test_what_is_no_alphabet_is_refused(points, said):
    with pytest.raises(HertzianError, match=said):
        Alphabet(points)


def test_two_alphabets_are_the_same_in_any_order_and_at_any_scale():
    points = constellation("16QAM")
    assert Alphabet(3 * points[::-1]).same_as(Alphabet(points))
    assert not Alphabet(points, offset=True).same_as(Alphabet(points))
    assert not Alphabet(points * np.exp(0.1j)).same_as(Alphabet(points))
    assert not Alphabet(points[1:]).same_as(Alphabet(points))
