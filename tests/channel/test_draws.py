import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.channel.signals import seeded

from hertzian.channel.draws import random_walk, reflect, rotation


@given(value=st.floats(-1e4, 1e4), limit=st.floats(0.1, 50.0))
def test_reflection_is_the_triangle_wave(value, limit):
    found = float(reflect(torch.tensor(value, dtype=torch.float64), limit))
    expected = limit * 2.0 / np.pi * np.arcsin(np.sin(value * np.pi / (2.0 * limit)))
    assert found == pytest.approx(expected, abs=1e-4 * limit)


def test_within_the_limit_reflection_changes_nothing():
    values = torch.linspace(-2.0, 2.0, 41, dtype=torch.float64)
    torch.testing.assert_close(reflect(values, 2.0), values)
    assert reflect(values, 0.0).abs().max() == 0.0


def test_a_walk_starts_at_zero_and_has_independent_steps():
    walk = random_walk((2000, 101), 0.5, seeded())
    assert walk[:, 0].abs().max() == 0.0
    assert float(walk[:, 100].std()) == pytest.approx(0.5 * 10.0, rel=0.05)
    first, second = walk[:, 50], walk[:, 100] - walk[:, 50]
    assert abs(float(torch.corrcoef(torch.stack((first, second)))[0, 1])) < 0.08


@given(cycles=st.floats(-1e7, 1e7))
def test_rotation_keeps_the_phase_of_many_turns(cycles):
    found = complex(rotation(torch.tensor(cycles, dtype=torch.float64)))
    assert abs(found - np.exp(2j * np.pi * (cycles % 1.0))) < 1e-6
