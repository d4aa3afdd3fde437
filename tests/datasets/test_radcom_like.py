import itertools

import numpy as np
import pytest
from tests.waveforms.measures import bandwidth

from hertzian.datasets import radcom_like
from hertzian.datasets.presets import PRESETS
from hertzian.datasets.published import RADCOM_AWGN, RADCOM_DYNAMIC, Kind
from hertzian.datasets.randomness import generator

RADARS = {
    "Airborne-detection": (10, 32),
    "Airborne-range": (5, 50),
    "Air-Ground-MTI": (20, 80),
    "Ground mapping": (4, 120),
}
STEADY = ("802.11bg", "802.15.4")


def sent(kind, count=200, samples=512):
    return radcom_like._SENDING.send(kind, count, samples, generator(1)).x.numpy()


def signal(name, kind, level, count=200):
    return PRESETS[name].maker.parts(0, kind, level, 0, count).signal


def edges(envelope, rising):
    above = envelope > 0.5
    return np.flatnonzero(above[1:] & ~above[:-1] if rising else ~above[1:] & above[:-1])


@pytest.mark.parametrize("protocol", RADARS)
def test_radars_differ_in_pulse_and_repetition_by_a_stated_spread(protocol):
    pulse, repetition = RADARS[protocol]
    widths, intervals = [], []
    for envelope in np.abs(sent(Kind("PCW", protocol))):
        up, down = edges(envelope, True), edges(envelope, False)
        intervals += list(np.diff(up))
        down = down[down > up[0]]
        widths += list(down - up[: len(down)])
    # edges are seen at whole samples
    assert 0.9 * pulse - 1 <= min(widths) <= max(widths) <= 1.1 * pulse + 1
    assert 0.9 * repetition - 1 <= min(intervals) <= max(intervals) <= 1.1 * repetition + 1
    assert np.mean(widths) == pytest.approx(pulse, rel=0.1)


def test_no_two_radars_share_a_repetition():
    limits = sorted((0.9 * r, 1.1 * r) for _, r in RADARS.values())
    assert all(a[1] < b[0] for a, b in itertools.pairwise(limits))


@pytest.mark.parametrize("kind", RADCOM_AWGN.kinds, ids=str)
def test_every_window_holds_a_signal(kind):
    power = np.mean(np.abs(sent(kind, samples=128)) ** 2, axis=1)
    assert power.min() > 0.01
    assert np.isfinite(power).all()


def test_kinds_are_those_of_the_papers_tables():
    assert len(PRESETS["radcom-awgn"].kinds) == 12
    assert len(PRESETS["radcom-dynamic"].kinds) == 9
    assert (len(RADCOM_AWGN.modulations), len(RADCOM_AWGN.protocols)) == (9, 11)
    assert (len(RADCOM_DYNAMIC.modulations), len(RADCOM_DYNAMIC.protocols)) == (6, 8)


@pytest.mark.parametrize("name", ["radcom-awgn", "radcom-dynamic", "radcom-gain"])
def test_windows_have_unit_energy(name):
    cell = PRESETS[name].maker.cell(0, RADCOM_DYNAMIC.kinds[0], 8.0, 20)
    np.testing.assert_allclose(np.square(cell.x).sum(axis=(1, 2)), 1, rtol=1e-5)


def test_the_wide_chips_come_through_a_receiver_of_10_mhz():
    x = sent(Kind("DSSS-CCK", "802.11bg"), samples=1024)
    psd = np.mean(np.abs(np.fft.fft(x)) ** 2, axis=0)
    # chips at 11 MHz with a roll-off of 0.35 fill +-5.5 MHz: within 10 MS/s nothing has fallen off
    assert psd[[500, 524]].min() > 0.3 * psd[:400].mean()


def test_the_dynamic_copy_has_one_course_and_the_corrected_one_many():
    copy = PRESETS["radcom-dynamic"].maker.cell(0, RADCOM_DYNAMIC.kinds[5], 10.0, 30)
    own = PRESETS["radcom-dynamic-corrected"].maker.cell(0, RADCOM_DYNAMIC.kinds[5], 10.0, 30)
    assert not copy.group.any()
    np.testing.assert_array_equal(own.group, np.arange(30))


