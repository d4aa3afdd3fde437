import pytest
import torch
from torch import nn

from hertzian.experiments.inference.memory import peak_activation_bytes
from hertzian.models import build


class Dense(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(2 * 50, 1000), nn.ReLU(inplace), nn.Linear(1000, 10)
        )

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize(("inplace", "expected"), [(False, 2 * 4000), (True, 4000 + 40)])
def test_what_is_alive_at_once_is_counted(inplace, expected):
    assert peak_activation_bytes(Dense(inplace), 50) == expected


def test_what_is_held_longer_counts_longer():
    class Held(Dense):
        def forward(self, x):
            first = self.layers[1](x.flatten(1))
            return self.layers[3](torch.relu(torch.relu(first))) + first[:, :10]

    # the first, both of the rest for a moment
    assert peak_activation_bytes(Held(False), 50) == 3 * 4000


def test_weights_do_not_count_and_the_count_is_the_same_again():
    model = build("mtl")
    found = peak_activation_bytes(model, 128)
    # shared maps of 8 x 14 x 14 floats, before and after batch norm
    assert 2 * 8 * 14 * 14 * 4 <= found < 4 * 8 * 14 * 14 * 4
    assert peak_activation_bytes(model, 128) == found
