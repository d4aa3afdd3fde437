import numpy as np
import pytest

from hertzian.report import class_maps

PLACES = np.arange(12.0).reshape(6, 2)
NUMBERS = np.array([0, 1, 2, 0, 1, 2])


def test_each_panel_has_each_class_in_one_look():
    names = ["QPSK", "4ASK", "4ASK, generated"]
    figure = class_maps({"0 dB": (PLACES, NUMBERS), "6 dB": (PLACES[:2], NUMBERS[:2])}, names)
    first, second = figure.axes
    assert (first.get_title("left"), second.get_title("left")) == ("0 dB", "6 dB")
    for one, other in zip(first.collections, second.collections, strict=True):
        assert one.get_facecolor() == pytest.approx(other.get_facecolor())
    np.testing.assert_array_equal(first.collections[1].get_offsets(), PLACES[NUMBERS == 1])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names


@pytest.mark.parametrize(
    ("panels", "said"),
    [
        ({}, "no places"),
        ({"0 dB": (PLACES, NUMBERS[:2])}, "0 dB: no places"),
        ({"0 dB": (PLACES * np.nan, NUMBERS)}, "0 dB: no places"),
        ({"0 dB": (PLACES, NUMBERS + 1)}, "names none of 3"),
    ],
)
def test_what_cannot_be_drawn_is_refused(panels, said):
    with pytest.raises(ValueError, match=said):
        class_maps(panels, ["a", "b", "c"])
