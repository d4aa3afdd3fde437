import pytest
import torch

from hertzian.models import build, count_parameters


def windows(symbols=128):
    return torch.randn(3, 2, symbols, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build("symbol-net").eval()


def test_it_has_the_parameters_of_its_table(model):
    assert count_parameters(model) == 166_790


def test_the_order_of_symbols_says_nothing(model):
    x = windows()
    mixed = x[..., torch.randperm(128, generator=torch.Generator().manual_seed(1))]
    assert torch.allclose(model(mixed), model(x), atol=1e-4)


def test_its_features_are_the_empirical_characteristic_function(model):
    x = windows()
    unit = x * x.square().sum(dim=1, keepdim=True).mean(dim=2, keepdim=True).rsqrt()
    wave = model.waves[5]
    turns = wave[0] * unit[:, 0] + wave[1] * unit[:, 1]
    expected = torch.exp(1j * turns).mean(dim=1) * 128**0.5
    found = model.features(x)["characteristic"]
    assert torch.allclose(found[:, 5], expected.real, atol=1e-4)
    assert torch.allclose(found[:, 64 + 5], expected.imag, atol=1e-4)


def test_a_gain_counts_where_it_is_known(model):
    x = windows()
    assert torch.allclose(model(3 * x), model(x), atol=1e-4)
    knowing = build("symbol-net", known_gain=True).eval()
    assert not torch.allclose(knowing(3 * x), knowing(x), atol=1e-2)


def test_it_takes_any_number_of_symbols(model):
    assert model(windows(64)).shape == model(windows(1000)).shape == (3, 6)
