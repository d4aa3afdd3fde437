"""Our transmitters and channel against what GNU Radio 3.10 made, kept in tests/data/gnuradio.npz.

`python -m hertzian.experiments.peers.reference tests/data/gnuradio.npz` makes the file again.
Tolerances are standard errors of the reference, which is the smaller sample of the two.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from hertzian.datasets.rml2016 import CHANNEL, TRANSMITTERS
from hertzian.experiments.peers.gnuradio import ANALOG, MODULATIONS
from hertzian.experiments.peers.reference import (
    FADING_STEP,
    NOISE,
    START,
    TONE,
    TONE_SCALE,
    TONE_START,
    WALK_STEP,
    main,
)
from hertzian.waveforms.gnuradio import Broadcast

REFERENCE = Path(__file__).parents[2] / "data" / "gnuradio.npz"
NEW = dataclasses.replace(CHANNEL, rule="3.8")
SCATTERED = dataclasses.replace(NEW, rician_k=None, delays_samples=(0.0,), magnitudes=(1.0,))
DIGITAL = [name for name in MODULATIONS if name not in ANALOG]
PASSES = 20_000
ERRORS = 4.5
"""Standard errors that a comparison may be off: one of a hundred thousand is further off."""


@pytest.fixture(scope="module")
def reference():
    assert REFERENCE.stat().st_size <= 2_000_000
    with np.load(REFERENCE, allow_pickle=False) as arrays:
        return dict(arrays)


def complexes(planes, scale=1.0):
    return (planes[..., 0] + 1j * planes[..., 1].astype(np.float64)) * scale


def streams(reference, modulation):
    """Theirs complex [n], ours complex [20 windows, 8192] of streams of their own."""
    theirs = complexes(reference[modulation], float(reference[f"scale_{modulation}"]))
    first = torch.arange(START, START + 20 * 2500, 2500) % 20_000
    read = TRANSMITTERS[modulation].begin(20, torch.Generator().manual_seed(1))
    return theirs, read(torch.arange(20), first, 8192).numpy().astype(complex)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(channel, seed=0):
    return channel.draw(PASSES, 128, seeded(seed))


def taps_over_time(states, passes):
    """Complex [passes, 10 times, 8] at the times of the reference."""
    times = FADING_STEP * torch.arange(10)
    which = torch.arange(passes).repeat_interleave(10)
    return states.taps(which, times.repeat(passes)).numpy().reshape(passes, 10, -1)


def agree(theirs, ours, atol=0.0):
    """Compare means over the first axis, real parts and imaginary parts for themselves."""
    for part in (np.real, np.imag):
        a, b = part(theirs), part(ours)
        error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
        distance = np.abs(a.mean(axis=0) - b.mean(axis=0))
        assert np.all(distance <= ERRORS * error + atol)


def periodograms(x, size=64):
    """Of pieces that follow each other, real [pieces, size]."""
    pieces = x[..., : x.shape[-1] // size * size].reshape(-1, size)
    return np.abs(np.fft.fft(pieces * np.hanning(size), axis=1)) ** 2


# --- transmitters -------------------------------------------------------------------------------


@pytest.mark.parametrize("modulation", DIGITAL)
def test_power_spectra_agree(reference, modulation):
    theirs, ours = (periodograms(x) for x in streams(reference, modulation))
    mean = ours.mean(axis=0)
    band = mean > 1e-3 * mean.max()
    # pieces that follow each other share symbols, which raises the error of their mean a little
    error_db = 4.34 * 1.3 * theirs.std(axis=0) / theirs.mean(axis=0) / math.sqrt(len(theirs))
    distance_db = np.abs(10 * np.log10(theirs.mean(axis=0) / mean))
    assert 9 <= band.sum() <= 24
    assert error_db[band].max() < 0.6
    assert np.all(distance_db[band] < ERRORS * error_db[band])


@pytest.mark.parametrize("modulation", DIGITAL)
def test_power_agrees(reference, modulation):
    theirs, ours = streams(reference, modulation)
    pieces = np.abs(theirs).reshape(-1, 200) ** 2
    error = pieces.mean(axis=1).std() / math.sqrt(len(pieces))
    wanted = np.mean(np.abs(ours) ** 2)
    # GNU Radio's GFSK has an amplitude of 0.999
    assert pieces.mean() == pytest.approx(wanted, abs=ERRORS * error + 3e-3 * wanted)


def same_distribution(theirs, ours):
    """Kolmogorov and Smirnov's test at a level of 10^-4, of samples three symbols apart."""
    theirs, ours = theirs[::25], ours[:, ::25].ravel()
    return ks_2samp(np.round(theirs, 3), np.round(ours, 3)).pvalue > 1e-4


