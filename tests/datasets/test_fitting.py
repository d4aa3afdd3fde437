import dataclasses

import numpy as np
import pytest

from hertzian.datasets.dataset import Dataset, DatasetError
from hertzian.datasets.fitting import draw_classes, of_classes, of_length

NAMES = ("QAM16", "BPSK", "GFSK", "WBFM")


@pytest.fixture
def data():
    """Forty windows of six samples, which count up from ten times their row."""
    labels = np.arange(40) % 4
    x = 10.0 * np.arange(40)[:, None, None] + np.arange(6) + np.zeros((40, 2, 6))
    return Dataset(
        x=x.astype(np.float32),
        modulation=labels,
        snr_db=np.repeat(np.float32([0, 10]), 20),
        group=np.arange(40),
        modulations=NAMES,
        symbol_rate_hz=np.arange(1, 41, dtype=np.float32),
        **{"preset": "p", "seed": 0, "sample_rate_hz": 12.0, "snr_definition": "", "version": ""},
    )


def test_classes_are_taken_by_name_and_numbered_anew(data):
    part = of_classes(data, ["WBFM", "16QAM"])
    assert part.modulations == ("WBFM", "QAM16")
    rows = part.group
    assert sorted({*rows % 4}) == [0, 3]
    np.testing.assert_array_equal(part.modulation, np.where(rows % 4 == 3, 0, 1))
    np.testing.assert_array_equal(part.x.rows([2, 0])[:, 0, 0], 10 * rows[[2, 0]])
    np.testing.assert_array_equal(part.symbol_rate_hz, rows + 1)
    assert (part.preset, part.sample_rate_hz) == ("p", 12.0)


def test_every_spelling_of_a_class_is_taken(data):
    part = of_classes(dataclasses.replace(data, modulations=("FM", "BPSK", "GFSK", "WBFM")), ["FM"])
    assert len(part) == 20
    assert set(part.group % 4) == {0, 3}
    assert not part.modulation.any()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["OOK"], "no class 'OOK'; these data have 16QAM, BPSK, GFSK, WBFM"),
        ([], "one class or more"),
        (["QAM16", "16QAM"], "each once"),
    ],
)
def test_classes_that_are_not_there_are_named(data, names, message):
    with pytest.raises(DatasetError, match=message):
        of_classes(data, names)


def test_drawn_classes_differ_by_seed_and_keep_their_order(data):
    drawn = {draw_classes(data, 2, seed).modulations for seed in range(30)}
    assert len(drawn) == 6
    assert all(NAMES.index(a) < NAMES.index(b) for a, b in drawn)
    assert draw_classes(data, 2, 1).modulations == draw_classes(data, 2, 1).modulations
    assert draw_classes(data, 4, 1) is data
    assert draw_classes(data, 9, 1) is data
    with pytest.raises(DatasetError, match="0 classes"):
        draw_classes(data, 0, 1)


@pytest.mark.parametrize(
    ("samples", "places", "rate"),
    [
        (8, [0, 1, 2, 3, 4, 5, 0, 1], 12.0),
        (13, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0], 12.0),
        (3, [0, 2, 4], 6.0),
        (4, [0, 1, 3, 4], 8.0),
        (1, [0], 2.0),
    ],
)
def test_windows_are_repeated_or_thinned(data, samples, places, rate):
    other = of_length(data, samples)
    assert other.x.shape == (40, 2, samples)
    assert len(other.x) == len(other) == 40
    np.testing.assert_array_equal(other.x[3:4][0, 1], 30.0 + np.array(places))
    expected = np.add.outer([50.0, 20.0], places)
    np.testing.assert_array_equal(other.x.rows([5, 2])[:, 0], expected)
    assert other.sample_rate_hz == rate


def test_the_papers_example_of_a_short_signal(data):
    letters = np.tile(np.float32([1, 2, 2]), (40, 2, 1))
    long = of_length(dataclasses.replace(data, x=letters), 8)
    assert long.x[0:1][0, 0].tolist() == [1, 2, 2, 1, 2, 2, 1, 2]


def test_the_own_length_changes_nothing_and_impossible_ones_are_refused(data):
    assert of_length(data, 6) is data
    for samples in (0, -1, 1 << 21):
        with pytest.raises(DatasetError, match="not possible"):
            of_length(data, samples)
