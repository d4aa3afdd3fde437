import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from hertzian.report.style import (
    BOX,
    HEAT,
    MARKERS,
    SERIES,
    SERIES_ON_DARK,
    new_figure,
    style,
)

pytestmark = pytest.mark.base

# Viénot, Brettel & Mollon (1999): linear RGB as protanopes and deuteranopes see it
PROTAN = np.array([[0.1124, 0.8876, 0.0], [0.1124, 0.8876, 0.0], [0.0040, -0.0040, 1.0]])
DEUTAN = np.array([[0.2928, 0.7072, 0.0], [0.2928, 0.7072, 0.0], [-0.0223, 0.0223, 1.0]])


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG 2.1 contrast ratio."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    bright, dark = sorted((weights @ linear(one), weights @ linear(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_parameters_end_with_the_context():
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["text.parse_math"] is False
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("colors", [SERIES[:4], SERIES_ON_DARK[:4]])
@pytest.mark.parametrize("sight", [np.eye(3), PROTAN, DEUTAN], ids=["all", "protan", "deutan"])
def test_first_series_differ_in_every_common_color_vision(colors, sight):
    seen = [np.clip(sight @ linear(color), 0, 1) ** (1 / 2.2) for color in colors]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 0.12
    assert len(set(MARKERS)) == len(MARKERS) >= len(colors)


def test_series_stand_out_from_their_page():
    assert min(contrast(color, "#ffffff") for color in SERIES) > 2
    assert min(contrast(color, "#181e26") for color in SERIES_ON_DARK) > 4.5


def test_boxes_stand_out_from_weak_and_middling_levels():
    levels = mpl.colormaps[HEAT](np.linspace(0, 0.7, 50))
    assert min(contrast(BOX, level[:3]) for level in levels) > 1.9


def test_margins_are_in_inches():
    with style():
        figure = new_figure(8, 4, margins=(0.8, 0.4, 0.6, 0.2))
        corners = figure.add_subplot().get_position()
    assert corners.extents == pytest.approx([0.1, 0.15, 0.95, 0.95])
