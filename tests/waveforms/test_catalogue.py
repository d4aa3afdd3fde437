from importlib.metadata import EntryPoint

import pytest

from hertzian.signal import LABELS, HertzianError
from hertzian.waveforms import CATALOGUE, Carrier, Linear, make
from hertzian.waveforms.catalogue import ENTRY_POINTS, offered


def test_every_label_but_unknown_has_a_waveform_that_says_so():
    assert set(CATALOGUE) >= set(LABELS) - {"unknown"}
    for label in CATALOGUE:
        assert make(label).label == label


@pytest.mark.parametrize(
    ("spelling", "label"),
    [
        *[("lora", "CSS"), ("QAM64", "64QAM"), ("2ask", "OOK"), ("fm", "WBFM")],
        *[("am-dsb-wc", "AM-DSB"), ("AM-SSB-SC", "AM-SSB"), ("pi4-dqpsk", "PI4-DQPSK")],
    ],
)
def test_any_spelling_is_understood(spelling, label):
    assert make(spelling).label == label


def test_parameters_reach_the_waveform():
    assert make("qpsk", samples_per_symbol=3.0) == Linear("QPSK", 3.0)


def test_unknown_names_and_parameters_are_told():
    with pytest.raises(HertzianError, match="unknown modulation 'morse'"):
        make("morse")
    with pytest.raises(HertzianError, match="no waveform generates unknown"):
        make("unknown")
    with pytest.raises(HertzianError, match=r"QPSK: .*deviation"):
        make("QPSK", deviation=1)


@pytest.mark.parametrize("label", sorted(CATALOGUE))
def test_bandwidths_lie_within_the_sampled_band(label):
    assert 0 <= make(label).occupied_bandwidth <= 1


@pytest.mark.parametrize(
    ("label", "parameters", "rate"),
    [
        # by the standards' own numbers: rate and sampling rate in MHz
        ("DSSS-CCK", {"samples_per_chip": 2.0}, 1.375 / 22),  # 802.11b: 11 Mbit/s
        ("DSSS-BPSK", {"samples_per_chip": 2.0, "code": "barker11"}, 1 / 22),  # 802.11: 1 Mbit/s
        ("DSSS-OQPSK", {"samples_per_chip": 5.0}, 0.0625 / 10),  # 802.15.4: 250 kbit/s
        ("OFDM", {"oversampling": 2.0}, 0.25 / 40),  # 802.11a: 4 us
        ("CSS", {"bandwidth": 0.5, "spreading_factor": 7}, 0.5 / 128),
        ("GFSK", {"samples_per_symbol": 10.0}, 0.1),
        ("PPM", {"samples_per_symbol": 20.0}, 0.05),
        ("OOK", {"samples_per_symbol": 4.0, "coding": "manchester"}, 0.25),
        ("OQPSK", {"samples_per_symbol": 6.0}, 1 / 6),
        *((label, {}, None) for label in ("WBFM", "AM-SSB", "LFM", "PCW", "CW", "noise")),
    ],
)
def test_symbol_rates_are_those_of_the_symbols(label, parameters, rate):
    found = make(label, **parameters).symbol_rate
    assert found is None if rate is None else found == pytest.approx(rate)


def test_another_package_adds_a_waveform_that_is_loaded_when_used(monkeypatch):
    points = [
        EntryPoint("Siren", "hertzian.waveforms.tone:Carrier", ENTRY_POINTS),
        EntryPoint("Broken", "no.such.package:Thing", ENTRY_POINTS),
    ]
    for name, maker in offered(points).items():
        monkeypatch.setitem(CATALOGUE, name, maker)
    monkeypatch.setattr(Carrier, "labels", ("CW", "Siren"))
    assert make("siren") == Carrier("Siren")
    with pytest.raises(ImportError):
        make("Broken")
