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
    likely = density(16.2e6, model.protocol_bandwidths_hz["Wi-Fi"], 0.12, (1e3, 1e8))
    even = 1 / np.log(1e5)
    none = np.exp(1.0) * even
    # a hundredth of LoRa is heard anywhere
    expected = likely / (likely + none + 0.01 * even)
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
    y = [density(value, heard, 0.12, (1e3, 1e8)) for value in x]
    assert np.trapezoid(y, np.log(x)) == pytest.approx(1.0, abs=1e-3)
    assert density(3e4, (), 0.12, (1e3, 1e8)) == pytest.approx(1 / np.log(1e5))
    assert np.isfinite(density(0.0, heard, 0.12, (1e3, 1e8)))


@pytest.mark.parametrize(
    "field", ["protocol_bandwidths_hz", "protocol_repetitions_s", "protocol_repeating"]
)
def test_only_protocols_are_measured(field):
    value = 0.5 if field.endswith("repeating") else (1.0,)
    with pytest.raises(ValueError, match=f"{field} are of the protocols"):
        metadata(protocols=PROTOCOLS, **{field: {"GSM": value}})
