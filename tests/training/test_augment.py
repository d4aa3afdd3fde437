import numpy as np
import pytest
import torch

from hertzian.training import augment


def _run(x, **options):
    return augment(x, torch.Generator().manual_seed(3), **options)


def _tone(frequency, batch=64, samples=1024):
    angle = 2 * torch.pi * frequency * torch.arange(samples)
    return torch.stack([angle.cos(), angle.sin()]).repeat(batch, 1, 1)


def _as_complex(x):
    return x[:, 0].numpy() + 1j * x[:, 1].numpy()


def test_a_tone_stays_a_tone_of_another_phase_offset_and_gain():
    y = _as_complex(_run(_tone(0.1), largest_offset_cycles_per_sample=0.005, conjugate=False))
    steps = y[:, 1:] / y[:, :-1]
    assert np.abs(steps - steps.mean(1, keepdims=True)).max() < 1e-4  # one frequency, one gain
    offsets = np.angle(steps.mean(1)) / (2 * np.pi) - 0.1
    assert 0.004 < np.abs(offsets).max() <= 0.005
    gains_db = 20 * np.log10(np.abs(y[:, 0]))
    assert 15 < np.abs(gains_db).max() <= 20
    assert np.abs(np.exp(1j * np.angle(y[:, 0])).mean()) < 0.3  # phases go all round


def test_conjugation_mirrors_about_half_of_the_spectra():
    y = _as_complex(_run(_tone(0.1), largest_offset_cycles_per_sample=0.0))
    frequencies = np.angle((y[:, 1:] * y[:, :-1].conj()).mean(1)) / (2 * np.pi)
    assert np.abs(frequencies) == pytest.approx(0.1, abs=1e-4)
    assert 0.3 < (frequencies < 0).mean() < 0.7


def test_zeros_stay_zeros_and_draws_come_from_the_generator():
    x = torch.randn(4, 2, 32, generator=torch.Generator().manual_seed(0))
    x[..., 20:] = 0
    y = _run(x)
    assert torch.equal(y[..., 20:], x[..., 20:])
    assert torch.equal(y, _run(x))
