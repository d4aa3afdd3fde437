import numpy as np
import pytest
import torch

from hertzian.signal import constellation, occupied_bandwidth
from hertzian.waveforms import WaveformError, make
from hertzian.waveforms.gnuradio import (
    AUDIO_SAMPLES,
    Broadcast,
    MostlySilent,
    PhaseModulated,
    Shaped,
    _filter_of,
    _shaped,
    spoken,
)
from hertzian.waveforms.pulses import root_raised_cosine

LINEAR = {"BPSK": 1.0, "QPSK": 1.0, "8PSK": 1.0, "4PAM": 5, "16QAM": 10, "64QAM": 42}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def read(transmitter, first, length, passes=1, seed=0):
    which = torch.zeros(len(first), dtype=torch.int64)
    return transmitter.begin(passes, seeded(seed))(which, torch.tensor(first), length).numpy()


def matched(x, first):
    """Symbols whose pulses lie wholly in x, which begins at a sample of the stream."""
    t = np.arange(-352, 353) / 8
    filtered = np.convolve(x, root_raised_cosine(t, 0.35) / 8, mode="valid")
    # a symbol's peak falls on samples 352 + 8 k of the stream
    begin = -(first + 352) % 8
    return filtered[begin::8]


@pytest.mark.parametrize("label", LINEAR)
@pytest.mark.parametrize("first", [0, 4003])
def test_a_matched_filter_finds_the_alphabet(label, first):
    power = LINEAR[label]
    x = read(Shaped(label, 5000, power**0.5), [first + 704], 16_000)[0]
    symbols = matched(x, first + 704)
    points = constellation(label) * power**0.5
    distance = np.abs(symbols[:, None] - points).min(axis=1)
    assert distance.max() < 0.02 * power**0.5
    assert np.mean(np.abs(symbols) ** 2) == pytest.approx(power, rel=0.06)
    kurtosis = np.mean(np.abs(symbols) ** 4) / np.mean(np.abs(symbols) ** 2) ** 2
    wanted = np.mean(np.abs(points) ** 4) / np.mean(np.abs(points) ** 2) ** 2
    assert kurtosis == pytest.approx(wanted, abs=0.05)
    used = np.unique(np.abs(symbols[:, None] - points).argmin(axis=1))
    assert len(used) == len(points)


@pytest.mark.parametrize("label", LINEAR)
def test_the_symbol_rate_is_an_eighth(label):
    x = read(Shaped(label, 10_000), [1000], 65_536)[0]
    spectrum = np.abs(np.fft.rfft(np.abs(x) ** 2 * np.hanning(65_536)))
    assert (4000 + spectrum[4000:].argmax()) / 65_536 == pytest.approx(1 / 8, abs=1e-4)


def bandwidth(transmitter):
    """The measured 99% bandwidth, in cycles per sample."""
    x = read(transmitter, list(range(1000, 400_000, 2048)), 2048)
    psd = np.mean(np.abs(np.fft.fftshift(np.fft.fft(x * np.hanning(2048)), axes=1)) ** 2, axis=0)
    lower, upper = occupied_bandwidth(psd, np.arange(-1024, 1024) / 2048)
    return upper - lower


@pytest.mark.parametrize("label", LINEAR)
def test_the_occupied_bandwidth_is_that_of_the_root_raised_cosine(label):
    f = np.linspace(-0.675, 0.675, 20_001)
    beyond = np.clip((np.abs(f) - 0.325) / 0.35, 0, 1)
    lower, upper = occupied_bandwidth(0.5 + 0.5 * np.cos(np.pi * beyond), f)
    assert bandwidth(Shaped(label, 100_000)) == pytest.approx((upper - lower) / 8, rel=0.01)


@pytest.mark.parametrize(
    ("label", "parameters"),
    [
        ("CPFSK", {"modulation_index": 0.5}),
        # 0.1 rad per sample through a Gaussian of BT 0.35
        ("GFSK", {"modulation_index": 0.1 * 8 / np.pi, "bt": 0.35}),
    ],
)
def test_the_occupied_bandwidth_of_keyed_frequency_is_that_of_its_autocorrelation(
    label, parameters
):
    closed = make(label, samples_per_symbol=8, **parameters).occupied_bandwidth
    assert bandwidth(PhaseModulated(label, 100_000)) == pytest.approx(closed, rel=0.03)


def test_the_bandwidth_of_speech_is_twice_its_own_in_am_and_within_carsons_in_fm():
    voice = Broadcast("AM-DSB", spoken)
    x = read(voice, [0], voice.samples)[0]
    psd = np.abs(np.fft.fftshift(np.fft.fft((x - x.mean()) * np.hanning(len(x))))) ** 2
    lower, upper = occupied_bandwidth(psd, np.fft.fftshift(np.fft.fftfreq(len(x))))
    assert upper - lower < 2 * 3400 / 200e3
    wide = Broadcast("WBFM", spoken)
    x = read(wide, [0], wide.samples)[0]
    psd = np.abs(np.fft.fftshift(np.fft.fft(x * np.hanning(len(x))))) ** 2
    lower, upper = occupied_bandwidth(psd, np.fft.fftshift(np.fft.fftfreq(len(x))))
    # Carson: twice the deviation of the peak 0.5, and twice 3.4 kHz
    assert 0.02 < upper - lower < 2 * (0.5 * 75e3 + 3400) / 220.5e3


def test_a_pass_begins_with_the_empty_filter():
    x = read(Shaped("QPSK", 100), [0], 800)[0]
    assert np.abs(x[:250]).max() < 0.01
    assert np.mean(np.abs(x[352:]) ** 2) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("kind", ["rrc", "GFSK", "CPFSK"])
