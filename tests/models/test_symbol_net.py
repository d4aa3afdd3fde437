import math

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
    assert count_parameters(model) == 50_566


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


@pytest.mark.parametrize("mirrored", [False, True])
def test_what_a_known_gain_tells(mirrored):
    model = build("symbol-net", mirrored=mirrored, known_gain=True).eval()
    assert not mirrored or count_parameters(model) == 42_502
    told = []
    model.embed[0].register_forward_pre_hook(lambda _, inputs: told.append(inputs[0]))
    x = torch.tensor([[3.0, 1.0], [1.0, 1.0]]).repeat(2, 1, 50)  # power 6 of 5 and 1
    x[1] *= 0.1
    model.features(x)
    *ratios, power, noise = told[0][0, 64 if mirrored else 128 :]
    assert [float(ratio) / 10 for ratio in ratios] == pytest.approx(
        [4 / 6] if mirrored else [4 / 6, 2 / 6]
    )
    assert float(power) == pytest.approx(math.log(6))
    assert float(noise) == pytest.approx(math.log(5))
    assert float(told[0][1, -1]) == pytest.approx(math.log(1e-3))  # less power than the alphabet


@pytest.mark.parametrize("mirrored", [False, True])
def test_of_gaussian_windows_little_is_left(mirrored):
    torch.manual_seed(0)
    model = build("symbol-net", mirrored=mirrored).eval()
    left = []
    model.embed[0].register_forward_pre_hook(lambda _, told: left.append(told[0]))
    noise = torch.randn(200, 2, 4096)
    if not mirrored:  # of unequal, correlated parts
        noise = torch.tensor([[1.0, 0.0], [0.6, 0.5]]) @ noise
    model.features(noise)
    waves = left[0][:, : (1 if mirrored else 2) * 64]
    # each a mean times the root of its number: of variance below 1, and of no bias that shows
    assert float(waves.std(dim=0).max()) < 1
    assert float(waves.mean(dim=0).abs().max()) < 4 / 200**0.5
    symbols = torch.randint(2, (200, 2, 4096)) * 2.0 - 1  # QPSK is no Gaussian
    model.features(symbols)
    assert float(left[1][:, :64].mean(dim=0).abs().max()) > 20


def test_it_takes_any_number_of_symbols(model):
    assert model(windows(64)).shape == model(windows(1000)).shape == (3, 6)


def test_mirrored_alphabets_leave_what_is_even():
    torch.manual_seed(0)
    model = build("symbol-net", mirrored=True).eval()
    x = windows()
    for signs in ([-1.0, 1.0], [1.0, -1.0]):
        assert torch.allclose(model(x * torch.tensor(signs)[:, None]), model(x), atol=1e-4)
    # the mean of the waves of all four mirrored windows
    whole = build("symbol-net").eval()
    whole.waves.copy_(model.waves)
    sides = [torch.tensor([a, b])[:, None] for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    with torch.no_grad():
        mean = sum(whole.features(x * side)["characteristic"] for side in sides) / 4
        found = model.features(x)["characteristic"]
    assert torch.allclose(found[:, :64], mean[:, :64], atol=1e-4)
    assert float(mean[:, 64:128].abs().max()) < 1e-4
