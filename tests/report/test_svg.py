import base64
import io
import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from hertzian.report.style import INK, SERIES, new_figure, style
from hertzian.report.svg import inline_svg

pytestmark = pytest.mark.base


def figure_with(draw):
    with style():
        figure = new_figure(4, 3)
        draw(figure.add_subplot())
    return figure


def test_it_points_nowhere_outside_and_has_the_pages_colors():
    svg = inline_svg(figure_with(lambda axes: axes.plot([1, 2, 3], color=SERIES[0])), "rising")
    assert "http" not in svg
    assert "xmlns" not in svg
    assert INK not in svg
    assert "currentColor" in svg
    assert "var(--series-0)" in svg
    assert 'aria-label="rising"' in svg


def test_every_reference_finds_its_target_and_figures_share_none():
    first = inline_svg(figure_with(lambda axes: axes.plot([1, 2, 3], "o")), "first")
    second = inline_svg(figure_with(lambda axes: axes.plot([3, 2, 1], "s")), "second")
    for svg in (first, second):
        targets = set(re.findall(r'id="([^"]*)"', svg))
        references = set(re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', svg))
        assert {a or b for a, b in references} <= targets
    assert not set(re.findall(r'id="([^"]*)"', first)) & set(re.findall(r'id="([^"]*)"', second))


def test_images_keep_their_pixels_in_one_byte_each():
    values = np.linspace(0, 1, 12).reshape(3, 4)
    svg = inline_svg(
        figure_with(lambda axes: axes.imshow(values, cmap="inferno", interpolation="none")), ""
    )
    (uri,) = re.findall(r'href="(data:image/png;base64,[^"]*)"', svg)
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert picture.mode == "P"
    expected = mpl.colormaps["inferno"](values, bytes=True)[..., :3]
    shown = np.asarray(picture.convert("RGB"))
    assert np.array_equal(shown, expected) or np.array_equal(shown, expected[::-1])


def test_images_of_many_colors_stay_as_they_are():
    values = np.random.default_rng(0).random((20, 20, 3))
    svg = inline_svg(figure_with(lambda axes: axes.imshow(values, interpolation="none")), "")
    (uri,) = re.findall(r'href="data:image/png;base64,([^"]*)"', svg)
    assert Image.open(io.BytesIO(base64.b64decode(uri))).mode in ("RGB", "RGBA")


@pytest.mark.parametrize("text", ["</svg><script>x</script>", r"$\frac{$", "a & \"b\" 'c'"])
def test_any_text_is_shown_as_it_is(text):
    svg = inline_svg(figure_with(lambda axes: axes.text(0.5, 0.5, text)), text)
    root = ElementTree.fromstring(svg)
    assert text in [t.text for t in root.iter("text")]
    assert root.get("aria-label") == text
    assert "<script" not in svg


def test_the_same_figure_gives_the_same_bytes():
    svgs = {inline_svg(figure_with(lambda axes: axes.plot([1, 2], "o")), "") for _ in range(2)}
    assert len(svgs) == 1


def test_coordinates_are_exact_to_a_hundredth_of_a_point():
    svg = inline_svg(figure_with(lambda axes: axes.plot(np.random.default_rng(0).random(50))), "")
    paths = re.findall(r' d="([^"]*)"', svg)
    assert paths
    assert not any(re.search(r"\.\d{3}", path) for path in paths)
