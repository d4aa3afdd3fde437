import numpy as np
import pytest

from hertzian.report import (
    feature_maps,
    latencies,
    panels_over_snr,
    shares_of_classes,
    training_history,
)

pytestmark = pytest.mark.base


def test_panels_show_a_name_alike_in_all_of_them():
    panels = {
        "BPSK": {"old": {0.0: 0.5, -10.0: 0.1}, "new": {0.0: 0.6}},
        "QPSK": {"new": {0.0: 0.7}},
        **{f"class {i}": {"new": {0.0: 0.1}} for i in range(3)},
    }
    figure = panels_over_snr(panels, "accuracy")
    assert [axes.get_title("left") for axes in figure.axes] == [*panels]
    old, new = figure.axes[0].lines
    assert old.get_xdata() == pytest.approx([-10, 0])
    assert old.get_ydata() == pytest.approx([10, 50])
    (other,) = figure.axes[1].lines
    assert other.get_ydata() == pytest.approx([70])
    assert other.get_color() == new.get_color() != old.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["old", "new"]
    figure.draw_without_rendering()


def test_no_panels_are_refused():
    with pytest.raises(ValueError, match="at least one panel"):
        panels_over_snr({}, "accuracy")


def test_bars_of_one_class_stand_side_by_side():
    shares = {"first": {"BPSK": 0.5, "QPSK": 0.25}, "second": {"QPSK": 0.75}}
    axes = shares_of_classes(shares, "confidence").axes[0]
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(-0.2, 50), (0.8, 25), (1.2, 75)])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["BPSK", "QPSK"]
    assert sorted(text.get_text() for text in axes.texts) == ["25", "50", "75"]


def test_latencies_are_bars_with_their_numbers():
    figure = latencies({"torch": {"mtl": 120.0, "cnn2": 900.0}, "ONNX": {"mtl": 28.5}})
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert sorted(bar.get_width() for bar in axes.patches) == [28.5, 120.0, 900.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mtl", "cnn2"]
    assert [text.get_text() for text in axes.texts] == ["120", "900", "28.5"]
    with pytest.raises(ValueError, match="expected at least one latency"):
        latencies({"torch": {}})


def test_history_is_drawn_for_each_seed_with_its_best_loss():
    figure = training_history(
        {
            "seed 0": {
                "epoch": [1, 2, 3],
                "train_loss": [3, 2, 1],
                "validation_loss": [2.5, 1.5, 2.0],
                "validation_accuracy": [0.1, None, 0.5],
            },
            "seed 1": {"validation_loss": [None, 2.0, 1.0, 0.5], "train_loss": [None] * 4},
        }
    )
    losses, accuracies = figure.axes
    train, validation, best, other, other_best = losses.lines
    assert (list(train.get_xdata()), list(train.get_ydata())) == ([1, 2, 3], [3, 2, 1])
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (2, 1.5)
    assert list(other.get_xdata()) == [1, 2, 3, 4]
    assert (other_best.get_xdata()[0], other_best.get_ydata()[0]) == (4, 0.5)
    assert validation.get_color() == other.get_color() != train.get_color()
    assert validation.get_linestyle() != other.get_linestyle()
    (accuracy,) = accuracies.lines
    np.testing.assert_array_equal(accuracy.get_ydata(), [10, np.nan, 50])
    named = [text.get_text() for text in losses.get_legend().get_texts()]
    assert named == ["train loss, seed 0", "validation loss, seed 0", "validation loss, seed 1"]


def test_an_empty_history_draws_nothing():
    figure = training_history({"seed 0": {"epoch": [], "train_loss": []}})
    assert [len(axes.lines) for axes in figure.axes] == [0, 0]
    figure.draw_without_rendering()


def test_feature_maps_share_one_scale():
    maps = [np.zeros((8, 16)), np.full((4, 32), 2.0), np.ones((1, 1))]
    figure = feature_maps(maps, ["QAM16", "QAM64", "$QPSK"])
    shown = figure.axes[:3]
    assert [axes.get_title("left") for axes in shown] == ["QAM16", "QAM64", "$QPSK"]
    assert {axes.images[0].get_clim() for axes in shown} == {(0.0, 2.0)}
    figure.draw_without_rendering()


def test_every_value_of_a_feature_map_is_a_block_of_pixels():
    one = np.arange(12.0).reshape(3, 4)
    image = feature_maps([one], ["a"]).axes[0].images[0]
    pixels = image.get_array()
    assert min(pixels.shape) >= 512
    down, across = pixels.shape[0] // 3, pixels.shape[1] // 4
    np.testing.assert_array_equal(pixels, np.kron(one, np.ones((down, across))))
    assert image.get_extent() == [-0.5, 3.5, 2.5, -0.5]


@pytest.mark.parametrize(
    ("maps", "titles"),
    [
        ([], []),
        ([np.ones((2, 2))], []),
        ([np.ones(4)], ["a"]),
        ([np.ones((0, 4))], ["a"]),
        ([[[1.0, np.nan]]], ["a"]),
    ],
)
def test_what_is_no_feature_map_is_refused(maps, titles):
    with pytest.raises(ValueError, match=r"expected a title|no map \[channels, samples\]"):
        feature_maps(maps, titles)
