import numpy as np
import pytest

from hertzian.report.curves import (
    accuracy_over_snr,
    confusion,
    reliability,
    shares_over_setting,
)

pytestmark = pytest.mark.base


def test_accuracy_is_in_percent_with_snr_ascending():
    figure = accuracy_over_snr({"a": {10.0: 0.9, -10.0: 0.1, 0.0: 0.5}, "$\\b": {0.0: 1.0}})
    first, second = figure.axes[0].lines
    assert first.get_xdata() == pytest.approx([-10, 0, 10])
    assert first.get_ydata() == pytest.approx([10, 50, 90])
    assert second.get_ydata() == pytest.approx([100])
    assert first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker()
    figure.draw_without_rendering()


def test_many_curves_stay_distinct():
    figure = accuracy_over_snr({str(i): {0.0: 0.03 * i} for i in range(24)})
    lines = figure.axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 24
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 24


def test_printed_points_are_rings_of_the_colour_of_their_curve():
    curves = {"a": {0.0: 0.5}, "b": {0.0: 0.6}, "c": {0.0: 0.7}}
    figure = accuracy_over_snr(curves, {"b": {0.0: 0.91, 12.0: 0.94}, "c": {}})
    axes = figure.axes[0]
    assert len(axes.lines) == 4
    (ring,) = (line for line in axes.lines if line.get_markerfacecolor() == "none")
    assert ring.get_xdata() == pytest.approx([0, 12])
    assert ring.get_ydata() == pytest.approx([91, 94])
    assert ring.get_color() == axes.lines[1].get_color() != axes.lines[0].get_color()
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["a", "b", "c", "printed in the paper"]


def test_the_legend_stands_beside_the_axes_and_inside_the_figure():
    figure = accuracy_over_snr({"one": {0.0: 1.0, 20.0: 1.0}, "another": {0.0: 0.5}}, {})
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["one", "another"]
    box = legend.get_window_extent()
    assert box.x0 > figure.axes[0].get_window_extent().x1
    assert box.x1 <= figure.bbox.x1
    assert accuracy_over_snr({"one": {0.0: 1.0}}).axes[0].get_legend() is None


def test_shares_over_numbers_and_over_names():
    curves = {"a": {"0.5": 0.9, "0": 0.1, "1": 0.2}, "b": {"0.5": 0.3}}
    figure = shares_over_setting(curves, "weight", "accuracy")
    axes = figure.axes[0]
    assert axes.lines[0].get_xdata() == pytest.approx([0, 0.5, 1])
    assert axes.lines[0].get_ydata() == pytest.approx([10, 90, 20])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("weight", "accuracy (%)")
    named = shares_over_setting({"a": {"two": 0.2, "one": 0.1}}, "layers", "accuracy")
    axes = named.axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["two", "one"]
    assert axes.lines[0].get_ydata() == pytest.approx([20, 10])
    evenly = shares_over_setting(
        {"a": {"0": 0.2, "0.001": 0.1, "1": 0}}, "x", "accuracy", even=True
    )
    assert evenly.axes[0].lines[0].get_xdata() == pytest.approx([0, 1, 2])
    figure.draw_without_rendering()


def test_confusion_shows_shares_of_the_true_class():
    figure = confusion(["a", "b", "c"], [[3, 1, 0], [0, 0, 0], [1, 1, 998]])
    axes = figure.axes[0]
    cells = {
        (text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts
    }
    assert cells == {(0, 0): "75", (0, 1): "25", (2, 2): "100"}
    strength = {patch.get_xy(): patch.get_alpha() for patch in axes.patches}
    assert set(strength) == {(-0.5, -0.5), (0.5, -0.5), (-0.5, 1.5), (0.5, 1.5), (1.5, 1.5)}
    assert strength[-0.5, -0.5] > strength[0.5, -0.5] > strength[-0.5, 1.5] > 0
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first class is on top
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]


def test_confusion_refuses_counts_of_another_size():
    with pytest.raises(ValueError, match="2 classes need counts 2 x 2"):
        confusion(["a", "b"], np.ones((3, 2)))


def test_reliability_has_the_mean_of_every_bin():
    sure = np.array([0.05, 0.15, 0.92, 0.98, 1.0])
    right = np.array([False, True, True, True, False])
    figure = reliability(sure, right, bins=10)
    curve = figure.axes[0].lines[1]
    assert curve.get_xdata() == pytest.approx([5, 15, 100 * (0.92 + 0.98 + 1) / 3])
    assert curve.get_ydata() == pytest.approx([0, 100, 200 / 3])
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert heights == pytest.approx([20, 20, 0, 0, 0, 0, 0, 0, 0, 60])


def test_reliability_of_calibrated_answers_lies_on_the_diagonal():
    rng = np.random.default_rng(0)
    sure = rng.random(200_000)
    curve = reliability(sure, rng.random(200_000) < sure).axes[0].lines[1]
    assert np.allclose(curve.get_xdata(), curve.get_ydata(), atol=1.5)


@pytest.mark.parametrize("pair", [([], []), ([0.5], [True, False])])
def test_reliability_needs_answers(pair):
    with pytest.raises(ValueError, match="needs answers"):
        reliability(*pair)
