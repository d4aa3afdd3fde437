import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.signal import Detection, Summary, summarise

CONTRACT = [
    *("start", "count", "center_hz", "bandwidth_hz", "snr_db", "modulation", "family"),
    *("protocol", "protocol_confidence", "confidence", "family_confidence", "scores"),
]


def detection(**changes):
    facts = {
        "start": 100,
        "count": 1000,
        "center_hz": -2e3,
        "bandwidth_hz": 500.0,
        "snr_db": 10.0,
        "modulation": "QPSK",
        "family": "psk",
        "protocol": None,
        "protocol_confidence": None,
        "confidence": 0.8,
        "family_confidence": 0.9,
        "scores": {"QPSK": 0.8, "BPSK": 0.1, "unknown": 0.1},
    }
    return Detection(**(facts | changes))


def test_energy_is_snr_times_bandwidth_times_duration():
    assert detection().energy == pytest.approx(10 * 500 * 1000)
    assert detection(snr_db=13.010299957).energy == pytest.approx(20 * 500 * 1000)
    assert detection(snr_db=-10.0, count=1).energy == pytest.approx(50.0)


def test_it_stops_after_its_last_sample():
    assert detection(start=7, count=3).stop == 10


def test_its_dictionary_is_what_the_contract_prints():
    facts = detection().to_dict()
    assert list(facts) == CONTRACT
    assert Detection(**json.loads(json.dumps(facts))) == detection()


def test_nothing_found_is_noise_as_surely_as_the_model_hears():
    assert summarise([], 0.8) == Summary("noise", "noise", 0.8, 0.8)
    assert summarise([], 0.8).to_dict() == {
        "modulation": "noise",
        "family": "noise",
        "confidence": 0.8,
        "family_confidence": 0.8,
    }


def test_the_summary_is_neither_the_longest_nor_the_strongest_but_the_one_of_most_energy():
    long = detection(count=5_000, modulation="CW", family="carrier", bandwidth_hz=20.0)
    strong = detection(snr_db=30.0, count=50, modulation="PCW", family="pulse", bandwidth_hz=90.0)
    most = detection()
    assert max(long.energy, strong.energy) < most.energy
    assert summarise([long, most, strong], 0.8) == Summary("QPSK", "psk", 0.8, 0.9)


@given(st.permutations(range(6)))
def test_the_summary_does_not_depend_on_the_order(order):
    found = [detection(count=10 + i, confidence=i / 10) for i in order]
    assert summarise(found, 0.8).confidence == 0.5
