import math

import pytest
import torch

from hertzian.models.representation import AmplitudePhase, Image, amplitude, phase


def _polar(length, angle):
    return torch.stack([length * angle.cos(), length * angle.sin()], dim=1)


def test_amplitude_and_phase_are_those_of_complex_numbers():
    x = torch.randn(4, 2, 500, generator=torch.Generator().manual_seed(0))
    z = torch.complex(x[:, 0], x[:, 1])
    assert torch.allclose(amplitude(x), z.abs(), atol=1e-6)
    assert torch.allclose(phase(x), z.angle(), atol=1e-6)


def test_phase_on_the_axes():
    points = torch.tensor([[1.0, 0, -1, 0, 0, -1, -0.0], [0.0, 1, 0, -1, 0, -0.0, -0.0]])
    expected = [0, math.pi / 2, math.pi, -math.pi / 2, 0, math.pi, 0]
    assert phase(points[None])[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_phase_close_to_the_cut_is_exact():
    angle = math.pi - torch.tensor([[1e-3, 1e-4, 1e-5]])
    x = _polar(torch.ones_like(angle), angle.double()).float()
    found = math.pi - phase(x).double()
    assert found[0].tolist() == pytest.approx([1e-3, 1e-4, 1e-5], abs=5e-7)


def test_phase_has_finite_gradients_at_zero():
    x = torch.zeros(1, 2, 3, requires_grad=True)
    (phase(x).sum() + amplitude(x).sum()).backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_amplitude_has_unit_length_and_phase_is_in_half_turns(scale):
    generator = torch.Generator().manual_seed(1)
    length = torch.rand(3, 128, generator=generator) + 0.1
    angle = (torch.rand(3, 128, generator=generator) - 0.5) * 6.28
    seen = AmplitudePhase()(_polar(length, angle) * scale)
    assert torch.allclose(seen[:, 0], length / length.norm(dim=1, keepdim=True), atol=1e-6)
    assert torch.allclose(seen[:, 1], angle / math.pi, atol=1e-5)


def test_zeros_stay_zeros():
    assert not AmplitudePhase()(torch.zeros(2, 2, 8)).any()
    assert not Image()(torch.zeros(2, 2, 8)).any()


def test_image_has_unit_power():
    x = torch.randn(3, 2, 64, generator=torch.Generator().manual_seed(2)) * 1e-5
    image = Image()(x)
    assert image.shape == (3, 1, 2, 64)
    assert image.square().sum(dim=2).mean(dim=2).flatten().tolist() == pytest.approx([1] * 3)
