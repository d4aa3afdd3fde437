import numpy as np
import pytest
from tests.waveforms.measures import array, bandwidth, frequency

from hertzian.waveforms import FMCW, LinearChirp, PulsedCarrier, WaveformError


def starts(x):
    on = np.abs(x) > 0.5
    return np.flatnonzero(on[1:] & ~on[:-1]) + 1


def test_pulses_last_and_repeat_as_they_should():
    x = array(PulsedCarrier("PCW", 50.0, 400.0), 4, 20000)
    assert np.abs(x).mean() == pytest.approx(50 / 400, abs=0.005)
    for example in x:
        begins = starts(example)
        np.testing.assert_allclose(np.diff(begins), 400, atol=1)
        inside = example[begins[1] + 3 : begins[1] + 47]
        np.testing.assert_allclose(inside, 1.0, atol=1e-6)
    first = [starts(example)[0] for example in array(PulsedCarrier("PCW", 50.0, 400.0), 200, 1000)]
    assert min(first) < 20
    assert max(first) > 380


def test_a_fractional_repetition_does_not_drift():
    begins = starts(array(PulsedCarrier("PCW", 10.0, 100.25, rise_samples=0.0), 1, 100000)[0])
    slope = np.polyfit(np.arange(begins.size), begins, 1)[0]
    assert slope == pytest.approx(100.25, abs=1e-3)


def test_jitter_moves_each_pulse_by_its_own_share():
    jitter = 60.0
    x = array(PulsedCarrier("PCW", 20.0, 400.0, jitter, rise_samples=0.0), 1, 400000)[0]
    begins = starts(x)
    assert begins.size == pytest.approx(1000, abs=2)
    residual = begins - np.polyval(
        np.polyfit(np.arange(begins.size), begins, 1), np.arange(begins.size)
    )
    assert residual.std() == pytest.approx(jitter / np.sqrt(3), rel=0.1)
    assert np.abs(residual).max() < jitter + 6
    lasts = np.add.reduceat(np.abs(x), begins)[:-1]
    np.testing.assert_allclose(lasts, 20, atol=1)


@pytest.mark.parametrize("jitter", [0.0, 30.0])
def test_a_window_shorter_than_the_repetition_holds_a_pulse(jitter):
    x = array(PulsedCarrier("PCW", 40.0, 1e5, jitter, rise_samples=0.0), 100, 1024)
    on = (np.abs(x) > 0.5).sum(axis=1)
    assert on.min() >= 10 if jitter else on.min() >= 39
    assert on.max() <= 41


def test_a_window_within_a_pulse_is_all_on():
    x = array(PulsedCarrier("PCW", 5000.0, 1e5), 50, 100)
    assert np.abs(x).mean() > 0.9


@pytest.mark.parametrize("rise", [0.0, 4.0, 20.0])
def test_the_bandwidth_of_pulses_is_the_stated_one(rise):
    waveform = PulsedCarrier("PCW", 40.0, 300.0, rise_samples=rise)
    # the lines of the repetition are 1/300 apart
    assert bandwidth(array(waveform, 8, 65536), 256) == pytest.approx(
        waveform.occupied_bandwidth, rel=0.1
    )


@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_phase_of_a_sweep_is_a_parabola(direction):
    wide, lasts = 0.4, 2000.0
    x = array(LinearChirp("LFM", wide, lasts, direction=direction), 2, 8000)
    np.testing.assert_allclose(np.abs(x), 1.0, atol=1e-5)
    for example in x:
        f = frequency(example)
        jumps = np.flatnonzero(np.abs(np.diff(f)) > 0.1)
        begin = jumps[0] + 3
        phase = np.unwrap(np.angle(example[begin : begin + 1990])) / (2 * np.pi)
        square, _, _ = np.polyfit(np.arange(phase.size), phase, 2)
        sign = 1 if direction == "up" else -1
        assert 2 * square == pytest.approx(sign * wide / lasts, rel=1e-3)
        assert f.min() == pytest.approx(-wide / 2, abs=2e-3)
        assert f.max() == pytest.approx(wide / 2, abs=2e-3)


def test_pulsed_sweeps_pause():
    x = array(LinearChirp("LFM", 0.3, 500.0, 2000.0), 4, 40000)
    np.testing.assert_allclose(np.mean(np.abs(x) ** 2, axis=1), 0.25, atol=0.02)
    for example in x:
        np.testing.assert_allclose(np.diff(starts(example)), 2000, atol=1)


@pytest.mark.parametrize("pause", [0.0, 0.5, 20.0])
@pytest.mark.parametrize(("wide", "lasts"), [(0.5, 1000.0), (0.1, 300.0), (0.8, 5000.0)])
def test_the_bandwidth_of_sweeps_is_the_stated_one(wide, lasts, pause):
    waveform = LinearChirp("LFM", wide, lasts, (1 + pause) * lasts)
    measured = bandwidth(array(waveform, 4, 400000), 16384)
    assert measured == pytest.approx(waveform.occupied_bandwidth, rel=0.05)


