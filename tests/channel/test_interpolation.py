import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channel.signals import error_db, tone, white

from hertzian.channel import interpolation
from hertzian.channel.interpolation import delay, resample, sinc_kernel


@settings(max_examples=60, deadline=None)
@given(frequency=st.floats(-0.4, 0.4), by=st.floats(-20.0, 20.0))
def test_a_delayed_tone_is_the_analytic_one_in_the_middle_80_percent(frequency, by):
    x = tone(frequency, 512)
    found = delay(x, torch.tensor([by], dtype=torch.float64), 20.0)
    assert error_db(found, tone(frequency, 512, delay=by)) < -60.0


def test_whole_delays_only_move_samples():
    x = white(3, 100)
    found = delay(x, torch.tensor([0.0, 3.0, -5.0], dtype=torch.float64), 5.0)
    torch.testing.assert_close(found[0], x[0])
    torch.testing.assert_close(found[1, 3:], x[1, :-3])
    torch.testing.assert_close(found[2, :-5], x[2, 5:])
    assert found[1, :3].abs().max() < 1e-6


def test_the_kernel_has_unit_gain_at_zero_frequency():
    sums = sinc_kernel(torch.linspace(0.0, 1.0, 50)).sum(dim=-1)
    torch.testing.assert_close(sums, torch.ones(50))


@pytest.mark.parametrize("block", [7, 32, 100])
def test_a_constant_shift_resamples_as_the_delay_does(block):
    x = white(2, 300)
    edges = -(-300 // block) + 1
    shifts = torch.tensor([[0.3], [-2.7]], dtype=torch.float64).expand(2, edges)
    expected = delay(x, torch.tensor([-0.3, 2.7], dtype=torch.float64), 3.0)
    torch.testing.assert_close(resample(x, shifts, block, 3.0), expected)


def test_pieces_of_a_batch_make_the_whole(monkeypatch):
    x = white(5, 200)
    by = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64)
    shifts = by[:, None] * torch.linspace(0.0, 1.0, 8, dtype=torch.float64)
    whole = delay(x, by, 1.0), resample(x, shifts, 32, 1.0)
    monkeypatch.setattr(interpolation, "SAMPLES_AT_ONCE", 400)
    torch.testing.assert_close(delay(x, by, 1.0), whole[0])
    torch.testing.assert_close(resample(x, shifts, 32, 1.0), whole[1])
