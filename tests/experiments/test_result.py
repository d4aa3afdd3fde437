import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hertzian.experiments import ExperimentError, interval_of_mean, over_seeds, read_result

pytestmark = pytest.mark.base

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8)


@given(numbers)
def test_the_interval_is_the_t_interval_of_scipy(values):
    spread = np.std(values, ddof=1) / np.sqrt(len(values))
    found = interval_of_mean(values)
    if spread == 0:
        assert found == (np.mean(values), np.mean(values))
        return
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=spread)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6 * spread)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(1)
    draws = random.normal(3.0, 2.0, size=(4000, 3))
    intervals = np.array([interval_of_mean(draw) for draw in draws])
    covered = (intervals[:, 0] <= 3) & (intervals[:, 1] >= 3)
    assert covered.mean() == pytest.approx(0.95, abs=0.012)


def test_one_value_has_no_interval():
    assert interval_of_mean([1.0]) is None


def test_metrics_of_seeds_merge():
    merged = over_seeds(
        [
            {"a": 1, "by": {"0": 0.5, "2": 0.1}, "none": None, "same": "x", "other": "p"},
            {"a": 3, "by": {"0": 0.7}, "none": None, "same": "x", "other": "q"},
        ]
    )
    low, high = interval_of_mean([1, 3])
    assert merged["a"] == {"mean": 2.0, "interval": [low, high], "values": [1, 3]}
    assert merged["by"]["0"]["mean"] == pytest.approx(0.6)
    assert merged["by"]["2"] == {"mean": 0.1, "interval": None, "values": [0.1, None]}
    assert merged["none"] is None
    assert merged["same"] == "x"
    assert merged["other"] == {"values": ["p", "q"]}
    json.dumps(merged, allow_nan=False)


def test_counts_add_up_by_class_name():
    merged = over_seeds(
        [
            {"c": {"classes": ["A", "B"], "counts": [[1, 2], [3, 4]]}},
            {"c": {"classes": ["B", "C"], "counts": [[10, 20], [30, 40]]}},
        ]
    )
    assert merged["c"] == {
        "classes": ["A", "B", "C"],
        "counts": [[1, 2, 0], [3, 14, 20], [0, 30, 40]],
    }


def test_histories_are_kept_for_each_seed():
    first = {"epoch": [1, 2], "loss": [2.0, np.nan]}
    second = {"epoch": [1, 2], "loss": [1.5, 1.0]}
    merged = over_seeds([{"history": first}, {"history": second}, {}])
    assert merged["history"]["loss"] == {"values": [[2.0, None], [1.5, 1.0], None]}
    assert over_seeds([{"history": first}])["history"] == {"epoch": [1, 2], "loss": [2.0, None]}


def test_numbers_that_are_none_do_not_reach_json():
    merged = over_seeds([{"a": np.float32("nan"), "b": np.int64(3)}])
    assert merged["a"] is None
    assert merged["b"] == {"mean": 3.0, "interval": None, "values": [3]}


@pytest.mark.parametrize("content", [None, b"{}", b"[1", b'{"recipe": {}, "more": 1}'])
def test_what_is_no_result_gives_one_line(tmp_path, content):
    path = tmp_path / "result.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExperimentError) as caught:
        read_result(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