def test_long_sweeps_fill_their_band():
    assert LinearChirp("LFM", 0.5, 20000.0).occupied_bandwidth == pytest.approx(0.5, rel=0.02)


def test_short_windows_of_endless_sweeps_see_the_flyback_too():
    x = array(LinearChirp("LFM", 0.5, 1000.0), 300, 500)
    jumps = (np.abs(np.diff(frequency(x), axis=1)) > 0.3).any(axis=1)
    assert jumps.mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("wide", "period"), [(0.4, 1000.0), (0.05, 333.3), (0.9, 5000.0)])
def test_a_triangular_sweep_rises_and_falls_at_a_constant_rate(wide, period):
    x = array(FMCW("FMCW", wide, period), 4, int(3 * period))
    np.testing.assert_allclose(np.abs(x), 1.0, atol=1e-6)
    slope = wide / (period / 2)
    for example in x:
        f = frequency(example)
        # the frequency between two samples is that of their middle, but for the turning points
        steps = np.diff(f)
        on_a_flank = np.abs(np.abs(steps) - slope) < 2e-6
        assert on_a_flank.mean() > 1 - 2 * 6 / period - 0.001
        assert (steps > 0).mean() == pytest.approx(0.5, abs=0.01)
        assert f.min() == pytest.approx(-wide / 2, abs=1.1 * slope)
        assert f.max() == pytest.approx(wide / 2, abs=1.1 * slope)
        assert np.abs(steps).max() < slope + 2e-6
        turns = np.flatnonzero(np.diff(np.sign(steps[on_a_flank])))
        np.testing.assert_allclose(np.diff(turns), period / 2, atol=4)


def test_a_sawtooth_rises_for_the_whole_period_and_flies_back_with_its_phase():
    wide, period = 0.4, 1000.0
    x = array(FMCW("FMCW", wide, period, "sawtooth"), 2, 3000)
    np.testing.assert_allclose(np.abs(x), 1.0, atol=1e-6)
    for example in x:
        f = frequency(example)
        back = np.flatnonzero(np.abs(np.diff(f) - wide / period) > 2e-6)
        # at the flyback both ends of the band share a step: nothing jumps but the frequency
        assert all((back % 1000 - back[0] % 1000) <= 1)
        assert back.size <= 6
        assert np.abs(f).max() <= wide / 2 + 1e-5


def test_windows_begin_anywhere_in_the_sweep():
    f = frequency(array(FMCW("FMCW", 0.5, 1e5), 400, 3))[:, 0]
    assert np.quantile(f, [0.05, 0.25, 0.5, 0.75, 0.95]) == pytest.approx(
        [-0.225, -0.125, 0.0, 0.125, 0.225], abs=0.05
    )


@pytest.mark.parametrize("shape", ["triangle", "sawtooth"])
@pytest.mark.parametrize(("wide", "period"), [(0.5, 1000.0), (0.1, 300.0), (0.8, 5000.0)])
def test_the_bandwidth_of_continuous_sweeps_is_the_stated_one(shape, wide, period):
    waveform = FMCW("FMCW", wide, period, shape)
    measured = bandwidth(array(waveform, 4, 400000), 16384)
    assert measured == pytest.approx(waveform.occupied_bandwidth, rel=0.03)


@pytest.mark.parametrize("shape", ["triangle", "sawtooth"])
@pytest.mark.parametrize("period", [2e5, 1e9])
def test_long_continuous_sweeps_fill_their_band(shape, period):
    stated = FMCW("FMCW", 0.5, period, shape).occupied_bandwidth
    assert stated == pytest.approx(0.99 * 0.5, rel=0.003)


def test_the_lines_of_a_triangular_sweep_are_those_of_its_series():
    # exact Fourier series of 16 periods of 100 samples: the 99% band to within a line
    wide, period = 0.2, 100.0
    lines = np.abs(np.fft.fft(array(FMCW("FMCW", wide, period), 1, 1600)[0])) ** 2
    assert lines[::16].sum() == pytest.approx(lines.sum(), rel=1e-6)
    near = np.abs(np.fft.fftfreq(100)) <= FMCW("FMCW", wide, period).occupied_bandwidth / 2 + 0.005
    assert 0.985 < lines[::16][near].sum() / lines.sum() < 0.998


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PulsedCarrier(pulse_samples=0.5), "at least one sample"),
        (lambda: PulsedCarrier(rise_samples=200.0), "edge"),
        (lambda: PulsedCarrier(jitter_samples=-1.0), "jitter"),
        (lambda: PulsedCarrier(repetition_samples=101.0), "take 102.0 of 101.0"),
        (lambda: LinearChirp(bandwidth=1.5), "bandwidth"),
        (lambda: LinearChirp(pulse_samples=1.0), "2 samples"),
        (lambda: LinearChirp(repetition_samples=10.0), "cannot repeat"),
        (lambda: LinearChirp(direction="left"), "up or down"),
        (lambda: FMCW(bandwidth=0.0), "bandwidth"),
        (lambda: FMCW(period_samples=3.0), "4 samples"),
        (lambda: FMCW(shape="sine"), "triangle or sawtooth, not 'sine'"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(WaveformError, match=words):
        make()