def carriers(name, kind):
    """Phase at the first sample, and the frequency that it turns with from half to half."""
    x = signal(name, kind, 18.0).numpy()
    turn = np.angle(np.sum(x[:, :-1].conj() * x[:, 1:], axis=1)) / (2 * np.pi)
    return np.angle(x[:, 0]), turn


@pytest.mark.parametrize(
    "kind", [k for k in RADCOM_AWGN.kinds if k.modulation not in ("AM-SSB", "FMCW")], ids=str
)
def test_in_noise_alone_only_what_was_recorded_has_a_carrier_of_its_own(kind):
    turns = {name: carriers(name, kind)[1] for name in ("radcom-awgn", "radcom-awgn-corrected")}
    assert np.std(turns["radcom-awgn-corrected"]) > 0.02
    recorded = kind.protocol in ("Bluetooth", "802.11bg", "802.15.4")
    assert (np.std(turns["radcom-awgn"]) > 0.02) == recorded


def test_phases_are_those_of_what_is_sent_or_random():
    kind = Kind("AM-DSB", "AM radio")
    assert np.ptp(carriers("radcom-awgn", kind)[0]) < 1e-3
    assert np.ptp(carriers("radcom-awgn-corrected", kind)[0]) > 6
    assert np.ptp(carriers("radcom-gain", kind)[0]) > 6


def test_carriers_of_the_dynamic_copy_and_between_two_radios_are_all_but_none():
    kind = Kind("AM-DSB", "AM radio")
    assert np.abs(carriers("radcom-dynamic", kind)[1]).max() < 0.005
    assert np.abs(carriers("radcom-gain", kind)[1]).max() < 0.005
    assert np.abs(carriers("radcom-dynamic-corrected", kind)[1]).max() > 0.04


def test_power_follows_the_gain_until_the_amplifier_saturates():
    kind = Kind("AM-DSB", "AM radio")
    power = [float(signal("radcom-gain", kind, gain).abs().square().mean()) for gain in (0, 8, 32)]
    low, middle, high = 10 * np.log10(power)
    assert middle - low == pytest.approx(8, abs=1.5)
    # the limit lies 6 dB below the highest gain
    assert high - middle == pytest.approx(18, abs=2)


def test_some_windows_by_gain_have_somebody_elses_burst():
    parts = PRESETS["radcom-gain"].maker.parts(0, Kind("BPSK", "SATCOM"), 8.0, 0, 256)
    power = parts.noise.abs().square().mean(dim=1).numpy()
    # 128 samples of noise alone: a power of 1 within 4 deviations of 1 / sqrt(128)
    loud = np.mean(power > 1 + 4 / 128**0.5)
    assert 0.1 < loud < 0.35
    assert 0.8 < np.median(power) < 1.3


@pytest.mark.parametrize("kind", RADCOM_AWGN.kinds, ids=str)
def test_the_bandwidth_that_is_told_is_the_one_that_is_sent(kind):
    told = radcom_like._SENDING.send(kind, 400, 4096, generator(2))
    measured = [bandwidth(alike.numpy(), 2048) for alike in told.x.split(8)]
    expected = told.bandwidth[::8].numpy()
    ratio = np.median(measured / expected)
    if kind.modulation == "AM-DSB":  # the carrier holds most of the power
        assert 0.7 < ratio < 1
    else:
        assert ratio == pytest.approx(1, abs=0.03)
    assert len(set(told.bandwidth.tolist())) == (1 if kind.protocol in STEADY else 50)


def test_symbol_rates_are_told_of_what_has_symbols():
    told = {
        kind.protocol: float(radcom_like._SENDING.send(kind, 8, 128, generator(3)).symbol_rate[0])
        for kind in RADCOM_AWGN.kinds
    }
    assert told["Bluetooth"] == pytest.approx(0.1)
    assert told["802.11bg"] == pytest.approx(0.1375)
    assert told["802.15.4"] == pytest.approx(0.00625)
    assert 1 / 12 < told["SATCOM"] < 1 / 8
    assert np.isnan(told["AM radio"])
    assert np.isnan(told["Airborne-range"])
