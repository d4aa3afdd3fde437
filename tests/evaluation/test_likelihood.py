"""The likelihood against integrals, theory and plain sums in double precision."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import norm

from hertzian.evaluation import EvaluationError
from hertzian.evaluation.likelihood import Received, log_likelihoods, over_noise, over_snr
from hertzian.signal import LINEAR, alphabet_of

SIX = ("BPSK", "QPSK", "8PSK", "4PAM", "16QAM", "64QAM")


def sent(name, windows, symbols, snr_db, seed=0):
    """Symbols of a modulation in noise, drawn by NumPy alone; complex128 [windows, symbols]."""
    random = np.random.default_rng([seed, sum(map(ord, name))])
    points = alphabet_of(name).points
    chosen = points[random.integers(len(points), size=(windows, symbols))]
    noise = random.normal(size=(2, windows, symbols)) * math.sqrt(10 ** (-snr_db / 10) / 2)
    return chosen + noise[0] + 1j * noise[1]


def received(z, snr_db, early=None):
    power = torch.full((len(z),), 10 ** (-snr_db / 10), dtype=torch.float64)
    half = None if early is None else torch.from_numpy(early.astype(np.complex64))
    return Received(torch.from_numpy(z.astype(np.complex64)), half, power)


def density(z, points, power):
    """p(z | modulation) of single symbols, [...]."""
    return np.exp(-(np.abs(z[..., None] - points) ** 2) / power).mean(axis=-1) / (np.pi * power)


@pytest.mark.parametrize("snr_db", [-4.0, 2.0, 8.0, 14.0])
def test_one_symbol_is_recognised_as_often_as_integration_says(snr_db):
    power = 10 ** (-snr_db / 10)
    side = np.linspace(-1.6 - 5 * math.sqrt(power), 1.6 + 5 * math.sqrt(power), 1501)
    plane = side[:, None] + 1j * side[None, :]
    largest = np.max([density(plane, alphabet_of(name).points, power) for name in SIX], axis=0)
    possible = largest.sum() * (side[1] - side[0]) ** 2 / len(SIX)

    windows = 150_000
    alphabets = [alphabet_of(name) for name in SIX]
    right = []
    for place, name in enumerate(SIX):
        found = log_likelihoods(received(sent(name, windows, 1, snr_db), snr_db), alphabets)
        right.append(float((found.argmax(dim=1) == place).double().mean()))
    # nine hundred thousand windows: a standard error of 0.05 points
    assert np.mean(right) == pytest.approx(possible, abs=0.002)


@pytest.mark.parametrize(
    ("pair", "snr_db"),
    [(("16QAM", "64QAM"), 8.0), (("QPSK", "8PSK"), 0.0), (("8PSK", "16QAM"), 4.0)],
)
def test_windows_of_64_symbols_are_told_apart_as_theory_says(pair, snr_db):
    """Wei and Mendel 2000, sec. III: of many symbols the log-likelihood ratio is normal."""
    power, count, many = 10 ** (-snr_db / 10), 64, 400_000
    theory = []
    for name, other in (pair, pair[::-1]):
        z = sent(name, 1, many, snr_db, seed=7)[0]
        ratio = np.log(density(z, alphabet_of(name).points, power))
        ratio -= np.log(density(z, alphabet_of(other).points, power))
        theory.append(norm.cdf(math.sqrt(count) * ratio.mean() / ratio.std()))
    alphabets = [alphabet_of(name) for name in pair]
    right = []
    for place, name in enumerate(pair):
        found = log_likelihoods(received(sent(name, 40_000, count, snr_db), snr_db), alphabets)
        right.append(float((found.argmax(dim=1) == place).double().mean()))
    # what is left of skewness in 64 symbols moves an error from one of the two to the other
    assert 0.6 < np.mean(theory) < 0.99
    assert np.mean(right) == pytest.approx(np.mean(theory), abs=0.006)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("snr_db", [-3.0, 15.0])
def test_every_alphabet_is_summed_as_its_definition_is(name, snr_db):
    alphabet, power = alphabet_of(name), 10 ** (-snr_db / 10)
    z, early = sent("QPSK", 3, 6, snr_db), sent("8PSK", 3, 6, snr_db)
    heard = early.real + 1j * z.imag if alphabet.offset else z

    def plainly(points):
        return np.log(density(heard, points, power) * np.pi * power) + np.abs(heard) ** 2 / power

    if alphabet.alternating:
        even, odd = (plainly(alphabet.points[first::2]) for first in (0, 1))
        turns = np.arange(6) % 2 == 0
        orders = [np.where(turns, *both).sum(axis=1) for both in ((even, odd), (odd, even))]
        wanted = np.logaddexp(*orders) - math.log(2)
    else:
        wanted = plainly(alphabet.points).sum(axis=1)
    found = log_likelihoods(received(z, snr_db, early), [alphabet])[:, 0]
    assert found.numpy() == pytest.approx(wanted, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("name", [*SIX, "PI4-DQPSK", "OQPSK", "4ASK"])
@pytest.mark.parametrize(("snr_db", "symbols"), [(-6.0, 32), (4.0, 32), (20.0, 400)])
def test_an_unknown_phase_is_averaged_over(name, snr_db, symbols):
    sender = "QPSK" if symbols < 100 else name
    z, early = (sent(sender, 2, symbols, snr_db, seed=seed) for seed in (1, 2))
    if name == "OQPSK" and symbols >= 100:
        # between two symbols lie their means; else turned by a quarter it would be as likely
        early, z = early.real + 0.5j * early.imag, 0.5 * z.real + 1j * z.imag
    z, early = z * np.exp(0.4j), early * np.exp(0.4j)
    alphabet = alphabet_of(name)
    found = log_likelihoods(received(z, snr_db, early), [alphabet], "no phase")[:, 0]
    steps = 6000
    turns = np.exp(-2j * np.pi * np.arange(steps) / steps)
    # of strangers a sharp likelihood may have several maxima, of which one is looked at closely
    for row in range(2):
        turned = z[row] * turns[:, None], early[row] * turns[:, None]
        each = log_likelihoods(received(turned[0], snr_db, turned[1]), [alphabet])[:, 0]
        wanted = float(torch.logsumexp(each, dim=0)) - math.log(steps)
        assert float(found[row]) == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("name", SIX)
@pytest.mark.parametrize("snr_db", [0.0, 12.0])
def test_an_unknown_phase_and_gain_are_those_of_the_largest_likelihood(name, snr_db):
    z = 0.8 * sent(name, 2, 64, snr_db) * np.exp(0.3j)
    alphabet, power = alphabet_of(name), 10 ** (-snr_db / 10)
    found = log_likelihoods(received(z, snr_db), [alphabet], "no phase and gain")[:, 0]

    def less(parameters, row):
        channel = parameters[0] + 1j * parameters[1]
        summed = np.log(density(z[row], channel * alphabet.points, power) * np.pi * power)
        return -np.sum(summed + np.abs(z[row]) ** 2 / power)

    for row in range(2):
        starts = itertools.product((0.6, 1.0), np.arange(24) * np.pi / 12)
        tried = [
            minimize(less, [gain * math.cos(turn), gain * math.sin(turn)], (row,), "Nelder-Mead")
            for gain, turn in starts
        ]
        largest = -min(one.fun for one in tried)
        # half of the deviation that any estimate has is an eighth of a unit
        assert largest - 0.3 < float(found[row]) < largest + 1e-3


def test_of_several_powers_of_the_noise_the_likelihood_is_the_mean():
    z, alphabets, powers = sent("16QAM", 4, 20, 6.0), [alphabet_of(n) for n in SIX], (0.1, 0.4, 2.0)
    found = over_noise(received(z, 6.0), alphabets, powers)
    for column, name in enumerate(SIX):
        each = [
            np.log(density(z, alphabet_of(name).points, power) * np.pi).sum(axis=1)
            for power in powers
        ]
        wanted = np.logaddexp.reduce(each) - math.log(len(powers))
        assert found[:, column].numpy() == pytest.approx(wanted, rel=1e-5, abs=1e-4)


def test_what_isnt_known_costs_accuracy():
    alphabets, right = [alphabet_of(name) for name in SIX], {}
    z = np.concatenate([sent(name, 400, 64, 2.0) for name in SIX])
    truth = torch.arange(6).repeat_interleave(400)
    for knowing in ("all", "no phase", "no phase and gain"):
        found = log_likelihoods(received(z, 2.0), alphabets, knowing)
        right[knowing] = float((found.argmax(dim=1) == truth).double().mean())
    assert 0.5 < right["no phase and gain"] < right["no phase"] < right["all"]


def test_a_high_snr_takes_no_more_time_than_another():
    z = sent("16QAM", 20, 64, 100.0) * np.exp(0.3j)
    alphabets = [alphabet_of(name) for name in ("QPSK", "16QAM", "64QAM", "PI4-DQPSK")]
    for knowing in ("no phase", "no phase and gain"):
        found = log_likelihoods(received(z, 100.0), alphabets, knowing)
        assert torch.isfinite(found).all()
        assert (found.argmax(dim=1) == 1).all()


def test_long_windows_are_summed_in_parts(monkeypatch):
    z = sent("PI4-DQPSK", 3, 501, 8.0)
    alphabets = [alphabet_of(name) for name in ("8PSK", "PI4-DQPSK", "64QAM")]
    whole = log_likelihoods(received(z, 8.0), alphabets)
    monkeypatch.setattr("hertzian.evaluation.likelihood._AT_ONCE", 100)
    parts = log_likelihoods(received(z, 8.0), alphabets)
    assert parts.numpy() == pytest.approx(whole.numpy(), rel=1e-8)


def test_a_gain_by_the_power_is_little_worse_than_the_mean_over_gains():
    alphabets, right = [alphabet_of(name) for name in SIX], np.zeros(2)
    ratios = 10 ** (np.arange(0, 21, 4) / 10)
    for snr_db in (4.0, 12.0):
        z = np.concatenate([sent(name, 150, 64, snr_db, seed=9) for name in SIX])
        truth = np.repeat(np.arange(6), 150)
        by_power = over_snr(received(z, snr_db), alphabets, ratios.tolist()).argmax(dim=1).numpy()
        power = np.sqrt(np.mean(np.abs(z) ** 2, axis=1, keepdims=True))
        found = []
        for ratio in ratios:
            for gain in np.exp(np.linspace(-0.2, 0.2, 9)):
                scaled = z / power * np.sqrt(1 + 1 / ratio) * gain
                told = received(scaled, 10 * np.log10(ratio))
                # the density of z itself, of which a gain is the scale
                shared = -np.sum(np.abs(scaled) ** 2, axis=1) * ratio + 64 * np.log(ratio * gain**2)
                shared += 64 * np.log1p(1 / ratio)
                found.append(log_likelihoods(told, alphabets).numpy() + shared[:, None])
        averaged = np.logaddexp.reduce(found).argmax(axis=1)
        right += [np.mean(by_power == truth), np.mean(averaged == truth)]
    assert right[1] / 2 - 0.012 < right[0] / 2 < right[1] / 2 + 0.012


def test_what_has_no_likelihood_is_refused():
    z = sent("QPSK", 2, 8, 5.0)
    with pytest.raises(EvaluationError, match="half a symbol late"):
        log_likelihoods(received(z, 5.0), [alphabet_of("OQPSK")])
    with pytest.raises(EvaluationError, match="finite"):
        received(z * np.nan, 5.0)
    with pytest.raises(EvaluationError, match="noise of some power"):
        Received(torch.from_numpy(z.astype(np.complex64)), None, torch.zeros(2))
