import math

import pytest
import torch

from hertzian.models.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.5])
def test_rate_and_scale(rate):
    torch.manual_seed(0)
    y = Dropout(rate)(torch.ones(1000, 1001))
    deviation = math.sqrt(rate * (1 - rate) / y.numel())
    assert abs(float((y == 0).double().mean()) - rate) < 4 * deviation
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])


def test_elements_and_calls_are_independent():
    torch.manual_seed(0)
    layer = Dropout(0.3)
    x = torch.ones(1 << 20)
    first, second = (layer(x) == 0).float() - 0.3, (layer(x) == 0).float() - 0.3
    bound = 4 * 0.21 / math.sqrt(len(x))
    assert abs(float((first * second).mean())) < bound
    for lag in (1, 2, 3, 4, 16, 128, 1024):
        assert abs(float((first[lag:] * first[:-lag]).mean())) < bound


def test_torch_seeds_it():
    layer, x = Dropout(0.5), torch.ones(99)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert torch.equal(layer(x), second)
    assert not torch.equal(first, second)


def test_gradient_passes_where_the_element_did():
    x = torch.randn(3, 5, 7, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, 2.0 * (y != 0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5)])
def test_shape_and_type_stay(shape, dtype):
    y = Dropout(0.5)(torch.ones(shape, dtype=dtype))
    assert y.shape == shape
    assert y.dtype == dtype


def test_it_keeps_a_transposed_layout():
    x = torch.randn(4, 6).t().requires_grad_()
    y = Dropout(0.5)(x)
    torch.testing.assert_close(y, torch.where(y != 0, 2 * x, 0.0))


def test_edges_of_the_rate():
    x = torch.randn(50)
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1e-9)(x), x)
    assert not Dropout(1.0)(x).any()


def test_nothing_is_dropped_in_evaluation():
    x = torch.randn(50)
    assert Dropout(0.5).eval()(x) is x
