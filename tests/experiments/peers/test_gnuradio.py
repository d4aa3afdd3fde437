import math
import sys

import numpy as np
import pytest

from hertzian.experiments.peers.gnuradio import (
    ANALOG,
    BITS_PER_PASS,
    MODULATIONS,
    PYTHON_VARIABLE,
    DynamicChannel,
    PassRequest,
    Windows,
    find_python,
    make_passes,
    run_block,
)
from hertzian.workers.errors import WorkerError

pytestmark = pytest.mark.base

SILENCE = np.zeros(10_000, np.float32)
POWER = {"PAM4": 5.0, "QAM16": 10.0, "QAM64": 42.0}


@pytest.fixture(scope="module")
def python():
    try:
        return find_python()
    except WorkerError as error:
        pytest.skip(str(error))


def clean(python, modulation, bits=None, audio=None, passes=1, seed=3):
    request = PassRequest(
        modulation, passes, seed, channel=None, bits=bits, audio=audio, windows=None
    )
    return make_passes(request, python=python)


def test_the_message_says_how_to_install(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")
    with pytest.raises(WorkerError, match=r"missing in /no/such/python: install it with `apt-get"):
        find_python()


def test_an_interpreter_without_gnu_radio_is_passed_over(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    with pytest.raises(WorkerError, match=r"GNU Radio 3\.10 is missing"):
        find_python()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modulation": "AM-SSB"}, "not 'AM-SSB'"),
        ({"passes": 0}, "at least 1"),
        ({"limit": 0}, "at least 1"),
        ({"seed": -1}, "seed at least 0"),
        ({"bits": 0}, "1 to 10 000 000 bits"),
        ({"bits": 10**12}, "1 to 10 000 000 bits"),
        ({"channel": None, "snr_db": 3.0}, "part of the channel"),
        ({"snr_db": math.nan}, "between -200 and 200"),
        ({"channel_seed": 2**31}, "between 0 and"),
        ({"audio": SILENCE}, "audio is for"),
        ({"modulation": "WBFM"}, "audio is for"),
        ({"modulation": "WBFM", "audio": SILENCE.astype(float)}, "not float64"),
        ({"modulation": "WBFM", "audio": SILENCE[:0]}, r"not float32 \[0\]"),
        ({"modulation": "WBFM", "audio": SILENCE + 1}, "within"),
        ({"modulation": "WBFM", "audio": SILENCE + np.float32(np.nan)}, "within"),
        ({"passes": 10**6, "windows": None}, "ask for fewer passes"),
        ({"passes": 10**6}, "ask for fewer passes"),
    ],
)
def test_bad_requests_are_refused_before_anything_starts(arguments, message):
    with pytest.raises(WorkerError, match=message) as error:
        PassRequest(**{"modulation": "BPSK", "passes": 1, "seed": 1, **arguments})
    assert "\n" not in str(error.value)


def test_a_limit_allows_many_passes():
    assert PassRequest("BPSK", 10**6, 1, limit=1000).limit == 1000


@pytest.mark.parametrize("arguments", [{"samples": 0}, {"per_pass": 0}])
def test_windows_of_nothing_are_refused(arguments):
    with pytest.raises(WorkerError):
        Windows(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [{"delays": (0.0,)}, {"delays": (), "magnitudes": ()}, {"taps": 0}, {"sample_rate_hz": 0.0}],
)
def test_channels_that_crash_are_refused(arguments):
    with pytest.raises(WorkerError):
        DynamicChannel(**arguments)


@pytest.mark.parametrize(
    ("iq", "seeds"),
    [
        (np.ones(4), [1]),
        (np.ones((2, 2), np.complex64), [1]),
        (np.ones(0, np.complex64), [1]),
        (np.ones(4, np.complex64), []),
        (np.ones(4, np.complex64), [-1]),
    ],
)
def test_bad_input_of_a_block_is_refused(iq, seeds):
    with pytest.raises(WorkerError):
        run_block("cfo", iq, seeds)


