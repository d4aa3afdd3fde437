import numpy as np
import pytest

from hertzian.evaluation import EvaluationError, match_classes

pytestmark = pytest.mark.base

MODEL = ("QPSK", "16QAM", "WBFM")


def test_aliases_match_and_the_data_order_stays():
    matching = match_classes(MODEL, ["QAM16", "fm", "qpsk"])
    assert matching.classes == ("16QAM", "WBFM", "QPSK")
    assert [MODEL[column] for column in matching.columns] == list(matching.classes)
    np.testing.assert_array_equal(matching.labels, [0, 1, 2])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["QPSK", "16QAM"], "the data lacks WBFM; --common"),
        (["QPSK", "16QAM", "WBFM", "OFDM"], "the model lacks OFDM; --common"),
        (["QPSK", "16QAM", "8PSK"], "the model lacks 8PSK; the data lacks WBFM"),
        (["QPSK", "16QAM", "mystery"], "classes of the data: unknown modulation 'mystery'"),
        (["QPSK", "16QAM", "QAM16"], "'16QAM' and 'QAM16' are both 16QAM"),
    ],
)
def test_a_difference_is_refused(data, message):
    with pytest.raises(EvaluationError, match=message):
        match_classes(MODEL, data)


def test_common_keeps_what_both_have():
    matching = match_classes(MODEL, ["mystery", "WBFM", "OFDM", "QPSK"], common=True)
    assert matching.classes == ("WBFM", "QPSK")
    np.testing.assert_array_equal(matching.columns, [2, 0])
    np.testing.assert_array_equal(matching.labels, [-1, 0, -1, 1])


def test_one_class_in_common_is_too_few():
    with pytest.raises(EvaluationError, match="1 classes in common"):
        match_classes(MODEL, ["QPSK", "OFDM"], common=True)
