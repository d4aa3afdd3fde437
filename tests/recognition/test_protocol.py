import numpy as np
import pytest
from tests.recognition.fakes import metadata

from hertzian.recognition.protocol import density, name_protocol

pytestmark = pytest.mark.base

PROTOCOLS = ("LoRa", "Wi-Fi", "none")
HEARD = {
    "protocols": PROTOCOLS,
    "protocol_bandwidths_hz": {"LoRa": (125e3, 250e3), "Wi-Fi": (16e6, 16.4e6)},
    "protocol_repetitions_s": {"Wi-Fi": (3.2e-6,)},
    "protocol_repeating": {"LoRa": 0.05, "Wi-Fi": 0.7, "none": 0.1},
}


def named(logits, model=None, windows=1, **measured):
    model = model or metadata(**HEARD)
    return name_protocol(np.array(logits, float) * windows, windows, model, **measured)


def test_a_model_without_protocols_names_none():
    empty = np.zeros(0)
    assert name_protocol(empty, 3, metadata(), bandwidth_hz=1e5) == (None, None)


def test_the_bandwidth_settles_what_windows_leave_open():
    even = [0.0, 0.0, 0.0]
    assert named(even, bandwidth_hz=250e3)[0] == "LoRa"
    assert named(even, bandwidth_hz=16.2e6)[0] == "Wi-Fi"
    assert named(even, bandwidth_hz=1e6) == (None, None)


def test_windows_count_too():
    assert named([0.0, 0.0, 6.0], bandwidth_hz=250e3) == (None, None)
    name, sure = named([6.0, 0.0, 0.0], bandwidth_hz=250e3)
    assert name == "LoRa"
    assert sure > named([1.0, 0.0, 0.0], bandwidth_hz=250e3)[1]


def test_probabilities_multiply():
    model = metadata(**HEARD)
    likely = density(16.2e6, model.protocol_bandwidths_hz["Wi-Fi"], 0.12, (1e3, 1e8), 1e-3)
    even = 1 / np.log(1e5)
    none = np.exp(1.0) * even
    expected = likely / (likely + none + 1e-3 * even)
    assert named([0.0, 0.0, 1.0], bandwidth_hz=16.2e6)[1] == pytest.approx(expected, rel=1e-3)


def test_a_repetition_of_the_right_time_outweighs_what_windows_deny():
    denied = [-5.0, -5.0, 0.0]
    assert named(denied, bandwidth_hz=16.2e6) == (None, None)
    assert named(denied, bandwidth_hz=16.2e6, repetition_s=3.2e-6)[0] == "Wi-Fi"
    assert named(denied, bandwidth_hz=16.2e6, repetition_s=4.0e-6) == (None, None)


def test_windows_of_one_signal_count_as_calibration_says():
    model = metadata(**HEARD, protocol_evidence_exponent=1.0, protocol_temperature=2.0)
    few = named([0.5, 0.0, 0.0], model, windows=2, bandwidth_hz=200e3)[1]
    many = named([0.5, 0.0, 0.0], model, windows=20, bandwidth_hz=200e3)[1]
    assert many > few


def test_the_likeliest_must_be_likelier_than_not():
    model = metadata(protocols=("a", "b", "c", "none"))
    assert named([0.1, 0.0, 0.0, -9.0], model, bandwidth_hz=1e5) == (None, None)
    assert named([3.0, 0.0, 0.0, -9.0], model, bandwidth_hz=1e5)[0] == "a"


def test_densities_have_an_area_of_one():
    x = np.exp(np.linspace(np.log(1e3), np.log(1e8), 20_001))
    heard = (125e3, 250e3, 500e3)
    y = [density(value, heard, 0.12, (1e3, 1e8), 0.01) for value in x]
    assert np.trapezoid(y, np.log(x)) == pytest.approx(1.0, abs=1e-3)
    assert density(3e4, (), 0.12, (1e3, 1e8), 0.01) == pytest.approx(1 / np.log(1e5))
    assert np.isfinite(density(0.0, heard, 0.12, (1e3, 1e8), 0.01))


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol_repeating": dict.fromkeys(PROTOCOLS, 0.0)},
        {"protocol_temperature": 1e-3, "protocol_biases": (1e300, -1e300, 0.0)},
        {"protocol_bandwidths_hz": {"LoRa": (5e-324,), "Wi-Fi": (1.7e308,)}},
    ],
)
def test_metadata_of_strangers_never_give_what_is_no_number(changes):
    model = metadata(**(HEARD | changes))
    for logits in ([0.0, 0.0, 0.0], [2000.0, 0.0, 0.0], [0.0, 0.0, 2000.0]):
        for bandwidth_hz in (0.0, 1e-12, 250e3, 1e12):
            name, sure = named(logits, model, bandwidth_hz=bandwidth_hz, repetition_s=3.2e-6)
            assert (name is None) == (sure is None)
            assert sure is None or 0.5 <= sure <= 1


def test_a_share_of_zero_rules_a_protocol_out():
    model = metadata(**(HEARD | {"protocol_repeating": {"LoRa": 0.0, "Wi-Fi": 0.7, "none": 0.1}}))
    assert named([9.0, 0.0, 3.0], model, bandwidth_hz=250e3)[0] == "LoRa"
    found = named([9.0, 0.0, 3.0], model, bandwidth_hz=250e3, repetition_s=1e-3)
    assert found == (None, None)


def test_a_model_that_cannot_tell_strangers_names_none():
    model = metadata(protocols=("a", "b"))
    assert named([9.0, 0.0], model, bandwidth_hz=1e5) == (None, None)


def test_shares_are_of_all_protocols_or_of_none():
    with pytest.raises(ValueError, match="of all the protocols, or of none"):
        metadata(protocols=PROTOCOLS, protocol_repeating={"LoRa": 0.5})


def test_too_cold_a_model_is_refused():
    with pytest.raises(ValueError, match="protocol_temperature"):
        metadata(protocols=PROTOCOLS, protocol_temperature=5e-324)


@pytest.mark.parametrize("field", ["protocol_bandwidths_hz", "protocol_repetitions_s"])
def test_only_protocols_are_measured(field):
    with pytest.raises(ValueError, match=f"{field} are of the protocols"):
        metadata(protocols=PROTOCOLS, **{field: {"GSM": (1.0,)}})
