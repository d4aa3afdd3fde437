import pytest
import torch
from torch import nn

from hertzian.models.shapes import take_shapes
from hertzian.signal import HertzianError


def shapes(network):
    return {name: list(value.shape) for name, value in network.state_dict().items()}


def layers(width, hidden=5):
    """Every kind of layer that may have fewer units, some without a weight to learn."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.Conv2d(width, 2 * width, 3, padding=1, groups=width),
        nn.Conv2d(2 * width, 6, 1, groups=2),
        nn.Flatten(2),
        nn.Conv1d(6, width, 1),
        nn.BatchNorm1d(width),
        nn.Flatten(1),
        nn.Linear(width * 4 * 4, width),
        nn.LSTM(width, hidden, batch_first=True),
    )


def test_a_network_takes_the_shapes_of_a_smaller_one():
    small, large = layers(4).eval(), layers(8).eval()
    take_shapes(large, shapes(small))
    large.load_state_dict(small.state_dict())
    x = torch.randn(3, 1, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(large(x)[0], small(x)[0], atol=0, rtol=0)
    assert repr(large) == repr(small)
    large.train()(x)[0].sum().backward()  # what is new can be trained
    assert all(value.grad is not None for value in large.parameters())


def test_the_same_shapes_change_nothing():
    network = layers(4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    take_shapes(network, shapes(network))
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.weight": [9, 1, 3, 3]}, r"0\.weight is \[9, 1, 3, 3\], expected up to \[8, 1, 3, 3\]"),
        ({"0.weight": [4, 1, 3]}, r"0\.weight is \[4, 1, 3\], expected up to \[8, 1, 3, 3\]"),
        ({"0.weight": [0, 1, 3, 3]}, r"0\.weight is \[0, 1, 3, 3\]"),
        ({"0.weight": None}, r"0\.weight is missing, expected up to \[8, 1, 3, 3\]"),
        ({"more": [3]}, r"more is \[3\], expected none"),
    ],
)
def test_other_shapes_are_refused(change, message):
    changed = shapes(layers(8)) | change
    wanted = {name: shape for name, shape in changed.items() if shape is not None}
    with pytest.raises(HertzianError, match=message):
        take_shapes(layers(8), wanted)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize(
    ("name", "shape"),
    [("weight_hh_l0", [1, 1]), ("bias_ih_l0", [1]), ("weight_ih_l0", [1, 2])],
)
def test_recurrent_layers_read_no_foreign_memory(kind, name, shape):
    network = nn.ModuleDict({"last": kind(8, 64)})
    with pytest.raises(HertzianError, match=f"{kind.__name__} can't have fewer units than it was"):
        take_shapes(network, shapes(network) | {f"last.{name}": shape})


def test_other_layers_keep_their_units():
    with pytest.raises(HertzianError, match="LayerNorm can't have fewer units"):
        take_shapes(nn.Sequential(nn.LayerNorm(8)), shapes(nn.Sequential(nn.LayerNorm(4))))
