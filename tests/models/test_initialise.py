import math

import pytest
import torch
from torch import nn

from hertzian.models.initialise import (
    freeze_second_bias,
    he_normal,
    initialise,
    lecun_uniform,
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_convolutions_and_dense_layers_are_glorot_uniform():
    module = nn.Sequential(nn.Conv2d(3, 40, (2, 5)), nn.Linear(90, 30, bias=False))
    initialise(module)
    for layer, fans in ((module[0], 3 * 10 + 40 * 10), (module[1], 90 + 30)):
        limit = math.sqrt(6 / fans)
        assert layer.weight.abs().max() <= limit
        assert layer.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)
    assert not module[0].bias.any()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_weights_are_orthogonal_and_input_weights_glorot(kind):
    layer = kind(7, 16, num_layers=2, bidirectional=True)
    initialise(nn.Sequential(layer))
    for name in ("weight_hh_l0", "weight_hh_l1_reverse"):
        weight = getattr(layer, name)
        assert torch.allclose(weight.T @ weight, torch.eye(16), atol=1e-5)
    limit = math.sqrt(6 / sum(layer.weight_ih_l0.shape))
    assert limit * 0.9 < layer.weight_ih_l0.abs().max() <= limit


def test_per_gate_draws_each_gate_on_its_own():
    layer = nn.GRU(7, 16)
    initialise(layer, per_gate=True)
    for gate in layer.weight_hh_l0.chunk(3):
        assert torch.allclose(gate.T @ gate, torch.eye(16), atol=1e-5)


def test_forget_gate_starts_open():
    layer = nn.LSTM(3, 4, num_layers=2)
    initialise(layer)
    for index in (0, 1):
        bias = getattr(layer, f"bias_ih_l{index}") + getattr(layer, f"bias_hh_l{index}")
        assert bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8
    gru = nn.GRU(3, 4)
    initialise(gru)
    assert not gru.bias_ih_l0.any()
    assert not gru.bias_hh_l0.any()


def test_he_and_lecun_have_their_variance():
    layer = nn.Linear(200, 400)
    he_normal(layer)
    assert layer.weight.var().item() == pytest.approx(2 / 200, rel=0.03)
    assert layer.weight.abs().max() <= 2 * math.sqrt(2 / 200) / 0.87962566
    lecun_uniform(layer)
    assert layer.weight.var().item() == pytest.approx(1 / 200, rel=0.03)
    assert layer.weight.abs().max() <= math.sqrt(3 / 200)


def test_frozen_second_bias_leaves_the_parameters_of_keras():
    layer = nn.LSTM(5, 8)
    freeze_second_bias(layer)
    trained = sum(p.numel() for p in layer.parameters() if p.requires_grad)
    assert trained == 4 * 8 * (5 + 8 + 1)
    assert not layer.bias_hh_l0.any()
