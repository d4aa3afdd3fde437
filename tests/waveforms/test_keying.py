import numpy as np
import pytest
from tests.waveforms.measures import array, bandwidth, nearest_error, power

from hertzian.waveforms import AmplitudeKeying, PulsePosition, WaveformError
from hertzian.waveforms.pulses import root_raised_cosine

ENDLESS = [
    AmplitudeKeying("OOK", 8.0),
    AmplitudeKeying("OOK", 6.3, rise_share=0.4),
    AmplitudeKeying("OOK", 4.0, pulse="rrc"),
    AmplitudeKeying("OOK", 8.0, coding="rz"),
    AmplitudeKeying("OOK", 8.0, coding="manchester", rise_share=0.3),
    AmplitudeKeying("OOK", 8.0, coding="pwm", ratio=3, rise_share=0.3),
    AmplitudeKeying("OOK", 8.0, coding="ppm", rise_share=0.3),
    AmplitudeKeying("4ASK", 5.5),
    AmplitudeKeying("4ASK", 5.0, pulse="rrc"),
    AmplitudeKeying("8ASK", 7.3),
    AmplitudeKeying("8ASK", 8.0, pulse="rrc", roll_off=0.2),
    PulsePosition("PPM", 8.0),
    PulsePosition("PPM", 30.0, order=8, rise_share=0.2),
]


def runs(levels):
    """Lengths of on and off in turn of a boolean sequence that begins on: (on, off)."""
    edges = np.flatnonzero(np.diff(levels.astype(int))) + 1
    lengths = np.diff(np.concatenate([[0], edges]))
    return lengths[0::2], lengths[1::2]


@pytest.mark.parametrize("waveform", ENDLESS, ids=str)
def test_endless_data_has_unit_mean_power_and_the_stated_bandwidth(waveform):
    x = array(waveform, 16, 32768)
    assert np.mean(power(x)) == pytest.approx(1.0, abs=0.02)
    assert bandwidth(x) == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


def test_the_bandwidth_of_on_off_keying_follows_from_its_line_and_sinc():
    # half of the power is the carrier line, half sinc^2: 99% of all is 98% of the sinc^2,
    # 1 - 2 / (pi^2 b) = 0.98 with b in symbol rates, averaged over the lobes
    stated = 200 * AmplitudeKeying("OOK", 200.0).occupied_bandwidth
    assert stated == pytest.approx(2 / (np.pi**2 * 0.02), rel=0.05)


def test_on_off_keying_has_two_levels_and_half_the_time_each():
    x = array(AmplitudeKeying("OOK", 8.0), 16, 16000)
    on = np.abs(x) > 0.5
    np.testing.assert_allclose(x[on], np.sqrt(2), rtol=1e-5)
    assert np.abs(x[~on]).max() < 1e-6
    assert on.mean() == pytest.approx(0.5, abs=0.01)


# the mean square of the levels 0 to M - 1 is (M - 1)(2M - 1)/6
@pytest.mark.parametrize(("label", "order", "square"), [("4ASK", 4, 3.5), ("8ASK", 8, 17.5)])
def test_levels_are_evenly_spaced_and_equally_used(label, order, square):
    x = array(AmplitudeKeying(label, 10.0), 16, 16000).real
    level = np.sqrt(square)
    used, counts = np.unique(np.round(x * level).astype(int), return_counts=True)
    assert list(used) == list(range(order))
    np.testing.assert_allclose(x * level, np.round(x * level), atol=1e-3)
    np.testing.assert_allclose(counts / counts.sum(), 1 / order, atol=0.02)


@pytest.mark.parametrize(("label", "order", "square"), [("4ASK", 4, 3.5), ("8ASK", 8, 17.5)])
def test_levels_on_a_root_raised_cosine_come_back_from_the_matched_filter(label, order, square):
    sps = 8
    x = array(AmplitudeKeying(label, sps, pulse="rrc", timing=0.0), 1, 16000)[0]
    n = np.arange(-5 * sps, 5 * sps + 1)
    filtered = np.convolve(x, root_raised_cosine(n / sps, 0.35), "same") / sps
    assert nearest_error(filtered[400:-400:sps], np.arange(order) / np.sqrt(square)) < 0.03


