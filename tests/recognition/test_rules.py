import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.detection import SURE_SLACK_DB
from hertzian.recognition import Evidence, ReportRules
from hertzian.recognition.evidence import Verdict

pytestmark = pytest.mark.base


def evidence(snr_db, bandwidth, line_share=0.0, touches_start=False):
    found = Evidence(0, 1000, touches_start, np.zeros(2), np.zeros(0))
    found.energy = 10 ** (snr_db / 10) * bandwidth * 1000
    found.lower, found.upper = -bandwidth / 2 * found.energy, bandwidth / 2 * found.energy
    found.noise_density = found.energy
    found.line_energy = line_share * found.energy
    return found


def verdict(confidence=0.8):
    return Verdict("QPSK", "psk", confidence, confidence, {"QPSK": confidence})


def told(rules, found, touches_end=False, confidence=0.8):
    return rules.worth_telling(found, verdict(confidence), touches_end)


@pytest.mark.parametrize(
    ("bandwidth", "snr_db"),
    [(1e-12, 9), (0.001, 9), (0.03, 9), (np.sqrt(0.03 * 0.3), 6), (0.3, 3), (1.0, 3)],
)
def test_the_required_snr_falls_from_nine_to_three_decibels(bandwidth, snr_db):
    assert ReportRules().required_snr_db(bandwidth) == pytest.approx(snr_db)


@given(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_a_wider_signal_never_needs_more(one, other):
    narrow, wide = sorted((one, other))
    rules = ReportRules()
    assert 3 <= rules.required_snr_db(wide) <= rules.required_snr_db(narrow) <= 9


@given(st.floats(1e-6, 1.0), st.floats(-20, 40))
def test_a_given_threshold_holds_at_every_bandwidth(bandwidth, threshold):
    rules = ReportRules(min_snr_db=threshold)
    assert rules.required_snr_db(bandwidth) == threshold
    assert told(rules, evidence(threshold + 0.1, bandwidth))
    # however sure the model is
    assert not told(rules, evidence(threshold - 0.1, bandwidth), confidence=1.0)


def test_the_measured_snr_decides():
    rules = ReportRules()
    assert told(rules, evidence(9.1, 0.01))
    assert not told(rules, evidence(8.9, 0.01))
    assert told(rules, evidence(3.1, 0.5))


def test_a_model_that_is_sure_is_believed_somewhat_below():
    rules = ReportRules()
    assert told(rules, evidence(9.1 - SURE_SLACK_DB, 0.01), confidence=0.96)
    assert not told(rules, evidence(9.1 - SURE_SLACK_DB, 0.01), confidence=0.94)
    assert not told(rules, evidence(8.9 - SURE_SLACK_DB, 0.01), confidence=1.0)


def test_a_narrow_detection_of_which_the_model_knows_nothing_is_a_spur():
    assert not told(ReportRules(), evidence(20, 0.02), confidence=0.4)
    assert told(ReportRules(), evidence(20, 0.04), confidence=0.4)
    assert told(ReportRules(), evidence(26, 0.02), confidence=0.4)
    assert told(ReportRules(drop_spurs=False), evidence(20, 0.02), confidence=0.4)


@pytest.mark.parametrize(
    ("facts", "touches_end", "is_told"),
    [
        ({"snr_db": 12, "line_share": 0.9, "touches_start": True}, False, False),
        ({"snr_db": 12, "line_share": 0.9}, True, False),
        ({"snr_db": 12, "line_share": 0.9}, False, True),
        ({"snr_db": 12, "line_share": 0.1, "touches_start": True}, True, True),
        ({"snr_db": 16, "line_share": 0.9, "touches_start": True}, True, True),
    ],
    ids=["from the start on", "till the end", "comes and goes", "no line", "strong"],
)
def test_weak_lines_that_are_always_there_are_spurs(facts, touches_end, is_told):
    found = evidence(bandwidth=0.004, **facts)
    assert told(ReportRules(), found, touches_end) == is_told
    assert told(ReportRules(drop_spurs=False), found, touches_end)


def test_a_wide_signal_is_no_spur():
    found = evidence(12, 0.05, line_share=0.9, touches_start=True)
    assert told(ReportRules(), found, touches_end=True)


@pytest.mark.parametrize("snr_db", [-3.0, 20.0])
def test_what_is_faint_is_told_by_its_timing_alone(snr_db):
    found = evidence(snr_db, 0.008)
    found.faint = True
    assert not told(ReportRules(), found, confidence=1.0)
    found.keyed = True
    assert told(ReportRules(), found, confidence=0.4)
    assert not told(ReportRules(min_snr_db=snr_db + 0.1), found)


def test_timing_proves_nothing_where_something_strong_is_beside_it():
    found = evidence(2.0, 0.008)
    found.keyed = True
    assert told(ReportRules(), found)
    found.outshone = True
    assert not told(ReportRules(), found)
    strong = evidence(12.0, 0.008)
    strong.keyed = strong.outshone = True
    assert told(ReportRules(), strong)