@pytest.mark.parametrize("modulation", BITS_PER_PASS)
def test_digital_classes_have_the_power_of_their_constellation(modulation, python):
    made = clean(python, modulation, bits=12_000)
    assert made.iq.dtype == np.complex64
    steady = made.iq[400:-400]
    expected = POWER.get(modulation, 0.998001 if modulation == "GFSK" else 1.0)
    assert np.mean(np.abs(steady) ** 2) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("modulation", "levels"), [("PAM4", 4), ("QAM16", 4), ("QAM64", 8), ("BPSK", 2)]
)
def test_a_matched_filter_finds_symbols_on_odd_integers(modulation, levels, python):
    iq = clean(python, modulation, bits=6_000).iq
    time = np.arange(-352, 353) / 8
    with np.errstate(invalid="ignore", divide="ignore"):
        pulse = np.sin(0.65 * np.pi * time) + 1.4 * time * np.cos(1.35 * np.pi * time)
        pulse /= np.pi * time * (1 - (1.4 * time) ** 2)
    pulse[352] = 0.65 + 1.4 / np.pi
    symbols = np.convolve(iq, pulse / 8)[704 : len(iq) : 8].real
    nearest = 2 * np.round((symbols + levels - 1) / 2) - levels + 1
    assert np.max(np.abs(symbols - nearest)) < 0.03 * levels
    assert set(nearest) == set(range(1 - levels, levels, 2))


def test_cpfsk_turns_a_sixteenth_of_pi_a_sample(python):
    iq = clean(python, "CPFSK", bits=300).iq
    turns = np.angle(iq[1:] * iq[:-1].conj()).reshape(-1)
    np.testing.assert_allclose(np.abs(turns), np.pi / 16, atol=1e-5)
    np.testing.assert_allclose(np.abs(iq), 1, atol=1e-6)


def test_gfsk_reaches_its_deviation_and_no_more(python):
    iq = clean(python, "GFSK", bits=2_000).iq
    turns = np.abs(np.angle(iq[100:] * iq[99:-1].conj()))
    assert turns.max() == pytest.approx(0.1, rel=1e-3)
    np.testing.assert_allclose(np.abs(iq), 0.999, atol=1e-5)


@pytest.mark.parametrize("modulation", ANALOG)
def test_silence_is_a_bare_carrier(modulation, python):
    np.testing.assert_allclose(clean(python, modulation, audio=SILENCE).iq, 1, atol=1e-6)


def test_each_pass_takes_the_next_stretch_of_the_audio(python):
    audio = np.concatenate([np.full(10_000, level, np.float32) for level in (0.1, -0.2)])
    made = clean(python, "AM-DSB", audio=audio, passes=3)
    # how many samples a stream loses at its end is up to the scheduler
    passes = np.split(made.iq.real, np.cumsum(made.length)[:-1])
    np.testing.assert_allclose([np.median(x) for x in passes], [1.1, 0.8, 1.1], atol=1e-3)
    np.testing.assert_allclose(made.length, 10_000 / 0.2205, atol=60)


def test_wbfm_deviates_by_75_khz_for_one(python):
    audio = np.full(10_000, 0.5, np.float32)
    iq = clean(python, "WBFM", audio=audio).iq[2_000:]
    turn = np.angle(np.mean(iq[1:] * iq[:-1].conj()))
    # the interpolator's taps ripple by 0.1 dB
    assert turn == pytest.approx(np.pi * 75e3 / 220.5e3, rel=0.02)


