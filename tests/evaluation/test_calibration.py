import numpy as np
import pytest
from scipy.special import log_softmax

from hertzian.evaluation import (
    EvaluationError,
    fit_calibration,
    pooled_log_probabilities,
    softmax,
)

pytestmark = pytest.mark.base


def detections(temperature, exponent, count=20_000, classes=6, seed=0, biases=0.0):
    """Labels drawn from the very model that the fit assumes."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, classes)) * 2
    windows = random.integers(1, 64, count)
    log_p = pooled_log_probabilities(
        logits, windows, temperature=temperature, evidence_exponent=exponent, biases=biases
    )
    draw = random.uniform(size=(count, 1))
    labels = (np.exp(log_p).cumsum(axis=1) < draw).sum(axis=1).clip(max=classes - 1)
    return logits, windows, labels


def test_pooling_is_the_formula():
    logits = np.random.default_rng(1).normal(size=(3, 4))
    windows = np.array([1, 4, 9])
    found = pooled_log_probabilities(logits, windows, temperature=2.0, evidence_exponent=0.5)
    expected = log_softmax(logits * np.array([[1.0], [2.0], [3.0]]) / 2.0, axis=1)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(("temperature", "exponent"), [(1.0, 0.0), (2.5, 0.3), (6.0, 0.8)])
def test_the_parameters_that_made_the_labels_come_back(temperature, exponent):
    fit = fit_calibration(*detections(temperature, exponent))
    assert fit.temperature == pytest.approx(temperature, rel=0.08)
    assert fit.evidence_exponent == pytest.approx(exponent, abs=0.03)
    assert fit.nll <= fit.nll_before


def test_the_fit_is_the_likelihood_of_its_parameters_and_a_minimum():
    logits, windows, labels = detections(3.0, 0.4, count=2000)
    fit = fit_calibration(logits, windows, labels)

    def loss(temperature, exponent, biases, prior=1.0):
        log_p = pooled_log_probabilities(
            *(logits, windows),
            **{"temperature": temperature, "evidence_exponent": exponent, "biases": biases},
        )
        nll = -log_p[np.arange(2000), labels].mean()
        return nll + prior * np.sum(np.square(biases)) / 2 / 2000

    found = (fit.temperature, fit.evidence_exponent, fit.biases)
    assert fit.nll == pytest.approx(loss(*found, prior=0.0))
    assert fit.nll_before == pytest.approx(loss(1.0, 0.0, 0.0))
    for factor, step, shift in [(1.02, 0, 0), (0.98, 0, 0), (1, 0.01, 0), (1, -0.01, 0), (1, 0, 1)]:
        moved = fit.biases + 0.05 * shift * np.eye(6)[2]
        assert loss(found[0] * factor, found[1] + step, moved) > loss(*found)


def test_a_class_that_training_showed_too_often_is_held_back():
    biases = np.array([-1.0, 0.5, 0.0, 0.3, 0.0, 0.2])
    fit = fit_calibration(*detections(2.0, 0.3, biases=biases))
    # a common shift of all of them changes nothing
    np.testing.assert_allclose(fit.biases - fit.biases.mean(), biases - biases.mean(), atol=0.12)
    assert fit.temperature == pytest.approx(2.0, rel=0.08)


def test_single_windows_leave_the_exponent_at_zero():
    logits, _, labels = detections(2.0, 0.0)
    fit = fit_calibration(logits, np.ones(len(labels), int), labels)
    assert fit.evidence_exponent == 0.0
    assert fit.temperature == pytest.approx(2.0, rel=0.05)


def test_confidence_after_the_fit_is_calibrated():
    from hertzian.evaluation import expected_calibration_error

    logits, windows, labels = detections(4.0, 0.5, count=40_000)
    fit = fit_calibration(logits, windows, labels)
    log_p = pooled_log_probabilities(
        **{"mean_logits": logits, "windows": windows},
        **{"temperature": fit.temperature, "evidence_exponent": fit.evidence_exponent},
        biases=fit.biases,
    )
    right = log_p.argmax(axis=1) == labels
    assert expected_calibration_error(np.exp(log_p.max(axis=1)), right) < 0.01
    assert expected_calibration_error(softmax(logits).max(axis=1), right) > 0.05


def test_separable_data_give_a_finite_temperature():
    logits = np.eye(3)[[0, 1, 2] * 5] * 4
    fit = fit_calibration(logits, np.ones(15, int), [0, 1, 2] * 5)
    assert 0 < fit.temperature < 1


@pytest.mark.parametrize(
    ("logits", "windows", "labels", "message"),
    [
        (np.zeros((0, 3)), [], [], "as many windows"),
        (np.zeros((2, 3)), [1], [0, 1], "as many windows"),
        (np.zeros((2, 3)), [1, 0], [0, 1], "at least one window"),
        (np.full((2, 3), np.nan), [1, 1], [0, 1], "finite"),
        (np.zeros((2, 3)), [1, 1], [0, 3], r"\[0, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(logits, windows, labels, message):
    with pytest.raises(EvaluationError, match=message):
        fit_calibration(logits, windows, labels)
