import pytest

from hertzian.datasets.emitters import EMITTED, FURTHER
from hertzian.experiments.protocol_evidence import Answer, evidence_scene, summary


def test_shares_are_of_what_was_heard():
    answers = [
        Answer("LoRa", True, "LoRa", 0.9),
        Answer("LoRa", True, "GSM", 0.7),
        Answer("GSM", True, None, None),
        Answer("GSM", False, None, None),
        Answer(None, True, None, None),
        Answer(None, True, "GSM", 0.6),
    ]
    found = summary(answers)
    assert (found["transmissions"], found["heard"], found["of_a_protocol"]) == (6, 5, 3)
    assert found["named_rightly"] == pytest.approx(1 / 3)
    assert found["named_wrongly"] == pytest.approx(1 / 3)
    assert found["others_named"] == 0.5
    assert found["right_of_the_named"] == pytest.approx(1 / 3)
    assert found["recall"] == {"LoRa": 0.5, "GSM": 0.0}
    assert found["ece"] == pytest.approx((0.1 + 0.7 + 0.6) / 3)


def test_of_nothing_nothing_is_known():
    found = summary([Answer("LoRa", False, None, None)])
    assert (found["named_rightly"], found["others_named"], found["ece"]) == (None, None, None)
    assert found["recall"] == {}


def test_most_transmissions_are_of_a_protocol_and_all_are_loud_enough():
    scene = evidence_scene()
    assert (scene.emitters, scene.unknown, scene.noise) == ((1, 1), 0.0, 0.0)
    assert scene.protocols > 0.5
    assert scene.snr_db[0] >= 8
    assert set(scene.labels) == {*EMITTED, *FURTHER}
