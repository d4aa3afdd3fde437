import numpy as np
import pytest

from hertzian.experiments.agreement.sides import Side
from hertzian.experiments.agreement.two_sample import measured


def side(passes, per_pass):
    """Windows whose first sample is the number of the pass, half of them of each label."""
    number = np.repeat(np.arange(passes), per_pass)
    iq = np.zeros((len(number), 4), np.complex64)
    iq[:, 0] = number
    return Side(iq, number, np.where(number < passes // 2, 10.0, 18.0))


def test_accuracy_is_balanced_and_split_by_label():
    ours, theirs = side(40, 5), side(80, 5)

    # ours are all right; theirs in the first half of the passes, which are those of label 10
    def scores(iq):
        if len(iq) == len(ours.iq):
            return np.ones(len(iq))
        return np.where(iq[:, 0].real < 40, -1.0, 1.0)

    found = measured(scores, ours, theirs, 0)
    assert found.value == pytest.approx(0.75)
    assert found.by_label == {"10": 1.0, "18": 0.5}
    assert found.lower < 0.75 < found.upper


def test_the_interval_is_that_of_whole_passes():
    ours, theirs = side(100, 10), side(100, 10)
    random = np.random.default_rng(0)
    by_window = random.standard_normal((2, 1000))
    by_pass = np.repeat(random.standard_normal((2, 100)), 10, axis=1)
    widths = []
    for scores in (by_window, by_pass):
        rows = iter(scores)
        found = measured(lambda iq, rows=rows: next(rows), ours, theirs, 0)
        widths.append(found.upper - found.lower)
    # 2000 independent windows, or 200 independent passes: 3.92 standard deviations of a share
    assert widths[0] == pytest.approx(3.92 * 0.5 / 2000**0.5, rel=0.2)
    assert widths[1] == pytest.approx(3.92 * 0.5 / 200**0.5, rel=0.2)
