import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from hertzian.datasets.possible import KINDS, LENGTHS, SymbolSource
from hertzian.datasets.presets import PRESETS
from hertzian.datasets.randomness import generator
from hertzian.signal import constellation


def sent(kind, count=200, symbols=64, snr_db=10.0, **impairment):
    source = replace(SymbolSource(symbols), **impairment)
    return source.parts(kind, snr_db, count, generator(5))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.modulation)
def test_samples_are_symbols_of_the_alphabet_in_noise_of_known_power(kind):
    parts = sent(kind, 256, 256, snr_db=6.0)
    points = constellation(kind.modulation)
    apart = np.abs(parts.signal.numpy()[..., None] - points)
    assert apart.min(axis=-1).max() < 1e-5
    counts = np.bincount(apart.argmin(axis=-1).ravel(), minlength=len(points))
    expected = counts.sum() / len(points)
    assert np.abs(counts - expected).max() < 5 * math.sqrt(expected)
    assert float(parts.noise.abs().square().mean()) == pytest.approx(10**-0.6, rel=0.02)
    lagged = (parts.noise[:, 1:] * parts.noise[:, :-1].conj()).mean()
    assert abs(complex(lagged)) < 0.005


def test_there_is_a_set_for_each_number_of_symbols():
    for symbols in LENGTHS:
        preset = PRESETS[f"possible-6-{symbols}"]
        cell = preset.maker.cell(1, KINDS[1], 20.0, 3)
        assert cell.x.shape == (3, 2, symbols) == (3, 2, preset.samples)
        assert (cell.symbol_rate == 1).all()


def test_phase_and_carrier_turn_symbols():
    turned = sent(KINDS[0], phase=0.5).signal
    around = turned[:, 0].angle() * 2
    assert abs(complex(torch.polar(torch.ones(200), around).mean())) < 0.2
    assert float((turned.square() / turned[:, :1].square() - 1).abs().max()) < 1e-4
    carried = sent(KINDS[0], carrier=1e-3).signal
    rate = (carried[:, 1:] * carried[:, :-1].conj()).square().angle() / (4 * math.pi)
    assert float(rate.std(dim=1).max()) < 1e-5
    assert 0.8e-3 < float(rate.abs().max()) <= 1.001e-3


def test_timing_mixes_neighbours_as_a_raised_cosine_does():
    # at half a symbol and alternate signs neighbours cancel; here the mean power tells
    late = sent(KINDS[1], 256, 256, timing=0.5).signal
    tau = np.linspace(-0.5, 0.5, 401)[:, None] + np.arange(-40, 41)
    a = 0.35
    pulse = np.sinc(tau) * np.cos(np.pi * a * tau) / (1 - (2 * a * tau) ** 2)
    wanted = (pulse**2).sum(axis=1).mean()
    assert float(late.abs().square().mean()) == pytest.approx(wanted, rel=0.02)


def test_a_wrong_rate_drifts_through_the_symbols():
    drifting = sent(KINDS[0], 256, 1024, rate=1e-3).signal
    eye = drifting.real.abs().std(dim=0)
    # half a symbol off after 500 symbols, a whole one after 1000
    assert float(eye[:20].mean()) < 0.05 < 0.3 < float(eye[480:520].mean())
    assert float(eye[990:1010].mean()) < 0.1


def test_fading_changes_the_power_alone():
    faded = sent(KINDS[0], 256, 64, fading=1.0).signal
    power = faded.abs().square()
    assert float(faded.imag.abs().max()) < 1e-5
    assert float(power.mean()) == pytest.approx(1, abs=0.1)
    # K = 1: the power of a Rice channel has a variance of (1 + 2 K) / (1 + K)^2
    assert float(power[:, 0].var()) == pytest.approx(0.75, abs=0.25)
