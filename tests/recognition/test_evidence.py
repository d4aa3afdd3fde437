import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recognition.fakes import metadata

from hertzian.detection import Baseband
from hertzian.recognition import Evidence, judge, pooled_scores
from hertzian.recognition.evidence import Answers, by_bayes, with_memory, without_prefix
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base

CLASSES = ("BPSK", "QPSK", "8PSK", "16QAM")
LOGITS = st.lists(st.floats(-50, 50), min_size=4, max_size=4).map(np.array)


def scores(logits_sum, count, temperature=1.0, exponent=0.0, classes=CLASSES):
    described = metadata(classes=classes, temperature=temperature, evidence_exponent=exponent)
    return pooled_scores(np.asarray(logits_sum, dtype=float), count, described)


@given(LOGITS, st.integers(1, 500), st.floats(0.2, 5.0), st.floats(0.0, 1.0))
def test_log_odds_are_those_of_the_formula(logits, count, temperature, exponent):
    found = scores(logits * count, count, temperature, exponent)
    expected = logits * count**exponent / temperature
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["unknown"] == 0.0
    for one, value in zip(CLASSES, expected, strict=True):
        odds = value - expected
        assert found[one] == pytest.approx(1 / np.exp(np.minimum(-odds, 700)).sum(), abs=1e-9)


def test_two_classes_follow_the_logistic_function():
    found = scores([6.0, 0.0], 3, temperature=2.0, exponent=1.0, classes=("BPSK", "QPSK"))
    # mean 2, three windows worth three, temperature 2
    assert found["BPSK"] == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_huge_logits_do_not_overflow():
    found = scores([1e6, -1e6, 0, 0], 1)
    assert found["BPSK"] == 1.0
    assert found["QPSK"] == 0.0


def test_a_model_that_knows_the_unknown_gives_it_a_probability():
    found = scores([0.0, 0.0], 1, classes=("BPSK", "unknown"))
    assert found == {"BPSK": pytest.approx(0.5), "unknown": pytest.approx(0.5)}


def test_the_family_comes_first_and_the_label_within_it():
    found = judge({"16QAM": 0.4, "BPSK": 0.25, "QPSK": 0.35, "unknown": 0.0})
    assert (found.family, found.modulation) == ("psk", "QPSK")
    assert found.family_confidence == pytest.approx(0.6)
    assert found.confidence == 0.35


def test_noise_and_unknown_are_families_of_their_own():
    assert judge({"noise": 0.5, "BPSK": 0.3, "unknown": 0.2}).modulation == "noise"
    assert judge({"noise": 0.2, "BPSK": 0.3, "unknown": 0.5}).family == "unknown"


@given(st.permutations(["BPSK", "QPSK", "16QAM", "64QAM", "noise", "unknown"]))
def test_the_order_of_the_classes_does_not_matter(order):
    by_name = {"BPSK": 0.3, "QPSK": 0.1, "16QAM": 0.19, "64QAM": 0.22, "noise": 0.15}
    found = judge({name: by_name.get(name, 0.04) for name in order})
    assert (found.family, found.modulation) == ("qam", "64QAM")
    assert found.family_confidence == pytest.approx(0.41)


def test_a_class_outside_the_table_is_refused():
    with pytest.raises(HertzianError):
        judge({"QPSK7": 1.0})


def piece(start, stop, center, bandwidth, energy, density=1.0, line_share=0.0):
    return Baseband(
        iq=np.zeros(1024, dtype=np.complex64),
        rate=1.0,
        center=center,
        bandwidth=bandwidth,
        start=start,
        stop=stop,
        energy=energy,
        noise_density=density,
        line_share=line_share,
        plateau=False,
    )


def gathered(*pieces):
    evidence = Evidence(
        start=10**9, stop=0, touches_start=False, logits=np.zeros(2), protocol_logits=np.zeros(0)
    )
    for number, part in enumerate(pieces):
        logits = np.full((number + 1, 2), [1.0, -2.0], dtype=np.float32)
        evidence.add(part, Answers(logits, np.empty((number + 1, 0), np.float32)))
    return evidence


def test_one_piece_is_what_it_was():
    evidence = gathered(piece(100, 1100, 0.2, 0.05, 500.0, line_share=0.3))
    assert (evidence.start, evidence.stop) == (100, 1100)
    assert evidence.band == pytest.approx((0.175, 0.225))
    # 500 over 1000 samples is 0.5, over noise of 0.05
    assert evidence.snr_db == pytest.approx(10.0)
    assert evidence.line_share == pytest.approx(0.3)
    np.testing.assert_array_equal(evidence.logits, [1, -2])


