from collections import Counter

import pytest

from hertzian.datasets.by_recording import split_digest, split_recordings
from hertzian.datasets.dataset import DatasetError

FRACTIONS = {"training": 0.6, "validation": 0.2, "test": 0.2}


def names(count):
    return [f"r{number}" for number in range(count)]


def test_equal_recordings_are_shared_out_exactly():
    labels = [{"QPSK": 2}] * 10 + [{"OOK": 2}] * 20
    parts = split_recordings(labels, names(30), names(30), FRACTIONS, 0)
    assert Counter(parts[:10]) == {"training": 6, "validation": 2, "test": 2}
    assert Counter(parts[10:]) == {"training": 12, "validation": 4, "test": 4}
    assert parts == split_recordings(labels, names(30), names(30), FRACTIONS, 0)
    assert parts != split_recordings(labels, names(30), names(30), FRACTIONS, 1)


def test_groups_stay_together():
    labels = [{"QPSK": 1}] * 12
    groups = [f"g{number // 3}" for number in range(12)]
    parts = split_recordings(labels, groups, names(12), FRACTIONS, 0)
    for first in range(0, 12, 3):
        assert len(set(parts[first : first + 3])) == 1
    assert set(parts) == set(FRACTIONS)


def test_every_part_gets_labels_that_come_together():
    # each label is in three recordings, each recording has two labels
    labels = [{"A": 1, "B": 1}, {"B": 1, "C": 5}, {"C": 1, "A": 2}] * 3
    parts = split_recordings(labels, names(9), names(9), FRACTIONS, 0)
    for part in FRACTIONS:
        held = {
            label
            for own, place in zip(labels, parts, strict=True)
            if place == part
            for label in own
        }
        assert held == {"A", "B", "C"}


def test_what_is_too_rare_is_named_with_its_recordings():
    labels = [{"QPSK": 9}] * 5 + [{"OOK": 9}] * 2 + [{"CW": 1}] * 4
    groups = [*names(7), "same", "same", "same", "r10"]
    with pytest.raises(DatasetError) as caught:
        split_recordings(labels, groups, names(11), FRACTIONS, 0)
    assert str(caught.value).startswith(
        "too few recordings of CW (4, 2 of their own: r7, r8, r9 and 1 more); OOK (2: r5, r6): "
        "3 or more are needed of each label"
    )
    assert "leave_out=[CW, OOK]" in str(caught.value)


def test_a_split_that_cannot_be_is_said():
    # A and B are in three recordings each, but no three parts can have both
    labels = [{"A": 1, "B": 1}, {"A": 1}, {"A": 1}, {"B": 1, "C": 1}, {"B": 1, "C": 1}, {"C": 1}]
    groups = ["x", "x", "y", "x", "y", "z"]
    labels[2] = {"A": 1, "C": 1}
    with pytest.raises(DatasetError, match="too few recordings of A"):
        split_recordings(labels, groups, names(6), FRACTIONS, 0)


def test_the_digest_is_that_of_the_split_whatever_the_order():
    first = split_digest(["a", "b"], ["1", "2"], ["test", "training"])
    assert first == split_digest(["b", "a"], ["2", "1"], ["training", "test"])
    assert first != split_digest(["a", "b"], ["1", "2"], ["training", "test"])
