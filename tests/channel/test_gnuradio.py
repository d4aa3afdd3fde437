import dataclasses
import math

import numpy as np
import pytest
import torch

from hertzian.channel import ChannelError
from hertzian.channel.gnuradio import DynamicChannel

CHANNEL = DynamicChannel(
    sample_rate_hz=200e3,
    clock_std_hz=0.01,
    clock_limit_hz=50.0,
    carrier_std_hz=0.01,
    carrier_limit_hz=500.0,
    doppler_hz=1.0,
    rician_k=4.0,
    delays_samples=(0.0, 0.9, 1.7),
    magnitudes=(1.0, 0.8, 0.3),
)
STILL = dataclasses.replace(CHANNEL, clock_std_hz=0.0, carrier_std_hz=0.0)
ONE_PATH = dataclasses.replace(STILL, delays_samples=(0.0,), magnitudes=(1.0,), rician_k=None)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def taps_by_hand(states, time):
    """The taps of pass 0 at a time, one sinusoid after the other."""
    channel = states.channel
    old = channel.rule == "3.7"
    taps = np.zeros(channel.taps, complex)
    for path, (delay, magnitude) in enumerate(
        zip(channel.delays_samples, channel.magnitudes, strict=True)
    ):
        gain = 0j
        for n in range(channel.sinusoids - 1 if old else channel.sinusoids):
            turn = 2 * math.pi * float(states.in_phase[0, path, n]) * time
            other = 2 * math.pi * float(states.quadrature[0, path, n]) * time
            psi, phi = (2 * math.pi * float(p[0, path, n]) for p in (states.psi, states.phi))
            gain += math.cos(turn + psi) + 1j * math.cos(other + phi)
        gain *= math.sqrt((2 if old else 1) / channel.sinusoids)
        if path == 0 and channel.rician_k is not None:
            cycles = float(states.line_rate[0]) * time + float(states.line_phase[0])
            k = channel.rician_k
            line = np.exp(2j * math.pi * cycles)
            gain = gain / math.sqrt(k + 1) + math.sqrt(k / (k + 1)) * line
        for k in range(channel.taps):
            distance = (k - delay) * (2 if old else 1)
            taps[k] += magnitude * gain * np.sinc(distance)
    return taps


@pytest.mark.parametrize("rule", ["3.7", "3.8"])
def test_taps_are_the_sum_of_sinusoids(rule):
    states = dataclasses.replace(CHANNEL, rule=rule).draw(1, 80_000, seeded())
    for time in (0, 1234, 79_999):
        taps = states.taps(torch.tensor([0]), torch.tensor([time]))[0].numpy()
        np.testing.assert_allclose(taps, taps_by_hand(states, time), atol=1e-5)


@pytest.mark.parametrize(("rule", "power"), [("3.7", 2 * 7 / 8), ("3.8", 1.0)])
def test_a_path_has_the_power_of_its_rule(rule, power):
    states = dataclasses.replace(ONE_PATH, rule=rule).draw(4000, 128, seeded())
    which = torch.arange(4000)
    gain = states.taps(which, torch.zeros(4000))[:, 0]
    # |H|^2 of a Rayleigh gain has a standard deviation as large as its mean
    assert float(gain.abs().square().mean()) == pytest.approx(power, abs=4 * power / 4000**0.5)


def test_arrival_angles_are_those_of_the_fader():
    states = CHANNEL.draw(2000, 128, seeded())
    cosines = states.in_phase * 200e3
    # a_n = (2 pi n - pi + theta) / 32 with theta in +-pi: n = 1 lies in [0, pi / 16]
    assert float(cosines[..., 0].min()) >= math.cos(math.pi / 16) - 1e-9
    assert float(cosines[..., 7].max()) <= math.cos(14 * math.pi / 32) + 1e-9
    np.testing.assert_array_equal(states.in_phase, states.quadrature)


def test_the_line_of_sight_has_k_times_the_scattered_power():
    sure = dataclasses.replace(ONE_PATH, rician_k=1e9).draw(50, 128, seeded())
    gain = sure.taps(torch.arange(50), torch.full((50,), 77.0))[:, 0]
    np.testing.assert_allclose(gain.abs(), 1, atol=1e-3)


def test_both_walks_are_one_with_the_variance_of_their_steps():
    states = dataclasses.replace(CHANNEL, carrier_std_hz=0.02).draw(2000, 4096, seeded())
    # the sum over n samples of a walk with steps of std s has the variance s^2 n^3 / 3
    spread = float(states.shift[:, 64].std())
    assert spread == pytest.approx(0.01 / 200e3 * math.sqrt(4096**3 / 3), rel=0.06)
    np.testing.assert_allclose(states.cycles, 2 * states.shift, atol=1e-12)


def test_walks_are_clipped_at_their_limit():
    tight = dataclasses.replace(CHANNEL, carrier_std_hz=1.0, carrier_limit_hz=5.0)
    states = tight.draw(20, 80_000, seeded())
    rate = torch.diff(states.cycles) / 64 * 200e3
    assert float(rate.abs().max()) <= 5.0 + 1e-9
    # a walk of 283 Hz spends about all its time near one of the walls, or on its way
    assert float(rate.abs().max()) > 4.9