def test_pieces_count_by_their_energy_and_windows_one_by_one():
    evidence = gathered(
        piece(0, 1000, 0.1, 0.02, 300.0, density=1.0, line_share=1.0),
        piece(1000, 2000, 0.2, 0.04, 100.0, density=3.0),
    )
    assert (evidence.start, evidence.stop) == (0, 2000)
    assert evidence.windows == 3
    np.testing.assert_array_equal(evidence.logits, [3, -6])
    lower = (3 * (0.1 - 0.01) + (0.2 - 0.02)) / 4
    upper = (3 * (0.1 + 0.01) + (0.2 + 0.02)) / 4
    assert evidence.band == pytest.approx((lower, upper))
    assert evidence.line_share == pytest.approx(0.75)
    noise = 1.5 * (upper - lower)
    assert evidence.snr_db == pytest.approx(10 * np.log10(400 / 2000 / noise))


def test_a_plateau_that_looks_like_noise_and_repeats_itself_is_ofdm():
    scores = {"noise": 0.5, "OFDM": 0.2, "QPSK": 0.3, "unknown": 0.0}
    assert with_memory(scores) == {"noise": 0.0, "OFDM": 0.7, "QPSK": 0.3, "unknown": 0.0}
    assert with_memory({"noise": 0.5, "QPSK": 0.5}) == {"noise": 0.5, "QPSK": 0.5}


def test_what_is_seen_weighs_the_labels_by_bayes_rule():
    scores = {"PCW": 0.5, "OOK": 0.3, "QPSK": 0.2}
    found = by_bayes(scores, {"PCW": 0.01, "OOK": 0.5, "QPSK": 0.02})
    total = 0.005 + 0.15 + 0.004
    expected = {"PCW": 0.005 / total, "OOK": 0.15 / total, "QPSK": 0.004 / total}
    assert found == pytest.approx(expected)
    assert by_bayes(scores, {}) == pytest.approx(scores)
    assert by_bayes({"OOK": 0.0, "PCW": 1.0}, {"PCW": 0.0}) == {"OOK": 0.0, "PCW": 1.0}


@pytest.mark.parametrize(("sign", "value"), [("keyed", True), ("repetition", 192.0)])
def test_evidence_takes_the_shares_from_the_model(sign, value):
    shares = {"OFDM": 0.02, "QPSK": 0.2}
    model = metadata(classes=("OFDM", "QPSK"), keyed=shares, repeating=shares)
    evidence = gathered(piece(0, 4096, 0.0, 0.2, 100.0))
    odds = evidence.scores(model)["OFDM"] / evidence.scores(model)["QPSK"]
    setattr(evidence, sign, value)
    found = evidence.scores(model)
    assert found["OFDM"] / found["QPSK"] == pytest.approx(odds / 10)


def test_what_repeats_itself_is_no_noise():
    model = metadata(classes=("OFDM", "noise"), repeating={"OFDM": 0.1, "noise": 0.1})
    evidence = gathered(piece(0, 4096, 0.0, 0.2, 100.0))
    evidence.repeat(192, 1.0)
    assert evidence.scores(model)["noise"] == 0.0


def test_a_plateau_is_noise_if_that_is_what_is_left_of_it():
    evidence = gathered(piece(0, 4096, 0.0, 0.8, 100.0))
    model = metadata(classes=("OFDM", "noise"))
    assert judge(evidence.scores(model)).modulation == "OFDM"
    evidence.add_background(np.array([[4.0, 0.0]], dtype=np.float32))
    assert judge(evidence.scores(model)).modulation == "OFDM"
    evidence.add_background(np.array([[-9.0, 9.0], [-9.0, 9.0]], dtype=np.float32))
    assert judge(evidence.scores(model)).modulation == "noise"


def test_where_no_prefix_shows_ofdm_is_less_likely_by_bayes_rule():
    scores = {"OFDM": 0.6, "AM-SSB": 0.3, "noise": 0.1}
    # half of OFDM shows none: 0.3 against 0.3 and 0.1
    assert without_prefix(scores, 0.5) == pytest.approx(
        {"OFDM": 3 / 7, "AM-SSB": 3 / 7, "noise": 1 / 7}
    )
    assert without_prefix(scores, 1.0) == pytest.approx(scores)
    assert without_prefix({"OFDM": 1.0, "noise": 0.0}, 0.0) == {"OFDM": 1.0, "noise": 0.0}


def test_the_longer_the_search_for_a_prefix_the_more_its_failure_tells():
    model = metadata(classes=("OFDM", "noise"), prefix_missed=((1000, 0.5), (5000, 0.1)))
    evidence = gathered(piece(0, 4096, 0.0, 0.8, 100.0))
    open_mind = evidence.scores(model)["OFDM"]
    evidence.searched = 4999
    some = evidence.scores(model)["OFDM"]
    evidence.searched = 5000
    most = evidence.scores(model)["OFDM"]
    assert some == pytest.approx(open_mind / 2 / (1 - open_mind / 2))
    assert most == pytest.approx(open_mind / 10 / (1 - open_mind * 0.9))
    evidence.repeat(192, 1.0)
    assert evidence.scores(model)["OFDM"] == pytest.approx(1.0)