@pytest.mark.parametrize("modulation", DIGITAL)
def test_envelopes_are_of_one_distribution(reference, modulation):
    theirs, ours = (np.abs(x) for x in streams(reference, modulation))
    if modulation in ("GFSK", "CPFSK"):
        np.testing.assert_allclose(theirs, 1, atol=2e-3)
        np.testing.assert_allclose(ours, 1, atol=1e-5)
    else:
        assert same_distribution(theirs, ours)
        # the test sees a difference of a tenth
        assert not same_distribution(1.1 * theirs, ours)


@pytest.mark.parametrize("lag", [1, 4, 8])
@pytest.mark.parametrize("modulation", DIGITAL)
def test_phase_increments_are_of_one_distribution(reference, modulation, lag):
    theirs, ours = streams(reference, modulation)
    steps = [np.angle(x[..., lag:] * x[..., :-lag].conj()) for x in (theirs, ours)]
    assert same_distribution(*steps)


def audio(reference):
    return torch.from_numpy(reference["audio"].astype(np.float32) * np.float32(0.5 / 32_767))


def least_error_db(theirs, ours):
    """Of theirs [n] from a piece of ours [m], over the delays around the best whole one."""
    spectrum, frequency = np.fft.fft(ours), np.fft.fftfreq(len(ours))
    begun = np.concatenate([np.zeros(START), theirs, np.zeros(len(ours) - START - len(theirs))])
    likeness = np.fft.ifft(np.fft.fft(begun) * spectrum.conj()).real
    errors = []
    for delay in likeness.argmax() + np.arange(-2, 2, 0.1):
        moved = np.fft.ifft(spectrum * np.exp(-2j * np.pi * frequency * delay)).real
        errors.append(np.mean((theirs - moved[START : START + len(theirs)]) ** 2))
    return 10 * math.log10(min(errors) / np.mean(theirs**2))


def test_am_dsb_is_the_same_signal(reference):
    theirs = complexes(reference["AM-DSB"], float(reference["scale_AM-DSB"]))
    transmitter = Broadcast("AM-DSB", lambda passes, generator: audio(reference)[None])
    read = transmitter.begin(1, seeded())
    ours = read(torch.tensor([0]), torch.tensor([0]), transmitter.samples)[0].numpy()
    assert np.abs(theirs.imag).max() == np.abs(ours.imag).max() == 0
    assert least_error_db(theirs.real - 1, ours.real.astype(float) - 1) < -60


def test_wbfm_is_the_same_signal(reference):
    theirs = complexes(reference["WBFM"], float(reference["scale_WBFM"]))
    transmitter = Broadcast("WBFM", lambda passes, generator: audio(reference)[None])
    read = transmitter.begin(1, seeded())
    ours = read(torch.tensor([0]), torch.tensor([0]), transmitter.samples)[0].numpy()
    np.testing.assert_allclose(np.abs(theirs), 1, atol=1e-3)
    steps = [np.angle(x[1:] * x[:-1].conj()) for x in (theirs, ours.astype(complex))]
    # the ripple of the interpolator there is 0.1 dB: 1.2%, or -38 dB
    assert least_error_db(*steps) < -35


# --- walks --------------------------------------------------------------------------------------


def test_clock_and_carrier_walk_as_one(reference):
    # the interpolator reads at multiples of 1/128
    np.testing.assert_allclose(reference["shift"], reference["cycles"], atol=0.01)
    states = NEW.draw(3, 80_000, seeded())
    np.testing.assert_allclose(states.shift, states.cycles, atol=1e-12)


def bends(cycles):
    """How the walk, summed up over steps of `WALK_STEP`, bends: it is stationary and normal."""
    begun = np.concatenate([np.zeros((len(cycles), 1)), cycles], axis=1)
    return np.diff(begun, n=2, axis=1)


