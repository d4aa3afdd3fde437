import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.recordings.names import NameFacts, format_of_name, name_facts

pytestmark = pytest.mark.base


@pytest.mark.parametrize(
    ("name", "rate_hz", "center_hz"),
    [
        ("g001_433.92M_250k.cu8", 250e3, 433.92e6),
        ("g012_868M_1024k.cu8", 1.024e6, 868e6),
        ("rtlsdr_868.950M_1M6_samples2.cu8", 1.6e6, 868.95e6),
        ("433M92_2M4.ci16", 2.4e6, 433.92e6),
        ("cap-2.4G-20M.cf32", 20e6, 2.4e9),
        ("cap_433.92MHz_2.4Msps.cf32", 2.4e6, 433.92e6),
        ("gqrx_20180520_101530_433920000_2000000_fc.raw", 2e6, 433.92e6),
        ("SDRSharp_20150804_204045Z_97900000Hz_IQ.wav", None, 97.9e6),
        ("HDSDR_20170101_120000Z_7100kHz_RF.wav", None, 7.1e6),
        ("SDRuno_20200907_184115Z_7100kHz.wav", None, 7.1e6),
        ("baseband_97900000Hz_20-15-30_04-08-2021.wav", None, 97.9e6),
        ("SDRSharp_20150804_204045Z_97900000Hz_AF.wav", None, 97.9e6),
        ("capture_2.4Msps.cf32", 2.4e6, None),
        ("capture_250000sps.cu8", 250e3, None),
        # what could be either a rate or a frequency tells nothing
        ("dvbt_20MHz.cf32", None, None),
        ("ntsc_fm_10MHz.cf32", None, None),
        ("thing_433.92M.cu8", None, None),
        ("thing_250k.cu8", None, None),
        ("dot11n_19.5mbps_radiated.ci16", None, None),
        ("x10_00.cu8", None, None),
        ("brennstuhl_rcs_2044_07.cu8", None, None),
        ("A433.92M_250kB.cu8", None, None),
    ],
)
def test_facts(name: str, rate_hz: float | None, center_hz: float | None) -> None:
    assert name_facts(name) == NameFacts(rate_hz, center_hz)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.cu8", "cu8"),
        ("a.CU8", "cu8"),
        ("a.cs8", "ci8"),
        ("a.ci8", "ci8"),
        ("a.cs16", "ci16"),
        ("a.fc32", "cf32"),
        ("a.cfile", "cf32"),
        ("a.complex16u", "cu8"),
        ("a.cf64", "cf64"),
        ("gqrx_20180520_101530_433920000_2000000_fc.raw", "cf32"),
        ("photo.raw", None),
        ("a.iq", None),
        ("a.txt", None),
        ("cu8", None),
    ],
)
def test_format(name: str, expected: str | None) -> None:
    assert format_of_name(name) == expected


@given(st.text())
def test_any_name_is_admitted(name: str) -> None:
    assert isinstance(name_facts(name), NameFacts)


@given(st.from_regex(r"\A[0-9_.kMGHzspIQ]{0,40}\Z"))
def test_names_of_numbers_give_numbers_or_nothing(name: str) -> None:
    facts = name_facts(name)
    for value in (facts.sample_rate_hz, facts.center_frequency_hz):
        assert value is None or value >= 0
