import numpy as np
import pytest

from hertzian.signal import canonical
from hertzian.signal.descriptions import AS_PRINTED, CORRECTED, PLACES, SYMBOLS, Description

CLASSES = ("BPSK", "QPSK", "2ASK", "4ASK", "16QAM", "32QAM", "64QAM")


@pytest.mark.parametrize("descriptions", [AS_PRINTED, CORRECTED])
def test_the_seven_classes_are_described(descriptions):
    assert set(descriptions) == set(map(canonical, CLASSES))


def test_two_classes_are_printed_alike_and_the_corrected_ones_all_differ():
    assert AS_PRINTED["BPSK"] == AS_PRINTED["QPSK"]
    assert len({said.text for said in CORRECTED.values()}) == len(CLASSES)


def test_a_description_in_words_and_in_numbers():
    said = CORRECTED["16QAM"]
    assert said.text == "peaks 4 phase yes amplitude yes order 16"
    assert said.numbers.tolist() == [2, 4, 1, 1]
    assert Description(1, True, False, 2).text == "peaks 1 phase yes amplitude no order 2"


def test_a_coded_description_has_one_letter_a_place():
    for said in CORRECTED.values():
        code = said.coded
        assert code.shape == (SYMBOLS, PLACES)
        length = len(said.text)
        assert np.array_equal(code.sum(axis=0), np.arange(PLACES) < length)
    coded = {said.coded.tobytes() for said in CORRECTED.values()}
    assert len(coded) == len(CLASSES)
