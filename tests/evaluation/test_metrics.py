import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from hertzian.evaluation import (
    EvaluationError,
    accuracy,
    accuracy_by_snr,
    bootstrap_interval,
    confusion,
    evaluation_block,
    expected_calibration_error,
    recall,
    softmax,
)

pytestmark = pytest.mark.base

labels = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 4))


@given(labels, st.integers(0, 2**32 - 1))
def test_counts_and_recall_are_those_of_scikit_learn(truth, seed):
    reference = pytest.importorskip("sklearn.metrics")
    predicted = np.random.default_rng(seed).integers(0, 5, len(truth))
    counts = confusion(truth, predicted, 5)
    np.testing.assert_array_equal(
        counts, reference.confusion_matrix(truth, predicted, labels=range(5))
    )
    assert accuracy(truth, predicted) == pytest.approx(reference.accuracy_score(truth, predicted))
    present = np.unique(truth)
    expected = reference.recall_score(truth, predicted, labels=present, average=None)
    found = recall(counts)
    np.testing.assert_allclose(found[present], expected)
    assert np.isnan(np.delete(found, present)).all()


@given(labels)
def test_accuracy_by_snr_averages_to_the_accuracy(truth):
    random = np.random.default_rng(len(truth))
    predicted, snr = (
        random.integers(0, 5, len(truth)),
        random.choice([-20.0, 0.0, 30.0], len(truth)),
    )
    by_snr = accuracy_by_snr(truth, predicted, snr)
    mean = sum(share * np.mean(snr == float(level)) for level, share in by_snr.items())
    assert mean == pytest.approx(accuracy(truth, predicted))


def test_accuracy_by_snr_is_rounded_sorted_and_leaves_noise_out():
    truth, predicted = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    snr = np.array([9.7, 10.2, -0.4, -np.inf, np.nan])
    by_snr = accuracy_by_snr(truth, predicted, snr)
    assert list(by_snr.items()) == [("0", 1.0), ("10", 0.5)]


def test_calibration_error_of_a_case_worked_by_hand():
    # bin (14/15, 1]: two of three right at 0.95 mean; bin (8/15, 9/15]: one of one at 0.55
    confidence = np.array([0.94, 0.95, 0.96, 0.55])
    correct = np.array([True, True, False, True])
    expected = 3 / 4 * abs(2 / 3 - 0.95) + 1 / 4 * (1 - 0.55)
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected)


def test_bins_include_their_upper_edge():
    # 1/15 belongs to the first bin with 0.01, so that their errors cancel there
    confidence, correct = np.array([1 / 15, 0.05]), np.array([False, True])
    expected = abs(0.5 - (1 / 15 + 0.05) / 2)
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected)


def test_calibration_error_is_that_of_torchmetrics():
    functional = pytest.importorskip("torchmetrics.functional.classification")
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(3)
    probabilities = softmax(random.normal(size=(500, 4)) * 2)
    truth = random.integers(0, 4, 500)
    reference = functional.multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(truth), num_classes=4, n_bins=15, norm="l1"
    )
    predicted = probabilities.argmax(axis=1)
    found = expected_calibration_error(probabilities.max(axis=1), predicted == truth)
    assert found == pytest.approx(float(reference), abs=1e-6)


def test_calibration_error_vanishes_for_calibrated_confidence():
    random = np.random.default_rng(4)
    confidence = random.uniform(size=400_000)
    correct = random.uniform(size=400_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.004
    assert expected_calibration_error(confidence, np.ones(400_000, bool)) == pytest.approx(
        0.5, abs=0.01
    )


def test_bootstrap_interval_of_a_proportion_is_the_binomial_one():
    values = np.repeat([1.0, 0.0], [300, 700])
    lower, upper = bootstrap_interval(values, resamples=20_000)
    expected = stats.binom(1000, 0.3).ppf([0.025, 0.975]) / 1000
    np.testing.assert_allclose([lower, upper], expected, atol=0.0021)


def test_bootstrap_interval_is_that_of_scipy():
    values = np.random.default_rng(8).exponential(size=80)
    reference = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval
    found = bootstrap_interval(values, resamples=20_000, seed=2)
    np.testing.assert_allclose(found, [reference.low, reference.high], rtol=0.02)


def test_bootstrap_interval_depends_on_the_seed_alone():
    values = np.random.default_rng(8).normal(size=50)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval([0.25] * 9) == (0.25, 0.25)
    with pytest.raises(EvaluationError):
        bootstrap_interval([])


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-700, 700)))
def test_softmax_sums_to_one_and_ignores_an_offset(logits):
    found = softmax(logits)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(softmax(logits + 123), found, atol=1e-9)


def test_the_block_is_the_contract():
    block = evaluation_block(
        model="m",
        data="d.h5",
        classes=["BPSK", "QPSK", "noise"],
        probabilities=[[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1]],
        truth=[0, 1, 1, 0],
        snr_db=[-20, -20, 10, 10],
    )
    expected_ece = (abs(1 - 0.8) + abs(0 - 0.6) + abs(1 - 0.7) + abs(1 - 0.5)) / 4
    assert block.pop("ece") == pytest.approx(expected_ece)
    assert block == {
        "model": "m",
        "data": "d.h5",
        "examples": 4,
        "accuracy": 0.75,
        "accuracy_by_snr": {"-20": 0.5, "10": 1.0},
        "accuracy_snr_ge_0": 1.0,
        "peak": 1.0,
        "recall": {"BPSK": 1.0, "QPSK": 0.5, "noise": None},
        "confusion": {
            "classes": ["BPSK", "QPSK", "noise"],
            "counts": [[2, 0, 0], [1, 1, 0], [0] * 3],
        },
    }
    json.dumps(block, allow_nan=False)


def test_the_block_says_null_where_nothing_is_audible():
    block = evaluation_block(
        **{"model": "m", "data": "d", "classes": ["A", "B"]},
        probabilities=[[0.5, 0.5]],
        truth=[0],
        snr_db=[np.nan],
    )
    assert block["accuracy_snr_ge_0"] is None
    assert block["peak"] is None
    assert block["accuracy_by_snr"] == {}


@pytest.mark.parametrize(
    ("probabilities", "truth", "snr", "message"),
    [
        (np.zeros((0, 2)), [], [], "no example"),
        ([[0.5, 0.5]], [0, 1], [0, 0], "do not belong together"),
        ([[0.5, 0.5]], [0], [0, 0], "do not belong together"),
        ([[0.5, 0.3, 0.2]], [0], [0], "do not belong together"),
    ],
)
def test_the_block_refuses_what_does_not_fit(probabilities, truth, snr, message):
    with pytest.raises(EvaluationError, match=message):
        evaluation_block(
            **{"model": "m", "data": "d", "classes": ["A", "B"]},
            probabilities=probabilities,
            truth=truth,
            snr_db=snr,
        )
