import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.evaluation import EvaluationError
from hertzian.evaluation.clusters import (
    best_matching,
    cluster_block,
    contingency,
    refuse_collapse,
)

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40)


def test_names_of_clusters_do_not_matter():
    truth = np.repeat([0, 1, 2], 10)
    block = cluster_block(truth, np.array([4, 0, 2])[truth])
    assert block == {
        **{"examples": 30, "nmi": pytest.approx(1), "ari": 1.0, "acc": 1.0},
        **{"clusters": 3, "largest_share": pytest.approx(1 / 3)},
    }


def test_chance_has_no_index():
    rng = np.random.default_rng(1)
    block = cluster_block(rng.integers(0, 5, 20_000), rng.integers(0, 5, 20_000))
    assert abs(block["ari"]) < 0.005
    assert block["nmi"] < 0.005
    assert block["acc"] == pytest.approx(0.2, abs=0.02)


@given(LABELS)
def test_the_accuracy_is_that_of_the_best_of_all_assignments(pairs):
    truth, assigned = np.array(pairs).T
    most = max(
        sum(of[cluster] == one for one, cluster in pairs)
        for of in itertools.permutations([0, 1, 2, 3, -1])
    )
    assert cluster_block(truth, assigned)["acc"] == pytest.approx(most / len(pairs))


@given(LABELS)
def test_each_cluster_gets_one_class_and_none_twice(pairs):
    truth, assigned = np.array(pairs).T
    counts = contingency(truth, assigned)
    assert counts.sum() == len(pairs)
    matching = best_matching(counts)
    assert len(set(matching.values())) == len(matching) == min(counts.shape)


@pytest.mark.parametrize(
    ("truth", "assigned"), [([], []), ([0, 1], [0]), ([[0]], [[0]]), ([0], [-1]), ([-1], [0])]
)
def test_what_is_no_pair_of_labels_is_refused(truth, assigned):
    with pytest.raises(EvaluationError, match=r"belong together|numbered from 0"):
        cluster_block(np.array(truth, np.int64), np.array(assigned, np.int64))


def test_a_collapse_is_an_error():
    fine = np.repeat([0, 1], [90, 10])
    refuse_collapse(fine)
    with pytest.raises(EvaluationError, match=r"collapsed: 95\.0% of 20 examples are in one"):
        refuse_collapse(np.repeat([0, 1], [19, 1]))
    with pytest.raises(EvaluationError, match="collapsed"):
        refuse_collapse(fine, most=0.5)