@pytest.mark.parametrize(
    ("coding", "ratio", "on", "off"),
    [
        ("nrz", 2, None, None),
        ("manchester", 2, {1, 2}, {1, 2}),
        ("rz", 2, {1}, None),
        ("pwm", 3, {1, 3}, {1, 3}),
        ("ppm", 2, {1}, {2, 4}),
    ],
)
def test_line_codes_have_their_elements(coding, ratio, on, off):
    waveform = AmplitudeKeying("OOK", 10.0, coding=coding, ratio=ratio, timing=0.0)
    levels = np.abs(array(waveform, 1, 30000)[0]) > 0.5
    first = np.flatnonzero(levels[1:] & ~levels[:-1])[0] + 1
    lengths_on, lengths_off = runs(levels[first:])
    assert set(lengths_on % 10) == {0} == set(lengths_off % 10)
    if on is not None:
        assert set(lengths_on // 10) == on
    if off is not None:
        assert set(lengths_off // 10) == off


def test_pulse_width_coding_keeps_the_bit_period():
    waveform = AmplitudeKeying("OOK", 10.0, coding="pwm", ratio=3, timing=0.0)
    levels = np.abs(array(waveform, 1, 40000)[0]) > 0.5
    on, off = runs(levels)
    assert set(on[: off.size] + off) == {40}
    assert np.mean(on == 30) == pytest.approx(0.5, abs=0.06)


def test_edges_rise_within_their_share():
    smooth = np.abs(array(AmplitudeKeying("OOK", 40.0, rise_share=0.25), 1, 40000)[0])
    between = (smooth > 0.01) & (smooth < smooth.max() * 0.99)
    # an edge of 10 samples every second symbol, its steepest four fifths between the limits
    assert between.mean() == pytest.approx(0.5 * 10 / 40 * 0.9, abs=0.03)


def test_packets_repeat_their_bits_with_silence_between():
    waveform = AmplitudeKeying(
        "OOK", 4.0, packet_bits=24, preamble_bits=8, repeats=3, gap_symbols=40, timing=0.0
    )
    levels = np.abs(array(waveform, 1, 4 * 72 * 6)[0]) > 0.5
    packets = levels.reshape(6, 72 * 4)[:, ::4]
    assert not packets[:, 32:].any()
    np.testing.assert_array_equal(packets[:, :8], np.tile([True, False], (6, 4)))
    assert (packets[0] == packets[1]).all()
    assert (packets[0] == packets[2]).all()
    assert (packets[3] == packets[5]).all()
    assert (packets[0] != packets[3]).any()


def test_the_power_of_packets_is_one_while_they_last():
    waveform = AmplitudeKeying("OOK", 4.0, packet_bits=30, gap_symbols=70)
    x = array(waveform, 32, 40000)
    assert np.mean(power(x)) == pytest.approx(0.3, abs=0.02)


def test_short_windows_begin_anywhere_but_hold_a_packet():
    waveform = AmplitudeKeying("OOK", 4.0, coding="manchester", packet_bits=16, gap_symbols=5000)
    x = array(waveform, 200, 1024)
    share = (np.abs(x) > 0.5).mean(axis=1)
    # 16 Manchester bits are on for 16 of their 32 halves
    np.testing.assert_allclose(share, 16 * 4 / 1024, atol=3 / 1024)
    begins = np.argmax(np.abs(x) > 0.5, axis=1)
    assert begins.min() < 60
    assert 400 < begins.max() < 520


@pytest.mark.parametrize("order", [2, 4, 8])
def test_pulse_position_has_exactly_one_pulse_in_each_symbol(order):
    slot = 5
    waveform = PulsePosition("PPM", slot * order, order=order, timing=0.0)
    on = np.abs(array(waveform, 1, slot * order * 800)[0]) > 0.5
    slots = on.reshape(800, order, slot)
    assert (slots.all(axis=2) | ~slots.any(axis=2)).all()
    assert (slots[:, :, 0].sum(axis=1) == 1).all()
    np.testing.assert_allclose(slots[:, :, 0].mean(axis=0), 1 / order, atol=0.06)


def test_mode_s_at_two_samples_per_bit_has_one_sample_on():
    x = array(PulsePosition("PPM", 2.0, packet_bits=112, gap_symbols=300, timing=0.0), 3, 224)
    bits = np.abs(x).reshape(3, 112, 2)
    np.testing.assert_allclose(bits.min(axis=2), 0.0, atol=1e-6)
    np.testing.assert_allclose(bits.max(axis=2), np.sqrt(2), rtol=1e-5)


def test_mode_s_begins_with_pulses_at_0_1_3_and_a_half_and_4_and_a_half_microseconds():
    slot = 5
    waveform = PulsePosition(
        "PPM", 2.0 * slot, packet_bits=56, preamble="mode-s", gap_symbols=40, timing=0.0
    )
    on = np.abs(array(waveform, 1, slot * 4 * (8 + 56 + 40))[0])[slot // 2 :: slot] > 0.5
    packets = on.reshape(2, 2 * (8 + 56 + 40))
    for packet in packets:
        assert list(np.flatnonzero(packet[:16])) == [0, 2, 7, 9]
        assert (packet[16:128].reshape(56, 2).sum(axis=1) == 1).all()
        assert not packet[128:].any()
    assert (packets[0, 16:128] != packets[1, 16:128]).any()


def test_a_window_may_begin_anywhere_in_packets_with_a_preamble():
    waveform = PulsePosition("PPM", 4.0, packet_bits=56, preamble="mode-s", gap_symbols=400)
    x = np.abs(array(waveform, 200, 512))
    assert (x.max(axis=1) > 1).all()
    assert np.ptp((x > 0.5).argmax(axis=1)) > 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"samples_per_symbol": 1.0}, "at least 1.5 samples"),
        ({"coding": "morse"}, "unknown line code 'morse'"),
        ({"label": "4ASK", "coding": "rz"}, "for OOK only"),
        ({"label": "8ASK", "coding": "manchester"}, "for OOK only"),
        ({"pulse": "half-sine"}, "rect or rrc"),
        ({"rise_share": 2.0}, "rise_share"),
        ({"ratio": 1}, "ratio"),
        ({"packet_bits": 0}, "at least one bit"),
        ({"repeats": 0}, "at least once"),
        ({"gap_symbols": -1}, "not negative"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(WaveformError, match=words):
        AmplitudeKeying(**wrong)


@pytest.mark.parametrize(
    ("wrong", "words"), [({"order": 1}, "2 slots"), ({"order": 16}, "a sample per slot")]
)
def test_pulse_position_needs_slots(wrong, words):
    with pytest.raises(WaveformError, match=words):
        PulsePosition(**wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"preamble": "wifi"}, "preamble is one of none, mode-s, not 'wifi'"),
        ({"preamble": "mode-s", "order": 4, "packet_bits": 56}, "of order 2"),
        ({"preamble": "mode-s"}, "packet_bits"),
    ],
)
def test_a_preamble_stands_before_a_packet_of_mode_s(wrong, words):
    with pytest.raises(WaveformError, match=words):
        PulsePosition(**wrong)
