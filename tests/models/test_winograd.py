import pytest
import torch
from torch import nn

from hertzian.models import crosstlnet
from hertzian.models.crosstlnet import CausalConv
from hertzian.models.winograd import causal_convolution


def _inputs(dtype, samples=24, inputs=5, outputs=7):
    torch.manual_seed(3)
    x = torch.randn(3, samples, inputs, dtype=dtype, requires_grad=True)
    weight = torch.randn(outputs, inputs, 3, dtype=dtype, requires_grad=True)
    return x, weight, torch.randn(outputs, dtype=dtype, requires_grad=True)


def _direct(x, weight, bias, dilation):
    padded = nn.functional.pad(x.transpose(1, 2), (2 * dilation, 0))
    return nn.functional.conv1d(padded, weight, bias, dilation=dilation).transpose(1, 2)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 12])
def test_outputs_and_gradients_are_those_of_torch(dilation):
    given = _inputs(torch.float64)
    found, expected = (way(*given, dilation) for way in (causal_convolution, _direct))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    slope = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(found, given, slope),
        torch.autograd.grad(expected, given, slope),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_gradients_are_the_slopes_of_the_outputs():
    given = _inputs(torch.float64, samples=8, inputs=2, outputs=3)
    assert torch.autograd.gradcheck(lambda *xs: causal_convolution(*xs, 2), given)


def test_single_precision_loses_little():
    given = _inputs(torch.float32, samples=128, inputs=256, outputs=256)
    exact = _direct(*(one.double() for one in given), 8)
    scale = exact.abs().max()
    direct = (_direct(*given, 8) - exact).abs().max() / scale
    found = (causal_convolution(*given, 8) - exact).abs().max() / scale
    assert found < 5 * direct
    assert found < 1e-5


@pytest.fixture
def calls(monkeypatch):
    """Every call of the fast way, whatever the number of channels."""
    seen = []

    def note(x, *rest):
        seen.append(tuple(x.shape))
        return causal_convolution(x, *rest)

    monkeypatch.setattr(crosstlnet, "causal_convolution", note)
    monkeypatch.setattr(crosstlnet, "FEWEST_CHANNELS", 4)
    return seen


def test_a_layer_trains_by_it_and_evaluates_without(calls):
    torch.manual_seed(0)
    layer = CausalConv(4, 6, 3, 2)
    x = torch.randn(2, 16, 4)
    trained = layer(x)
    assert calls == [(2, 16, 4)]
    torch.testing.assert_close(layer.eval()(x), trained)
    with torch.no_grad():
        layer.train()(x)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("layer", "samples"),
    [
        (CausalConv(3, 8, 3, 2), 16),  # few channels
        (CausalConv(4, 4, 3, 2), 18),  # no whole pairs
        (CausalConv(4, 4, 5, 2), 20),  # another kernel
    ],
)
def test_others_are_left_to_torch(calls, layer, samples):
    x = torch.randn(2, samples, layer.in_channels)
    assert layer(x).shape == (2, samples, layer.out_channels)
    assert calls == []


def test_half_precision_is_left_to_torch(calls):
    with torch.autocast("cpu", torch.bfloat16):
        assert CausalConv(4, 4, 3, 2)(torch.randn(2, 16, 4)).dtype == torch.bfloat16
    assert calls == []