@pytest.mark.parametrize("count", [21, 64, 65, 500])
def test_folding_a_stream_changes_nothing(kind, count):
    taps = _filter_of(kind)
    symbols = torch.randn(2, count + len(taps) - 1, generator=seeded())
    shaped = _shaped(symbols, kind).numpy()
    # the filter by direct convolution of the symbols with zeros between them
    spaced = np.zeros((2, symbols.shape[1] * 8))
    spaced[:, ::8] = symbols.numpy()
    for row, wanted in zip(spaced, shaped, strict=True):
        direct = np.convolve(row, taps.ravel())[(len(taps) - 1) * 8 :][: count * 8]
        np.testing.assert_allclose(wanted, direct, atol=1e-4)


def test_cpfsk_turns_a_quarter_of_a_turn_per_symbol_on_a_lattice():
    x = read(PhaseModulated("CPFSK", 10_000), [8003, 16_006, 24_000], 800)
    np.testing.assert_allclose(np.abs(x), 1, atol=1e-5)
    steps = np.angle(x[:, 1:] / x[:, :-1])
    np.testing.assert_allclose(np.abs(steps), np.pi / 16, atol=1e-4)
    # with the present sample included, a symbol ends on a multiple of a quarter turn
    for row, first in zip(x, (8003, 16_006, 24_000), strict=True):
        ends = np.angle(row[7 - first % 8 :: 8]) / (np.pi / 2)
        np.testing.assert_allclose(ends, np.round(ends), atol=1e-3)


def test_gfsk_deviates_by_a_tenth_of_a_radian_through_a_gaussian():
    x = read(PhaseModulated("GFSK", 10_000), [8000], 40_000)[0]
    steps = np.angle(x[1:] / x[:-1])
    assert np.abs(steps).max() == pytest.approx(0.1, rel=1e-3)
    # between opposite symbols the frequency passes through zero, within about 1 / BT of a symbol
    assert 0.15 < np.mean(np.abs(steps) < 0.08) < 0.5


def test_fm_turns_by_the_audio_and_am_adds_it_to_a_carrier():
    tone = 0.5 * torch.sin(2 * torch.pi * 441 * torch.arange(AUDIO_SAMPLES) / 44_100)
    fm = read(Broadcast("WBFM", lambda passes, generator: tone[None]), [5000], 10_000)[0]
    steps = np.angle(fm[1:] / fm[:-1])
    # 2 pi 75 kHz / 220.5 kHz of the peak 0.5
    assert steps.max() == pytest.approx(2.137 * 0.5, rel=1e-3)
    am = read(Broadcast("AM-DSB", lambda passes, generator: tone[None]), [5000], 10_000)[0]
    assert am.real.max() == pytest.approx(1.5, abs=1e-2)
    assert am.real.min() == pytest.approx(0.5, abs=1e-2)
    assert np.abs(am.imag).max() == 0


def test_single_sideband_has_no_lower_side_and_no_carrier():
    transmitter = Broadcast("AM-SSB", spoken)
    x = read(transmitter, [0], transmitter.samples)[0]
    power = np.abs(np.fft.fft(x)) ** 2
    half = len(power) // 2
    assert power[half:].sum() < 1e-6 * power.sum()
    assert power[0] < 1e-6 * power.sum()


def test_the_published_sideband_is_silence():
    assert not read(Broadcast("silence", spoken), [100], 128).any()


def _phase_of_windows(transmitter, places):
    """Return (largest swing of the phase, mean phase) of windows of one pass."""
    phase = np.unwrap(np.angle(read(transmitter, [0], transmitter.samples)[0]))
    windows = phase[places[:, None] + np.arange(128)]
    return np.ptp(windows, axis=1), windows.mean(axis=1)


def test_six_in_ten_windows_of_wbfm_are_a_bare_carrier_of_one_phase():
    transmitter = Broadcast("WBFM", MostlySilent(0.63, 0))
    swing, phase = _phase_of_windows(transmitter, np.arange(50, transmitter.samples - 128, 37))
    silent = swing < 0.02
    assert 0.57 < silent.mean() < 0.63
    assert np.abs(phase[silent]).max() < 0.02
    # and what is no silence is plainly frequency modulation
    assert np.median(swing[~silent]) > 0.5


def test_the_same_sounds_hardly_show_in_am():
    x = read(Broadcast("AM-DSB", MostlySilent(0.63, 0)), [0], 40_000)[0]
    assert np.abs(np.abs(x) - 1).max() < 0.03
    assert np.abs(np.angle(x)).max() < 1e-6


def test_near_silence_is_one_recording_that_begins_silent():
    voice = MostlySilent(0.63, 0)(3, seeded())
    assert voice.shape == (1, AUDIO_SAMPLES)
    assert not voice[0, :20].any()
    assert torch.equal(voice, MostlySilent(0.63, 0)(1, seeded(5)))
    assert not torch.equal(voice, MostlySilent(0.63, 1)(1, seeded()))


def test_passes_have_voices_of_their_own():
    transmitter = Broadcast("AM-DSB", spoken)
    reader = transmitter.begin(2, seeded())
    a, b = reader(torch.tensor([0, 1]), torch.tensor([9000, 9000]), 1000)
    assert not torch.equal(a, b)


def test_unknown_labels_are_refused():
    with pytest.raises(WaveformError, match="constant envelopes"):
        PhaseModulated("QPSK", 10).begin(1, seeded())
    with pytest.raises(WaveformError, match="broadcasts are"):
        Broadcast("FM2", spoken).begin(1, seeded())