def received_by_hand(x, first, count, states):
    """y[n] from the sent stream x(t), sample by sample: clock, carrier, then the delay line."""
    lags = np.arange(-40, 41)

    def knots(values, n):
        return np.interp(n, 64 * np.arange(values.shape[1]), values[0].numpy())

    def turned(n):
        place = n + knots(states.shift, n)
        whole = math.floor(place)
        kernel = np.sinc(lags - (place - whole)) * np.kaiser(81, 8)
        return np.sum(x[whole + lags] * kernel) * np.exp(2j * np.pi * knots(states.cycles, n))

    y = []
    for n in range(first, first + count):
        taps = states.taps(torch.tensor([0]), torch.tensor([n]))[0].numpy()
        y.append(sum(tap * turned(n - k) for k, tap in enumerate(taps)))
    return np.array(y)


@pytest.mark.parametrize("hurried", [1.0, 20.0])
def test_a_window_is_what_the_chain_gives_sample_by_sample(hurried):
    channel = dataclasses.replace(
        CHANNEL, clock_std_hz=0.01 * hurried, carrier_std_hz=0.01 * hurried
    )
    states = channel.draw(1, 40_000, seeded(2))
    # a stream of band 0.2: white noise at a fifth of the rate, interpolated
    rng = np.random.default_rng(0)
    spectrum = np.zeros(40_960, complex)
    near = np.r_[0:4096, -4096:0]
    spectrum[near] = rng.normal(size=(8192, 2)) @ [1, 1j]
    x = np.fft.ifft(spectrum) * 450
    which, first = torch.tensor([0]), torch.tensor([30_017])
    begin = int(states.first_needed(which, first, 128))
    cut = torch.from_numpy(x[begin : begin + 128 + channel.margin].astype(np.complex64))
    y = states.receive(cut[None], which, first)[0].numpy()
    wanted = received_by_hand(x, 30_017, 128, states)
    error = np.mean(np.abs(y - wanted) ** 2) / np.mean(np.abs(wanted) ** 2)
    # the clock moves in steps of 1/128: half of one is -52 dB at the edge of this band
    assert 10 * math.log10(error) < -50


@pytest.mark.parametrize(
    ("fraction", "taps"),
    [
        (0.25, [-0.00518, 0.03119, -0.12205, 0.87130, 0.29101, -0.08770, 0.02578, -0.00456]),
        (0.5, [-0.00678, 0.03946, -0.14266, 0.60984, 0.60984, -0.14266, 0.03946, -0.00678]),
    ],
)
def test_the_clock_interpolates_as_the_blocks_do(fraction, taps):
    # read off the response of GNU Radio 3.10's mmse_resampler_cc to an impulse
    states = ONE_PATH.draw(1, 256, seeded())
    states = dataclasses.replace(states, shift=torch.full_like(states.shift, fraction))
    which = torch.tensor([0])
    impulse = torch.zeros(1, 32 + ONE_PATH.margin, dtype=torch.complex64)
    impulse[0, 20 + ONE_PATH.lead] = 1
    received = states.receive(impulse, which, which)[0]
    gain = complex(states.taps(which, torch.tensor([16]))[0, 0])
    # what comes out at n was read from n - 3 to n + 4
    np.testing.assert_allclose(received[16:24].flip(0) / gain, taps, atol=2e-5)
    assert float(received[:16].abs().max()) < 1e-6
    assert float(received[24:].abs().max()) < 1e-6


def test_the_same_seed_gives_the_same_course_and_a_longer_one_the_same_fading():
    a, b = CHANNEL.draw(1, 1000, seeded(5)), CHANNEL.draw(1, 9000, seeded(5))
    np.testing.assert_array_equal(a.psi, b.psi)
    assert a.mean_gain_db() != CHANNEL.draw(1, 1000, seeded(6)).mean_gain_db()


def test_the_mean_gain_is_that_of_a_carrier():
    states = STILL.draw(1, 6400, seeded(1))
    which, first = torch.zeros(50, dtype=torch.int64), torch.arange(0, 6400, 128)
    carrier = torch.ones(50, 128 + STILL.margin, dtype=torch.complex64)
    power = states.receive(carrier, which, first).abs().square().mean()
    assert 10 * math.log10(float(power)) == pytest.approx(states.mean_gain_db(), abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "3.9"}, "rule is 3.7 or 3.8"),
        ({"magnitudes": (1.0,)}, "one magnitude per delay"),
        ({"delays_samples": (), "magnitudes": ()}, "at least one path"),
        ({"sample_rate_hz": 0.0}, "sample_rate_hz"),
        ({"doppler_hz": 2e5}, "doppler_hz"),
        ({"rician_k": -1.0}, "rician_k"),
        ({"clock_std_hz": float("nan")}, "clock_std_hz"),
    ],
)
def test_impossible_channels_are_named(change, message):
    with pytest.raises(ChannelError, match=message):
        dataclasses.replace(CHANNEL, **change)