def test_windows_lie_in_the_stream_by_the_generators_rule(python):
    whole = PassRequest("BPSK", 1, 5, snr_db=18.0, bits=4_000, windows=None)
    cut = PassRequest("BPSK", 3, 5, snr_db=18.0, bits=4_000, windows=Windows(normalise=False))
    stream, made = make_passes(whole, python=python), make_passes(cut, python=python)
    first = made.number == 0
    np.testing.assert_array_equal(
        made.iq[first], stream.iq[made.start[first][:, None] + np.arange(128)]
    )
    for number, length in enumerate(made.length):
        starts = made.start[made.number == number]
        assert 50 <= starts[0] <= 500
        hops = np.diff(starts)
        assert hops.min() >= 128
        assert hops.max() <= round(0.05 * length)
        assert starts[-1] + 128 < length <= starts[-1] + 128 + round(0.05 * length)


def test_windows_are_normalised_and_at_most_as_many_as_asked(python):
    request = PassRequest("QPSK", 3, 5, snr_db=0.0, bits=4_000, windows=Windows(per_pass=4))
    made = make_passes(request, python=python)
    np.testing.assert_allclose(np.abs(made.iq).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(made.number, np.repeat([0, 1, 2], 4))
    assert len(set(made.channel_seed)) == 3
    again = make_passes(request, python=python)
    np.testing.assert_array_equal(made.iq, again.iq)


def test_a_limit_and_a_constant_channel(python):
    request = PassRequest("QPSK", 50, 5, channel_seed=0x1337, bits=2_000, limit=30)
    made = make_passes(request, python=python)
    assert made.iq.shape == (30, 128)
    assert len(made.number) == len(made.start) == 30
    assert len(made.length) < 50
    assert set(made.channel_seed) == {0x1337}


def test_noise_has_the_square_of_its_amplitude_as_variance(python):
    noise = run_block(
        "dynamic", np.zeros(50_000, np.complex64), [1, 2], noise_amplitude=0.1, python=python
    )
    for row in noise:
        # a pool of 8192 samples gives the power to 1.1%
        assert np.mean(np.abs(row) ** 2) == pytest.approx(0.01, rel=0.05)
        assert row.real.var() == pytest.approx(row.imag.var(), rel=0.07)


def test_carrier_and_sample_rate_walk_the_same_way(python):
    time = np.arange(60_000)
    tone = np.exp(0.2j * np.pi * time).astype(np.complex64)
    channel = DynamicChannel(sro_std_hz=0.05, cfo_std_hz=0.05)
    carrier = run_block("cfo", np.ones_like(tone), [7], channel=channel, python=python)[0]
    moved = run_block("sro", tone, [7], channel=channel, python=python)[0]
    cycles = np.unwrap(np.angle(carrier.astype(complex))) / (2 * np.pi)
    shift = np.unwrap(np.angle(moved.astype(complex))) / (0.2 * np.pi) - np.arange(len(moved))
    assert shift[0] == pytest.approx(3, abs=1e-3)
    assert np.ptp(shift) > 0.2
    # mu moves in steps of 1/128
    np.testing.assert_allclose(shift - 3, cycles[: len(shift)], atol=0.02)


def test_a_path_has_a_mean_power_of_one(python):
    channel = DynamicChannel(line_of_sight=False)
    one = np.ones(2, np.complex64)
    gains = run_block("fading", one, range(1, 5_000, 10), channel=channel, python=python)
    assert np.mean(np.abs(gains) ** 2) == pytest.approx(1, abs=0.15)


def test_paths_are_filtered_through_eight_taps(python):
    pulse = np.zeros(64, np.complex64)
    pulse[20] = 1
    taps = run_block("selective", pulse, [1, 2, 3], python=python)
    assert np.all(taps[:, :20] == 0)
    assert np.all(taps[:, 28:] == 0)
    assert np.all(np.abs(taps[:, 20:28]) > 0)


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_every_class_passes_the_channel(modulation, python):
    audio = SILENCE if modulation in ANALOG else None
    bits = None if modulation in ANALOG else 1_200
    request = PassRequest(modulation, 1, 2, snr_db=10.0, bits=bits, audio=audio, windows=None)
    made = make_passes(request, python=python)
    assert np.all(np.isfinite(made.iq))
    assert made.version.startswith("3.10")
    assert made.seconds > 0
