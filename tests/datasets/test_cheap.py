"""What a transmitter of a few cents does to its signal."""

import numpy as np
import pytest
import torch

from hertzian.datasets.cheap import cheaply_made, leaking, lopsided

N = 20_000


def keyed():
    bits = torch.tensor([1.0, 0.0]).repeat(N // 200).repeat_interleave(100)
    return bits.to(torch.complex64)[None, :]


def test_the_gaps_hold_a_weaker_carrier_elsewhere_and_the_pulses_are_untouched():
    x = keyed()
    y = leaking(x, level_db=-12.0, offset_cycles_per_sample=0.05)
    on = x[0].abs() > 0.5
    torch.testing.assert_close(y[0][on], x[0][on])
    assert y[0][~on].abs().numpy() == pytest.approx(10 ** (-12 / 20), rel=1e-4)
    turned = torch.angle(y[0][150:199] * y[0][149:198].conj()) / (2 * torch.pi)
    assert turned.numpy() == pytest.approx(0.05, abs=1e-4)


def test_one_side_is_stronger_by_so_many_decibels():
    n = torch.arange(N)
    sign = torch.where(n < N // 2, 1.0, -1.0)
    x = torch.polar(torch.ones(N), 2 * torch.pi * 0.1 * torch.cumsum(sign, 0))[None, :]
    y = lopsided(x, 3.0)[0].abs().numpy()
    assert 20 * np.log10(y[10 : N // 2 - 10]) == pytest.approx(3.0, abs=1e-3)
    assert y[N // 2 + 10 :] == pytest.approx(1.0, abs=1e-3)


def test_four_in_ten_are_cheap_and_phase_modulations_never():
    x = keyed()
    changed = sum(
        not torch.equal(cheaply_made(x, "OOK", 0.05, np.random.default_rng(seed)), x)
        for seed in range(300)
    )
    assert changed / 300 == pytest.approx(0.4, abs=0.1)
    for seed in range(20):
        assert torch.equal(cheaply_made(x, "QPSK", 0.05, np.random.default_rng(seed)), x)