def our_cycles(passes):
    states = NEW.draw(passes, 80_000, seeded(3))
    return states.cycles[:, WALK_STEP // 64 :: WALK_STEP // 64][:, :40].numpy()


def test_the_walk_has_the_variance_of_its_steps(reference):
    theirs, ours = bends(reference["cycles"]), bends(our_cycles(2000))
    # the second difference of the sum of a walk over L samples: variance 2/3 s^2 L^3
    wanted = (0.01 / 200e3) ** 2 * 2 / 3 * WALK_STEP**3
    # neighbours are correlated by 1/4; the steps come from a pool, of which the variance is off too
    error = math.sqrt(2 * 1.125 / theirs.size) + 0.0011
    assert theirs.var() / wanted == pytest.approx(1, abs=ERRORS * error)
    assert ours.var() / wanted == pytest.approx(1, abs=ERRORS * math.sqrt(2 * 1.125 / ours.size))
    scale = math.sqrt(wanted)
    assert same_distribution((theirs / scale).ravel(), ours / scale)


def test_the_walk_begins_at_zero_and_goes_as_far(reference):
    theirs, ours = reference["cycles"], our_cycles(2000)
    times = WALK_STEP * np.arange(1, 41)
    wanted = (0.01 / 200e3) ** 2 * times**3 / 3.0
    error = math.sqrt(2 / len(theirs))
    np.testing.assert_allclose(theirs.var(axis=0) / wanted, 1, atol=ERRORS * error)
    # both are sums of walks that begin at zero; ours is drawn on a grid of 64
    np.testing.assert_allclose(ours.var(axis=0) / wanted, 1, atol=ERRORS * math.sqrt(2 / 2000))


# --- fader of 3.8 -------------------------------------------------------------------------------


def test_a_path_has_the_power_and_the_distribution_of_the_block(reference):
    theirs = complexes(reference["gains"].astype(np.float64))
    ours = taps_over_time(drawn(SCATTERED), 4000)[..., 0]
    agree((np.abs(theirs) ** 2).mean(axis=1), (np.abs(ours) ** 2).mean(axis=1))
    agree(theirs[:, 0].real ** 2, ours[:, 0].real ** 2)
    agree(theirs[:, 0].imag ** 2, ours[:, 0].imag ** 2)
    assert ks_2samp(np.abs(theirs[:, 0]), np.abs(ours[:, 0])).pvalue > 1e-4


def test_the_line_of_sight_is_as_strong_as_in_the_block(reference):
    theirs = np.abs(complexes(reference["sight"].astype(np.float64)))
    first = dataclasses.replace(NEW, delays_samples=(0.0,), magnitudes=(1.0,))
    ours = np.abs(taps_over_time(drawn(first), PASSES)[:, 0, 0].astype(complex))
    agree(theirs**2, ours**2)
    # of N sinusoids beside a line K times as strong, E|H|^4 = 1 + (1 + 2 K - 1 / (2 N)) / (K + 1)^2
    wanted = 1 + (9 - 1 / 16) / 25
    for gains in (theirs, ours):
        fourth = gains**4
        error = fourth.std() / math.sqrt(len(fourth))
        assert fourth.mean() == pytest.approx(wanted, abs=ERRORS * error)
    assert ks_2samp(theirs, ours).pvalue > 1e-4


def lagged(taps):
    """Mean over time of h(t + lag) h*(t) summed over taps, complex [passes, lags]."""
    return np.stack(
        [
            (taps[:, lag:] * taps[:, : 10 - lag].conj()).sum(axis=-1).mean(axis=1)
            for lag in range(1, 10)
        ],
        axis=1,
    )


def test_a_path_forgets_as_the_block_does(reference):
    theirs = complexes(reference["gains"].astype(np.float64))[..., None]
    ours = taps_over_time(drawn(SCATTERED), 4000)
    agree(lagged(theirs), lagged(ours))
    # from I to I alone, and from Q to Q
    for part in (np.real, np.imag):
        agree(lagged(part(theirs)), lagged(part(ours)))


def test_the_delay_line_has_the_powers_of_the_block(reference):
    theirs = complexes(reference["taps"].astype(np.float64))
    ours = taps_over_time(drawn(NEW), 4000)
    # the sine of the block is a table: a tap is off by up to 0.004
    agree((np.abs(theirs) ** 2).mean(axis=1), (np.abs(ours) ** 2).mean(axis=1), atol=1e-3)
    gains = [np.abs(taps.sum(axis=-1)) ** 2 for taps in (theirs, ours)]
    agree(gains[0].mean(axis=1), gains[1].mean(axis=1))
    assert ks_2samp(gains[0][:, 0], gains[1][:, 0]).pvalue > 1e-4


def test_the_taps_are_correlated_as_those_of_the_block(reference):
    theirs = complexes(reference["taps"].astype(np.float64))
    ours = taps_over_time(drawn(NEW), 4000)
    products = [
        np.einsum("ptj,ptk->pjk", taps, taps.conj()) / taps.shape[1] for taps in (theirs, ours)
    ]
    agree(*products, atol=4e-3)
    agree(lagged(theirs), lagged(ours))


# --- fader of 3.7, which that GNU Radio no longer has --------------------------------------------


def test_the_delay_line_of_the_old_rule_has_its_closed_form():
    taps = taps_over_time(drawn(CHANNEL), 4000)
    # the factor 2/N on N - 1 sinusoids: 7/4 for a path, in the first beside four parts of sight
    powers = np.array([(7 / 4 + 4) / 5, 7 / 4, 7 / 4]) * np.array([1.0, 0.8, 0.3]) ** 2
    responses = np.sinc(2 * (np.arange(8) - np.array([[0.0], [0.9], [1.7]])))
    wanted = np.einsum("i,ij,ik->jk", powers, responses, responses)
    products = np.einsum("ptj,ptk->pjk", taps, taps.conj()) / taps.shape[1]
    error = products.real.std(axis=0) / math.sqrt(4000)
    assert np.all(np.abs(products.real.mean(axis=0) - wanted) <= ERRORS * error + 1e-6)
    assert np.all(np.abs(products.imag.mean(axis=0)) <= ERRORS * error + 1e-6)


def test_a_path_of_the_old_rule_forgets_faster_in_q():
    old = dataclasses.replace(SCATTERED, rule="3.7")
    taps = taps_over_time(drawn(old), 4000)
    theta = np.linspace(-np.pi, np.pi, 20_001)
    arrivals = (2 * np.pi * np.arange(1, 8)[:, None] - np.pi + theta) / 32
    lags = 2 * np.pi / 200e3 * FADING_STEP * np.arange(1, 10)[:, None, None]
    for part, projected in ((np.real, np.cos), (np.imag, np.sin)):
        found = lagged(part(taps))
        wanted = np.cos(lags * projected(arrivals)).mean(axis=2).sum(axis=1) / 8
        error = found.std(axis=0) / math.sqrt(len(found))
        assert np.all(np.abs(found.mean(axis=0) - wanted) <= ERRORS * error)


# --- the whole channel ----------------------------------------------------------------------------


def test_the_whole_channel_receives_a_tone_alike(reference):
    theirs = complexes(reference["clean"], TONE_SCALE)
    passes = 4000
    states = NEW.draw(passes, 80_000, seeded(5))
    which, first = torch.arange(passes), torch.full((passes,), TONE_START)
    where = states.first_needed(which, first, 64)
    times = where[:, None].double() + torch.arange(64 + NEW.margin)
    sent = torch.exp(2j * math.pi * TONE * times).to(torch.complex64)
    ours = states.receive(sent, which, first).numpy().astype(complex)
    agree((np.abs(theirs) ** 2).mean(axis=1), (np.abs(ours) ** 2).mean(axis=1))
    # the clock adds a tenth of what the carrier adds, since both walk as one; in a window, ours
    # stands still, which turns 128 samples of this tone by less than a thousandth of a turn
    walk = 0.01 / 200e3 * math.sqrt(TONE_START)
    for received, wanted in ((theirs, 1.1 * walk), (ours, walk)):
        turn = np.angle(np.sum(received[:, 1:] * received[:, :-1].conj(), axis=1))
        spread = np.std(turn / (2 * math.pi) - TONE)
        assert spread / wanted == pytest.approx(1, abs=ERRORS * math.sqrt(0.5 / len(turn)))


def test_the_noise_has_the_square_of_its_amplitude_as_variance_and_is_white(reference):
    noise = (complexes(reference["noisy"]) - complexes(reference["clean"])) * TONE_SCALE
    # pools of 8192 samples give each seed's variance to 1.1%
    error = math.sqrt(1 / noise.size + 0.011**2 / len(noise))
    assert np.mean(np.abs(noise) ** 2) / NOISE**2 == pytest.approx(1, abs=ERRORS * error)
    for lag in range(1, 8):
        product = np.mean(noise[:, lag:] * noise[:, :-lag].conj()) / NOISE**2
        assert abs(product) < ERRORS / math.sqrt(noise.size)


def test_the_script_wants_one_file(capsys):
    assert main([]) == 2
    assert "OUT.npz" in capsys.readouterr().err
