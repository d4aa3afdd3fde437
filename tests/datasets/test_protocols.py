import dataclasses

import numpy as np
import pytest
import torch
from tests.waveforms.measures import bandwidth

from hertzian.datasets.emitters import EMITTED, FURTHER
from hertzian.datasets.field import field_recording
from hertzian.datasets.protocols import (
    FASTEST_HZ,
    PROTOCOL_CLASSES,
    PROTOCOLS,
    draw_protocol,
)
from hertzian.datasets.published import RADCOM_AWGN
from hertzian.datasets.scenes import Scene
from hertzian.datasets.windows import by_modulation, by_protocol, detect, match

# MHz; by the standards' channel plans and rates
WIDTHS = {
    "Bluetooth": (0.7, 1.1),
    "802.15.4": (2.0, 3.0),
    "802.11bg": (11.0, 17.0),
    "LoRa": (0.125, 0.5),
    "wM-Bus": (0.18, 0.25),
    "DVB-T": (5.7, 7.62),
    "FM broadcast": (0.18, 0.26),
    "GSM": (0.2, 0.3),
    "AIS": (0.009, 0.025),
    "POCSAG": (0.009, 0.02),
    "TETRA": (0.018, 0.025),
    "SATCOM": (0.9, 1.6),
}


def drawn(protocol, count=12):
    rng = np.random.default_rng(4)
    return [draw_protocol(protocol, rng) for _ in range(count)]


def test_radcoms_protocols_are_among_them():
    assert {kind.protocol for kind in RADCOM_AWGN.kinds} <= set(PROTOCOLS)
    assert (*PROTOCOLS, "none") == PROTOCOL_CLASSES


@pytest.mark.parametrize("protocol", WIDTHS)
def test_they_are_as_wide_as_their_channels(protocol):
    low, high = WIDTHS[protocol]
    for one in drawn(protocol):
        assert low * 1e6 <= one.bandwidth_hz <= high * 1e6


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_they_can_be_heard_at_any_width_that_a_receiver_has(protocol):
    for one in drawn(protocol, 6):
        for width in (0.006, 0.2, 0.85, 1.0):
            for narrowly in (False, True):
                heard = one.heard(width, narrowly)
                assert 0 < heard.emitter.reference_bandwidth <= 1
                assert heard.sample_rate_hz <= max(FASTEST_HZ, 1.01 * one.lowest_hz)
        assert one.heard(1.0).emitter.waveform.generate(1, 256, torch.Generator()).isfinite().all()


def test_they_send_what_their_standards_say():
    def waveforms(protocol):
        return [one.at(4 * one.lowest_hz) for one in drawn(protocol, 30)]

    assert {one.preamble for one in waveforms("ADS-B")} == {"mode-s"}
    meters = {(one.coding, round(one.samples_per_symbol, 3)) for one in waveforms("wM-Bus")}
    assert {coding for coding, _ in meters} == {"3-of-6", "manchester"}
    for one in waveforms("DVB-T"):
        first = [one.subcarriers.index(one.pilots(symbol)[0]) for symbol in range(5)]
        assert sorted(first[:4]) == [0, 3, 6, 9]
        assert first[4] == first[0]
        assert one.pilot_boost == pytest.approx(4 / 3)


def test_strangers_have_every_modulation_that_a_protocol_has():
    sent = {one.at(4 * one.lowest_hz).label for name in PROTOCOLS for one in drawn(name, 30)}
    assert sent - set(EMITTED) == set(FURTHER)


@pytest.mark.parametrize("protocol", ["Bluetooth", "802.15.4", "LoRa", "TETRA", "DVB-T"])
def test_at_its_sampling_rate_it_is_as_wide_as_told(protocol):
    one = drawn(protocol, 1)[0]
    heard = one.heard(0.3)
    x = heard.emitter.waveform.generate(4, 65_536, torch.Generator().manual_seed(1)).numpy()
    assert bandwidth(x) * heard.sample_rate_hz == pytest.approx(one.bandwidth_hz, rel=0.1)


def test_a_narrow_receiver_takes_in_the_main_lobes():
    one = drawn("ADS-B", 1)[0]
    wide, narrow = one.heard(0.5), one.heard(0.5, narrowly=True)
    assert wide.sample_rate_hz > 15e6
    assert narrow.sample_rate_hz < 3e6


def scene(**changes):
    plain = {"emitters": (1, 1), "unknown": 0.0, "noise": 0.0, "snr_db": (25.0, 25.0)}
    return dataclasses.replace(Scene(), **(plain | changes))


def test_a_recording_tells_who_sends_a_protocol_and_at_which_rate():
    found = [field_recording(8, index, scene(protocols=0.5)).emissions for index in range(40)]
    emissions = [one for each in found for one in each]
    protocols = [one.protocol for one in emissions if one.protocol]
    assert 8 < len(protocols) < len(emissions) - 8
    assert set(protocols) <= set(PROTOCOLS)
    assert all((one.protocol is None) == (one.sample_rate_hz is None) for one in emissions)


def test_without_protocols_nothing_is_drawn_for_them():
    plain = field_recording(8, 3, scene())
    assert all(one.protocol is None for one in plain.emissions)
    np.testing.assert_array_equal(plain.iq, field_recording(8, 3, scene(protocols=0.0)).iq)


def test_what_is_shown_is_the_bandwidth_of_what_was_sent():
    found = {}
    for index in range(150):
        for one in field_recording(10, index, scene(protocols=1.0)).emissions:
            found.setdefault(one.protocol, []).append(one.shown / one.bandwidth)
    assert 0.2 < np.median(found["FM broadcast"]) < 0.8
    for protocol in ("TETRA", "GSM", "802.15.4", "SATCOM"):
        assert np.median(found[protocol]) == pytest.approx(1.0, abs=0.1)
    (plain,) = field_recording(8, 3, scene()).emissions
    assert plain.shown is None


def test_one_line_of_a_comb_is_no_radar():
    for index in range(60):
        recording = field_recording(9, index, scene(protocols=1.0, bandwidth=(0.2, 0.6)))
        for found in detect(recording.iq):
            truth = match(found, recording.emissions)
            if truth is None:
                continue
            assert by_modulation(truth, found) == truth.label
            narrow = found.bandwidth < 0.5 * truth.shown
            assert by_protocol(truth, found) == ("none" if narrow else truth.protocol)
            if narrow:
                return
    pytest.fail("no such line was detected")
