import numpy as np
import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.spelling import places, plain

pytestmark = pytest.mark.base


def test_spellings_are_compared_without_case_and_punctuation():
    assert plain("AM-DSB") == plain("amdsb") == plain("Am Dsb")
    assert plain("802.11bg") != plain("802.15.4")


def found(names, known, used=None):
    return places("d", "f", names, np.arange(len(names)) if used is None else used, known).tolist()


def test_equal_spellings_count_before_equal_classes():
    assert found(("FM", "QAM16", "BPSK"), ("WBFM", "16QAM", "BPSK")) == [0, 1, 2]
    assert found(("WBFM",), ("FM", "WBFM")) == [1]


def test_names_that_no_example_has_may_be_unknown():
    assert found(("LoRa", "BPSK"), ("BPSK",), np.array([1, 1])) == [-1, 0]
    assert found(("FM", "WBFM"), ("FM",), np.array([1])) == [0, 0]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("QPSK",), "^d: f has no place for the class QPSK; it knows BPSK, FM"),
        (("nothing",), "no place for the class nothing"),
        (("FM", "WBFM"), "^d: two of FM, WBFM are the same class in f"),
    ],
)
def test_other_classes_are_refused(names, message):
    with pytest.raises(DatasetError, match=message):
        found(names, ("BPSK", "FM"))
