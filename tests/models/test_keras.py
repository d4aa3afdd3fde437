import pytest
import torch
from torch import nn

from hertzian.models.keras import (
    GaussianDropout,
    GaussianNoise,
    SameAveragePool2d,
    SameConv2d,
    SameMaxPool2d,
    batch_norm,
    pad_same,
)


def test_padding_gives_the_end_the_larger_half():
    ones = torch.ones(1, 1, 2, 5)
    padded = pad_same(ones, (2, 8), (1, 1))
    assert padded[0, 0].tolist() == [[0] * 3 + [1] * 5 + [0] * 4] * 2 + [[0] * 12]
    # ceil(5 / 2) = 3 windows of 3 reach 7 samples: one on either side.
    assert pad_same(ones, (1, 3), (1, 2)).shape == (1, 1, 2, 7)
    assert pad_same(ones[..., :4], (1, 3), (1, 2))[0, 0, 0].tolist() == [1, 1, 1, 1, 0]
    assert pad_same(ones, (1, 1), (1, 2)).shape == ones.shape


@pytest.mark.parametrize("kernel", [(1, 8), (2, 3), (3, 1)])
def test_convolution_of_stride_1_is_torchs_same(kernel):
    torch.manual_seed(0)
    layer = SameConv2d(3, 4, kernel)
    theirs = nn.Conv2d(3, 4, kernel, padding="same")
    theirs.load_state_dict(layer.state_dict())
    x = torch.randn(2, 3, 2, 17)
    assert torch.allclose(layer(x), theirs(x), atol=1e-6)


def test_convolution_of_stride_2_halves():
    layer = SameConv2d(1, 1, (1, 3), (1, 2))
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    x = torch.arange(1.0, 7.0).reshape(1, 1, 1, 6)
    assert layer(x).flatten().tolist() == [6, 12, 11]


def test_pooling_ignores_what_lies_beyond_the_edge():
    x = torch.tensor([[3.0, 1, 2, 5], [0, 4, 1, 1]])[None, None]
    assert SameMaxPool2d((2, 2), (1, 1))(x)[0, 0].tolist() == [[4, 4, 5, 5], [4, 4, 1, 1]]
    assert SameMaxPool2d((1, 3), (1, 2))(x)[0, 0].tolist() == [[3, 5], [4, 1]]
    mean = SameAveragePool2d((1, 3), (1, 2))(x)[0, 0]
    assert mean.flatten().tolist() == pytest.approx([2, 3.5, 5 / 3, 1])


def test_noise_acts_in_training_alone():
    torch.manual_seed(0)
    x = torch.full((200, 200), 3.0)
    for layer, deviation in ((GaussianNoise(0.7), 0.7), (GaussianDropout(0.2), 3 * 0.5)):
        noisy = layer.train()(x)
        assert noisy.mean().item() == pytest.approx(3, abs=0.03)
        assert noisy.std().item() == pytest.approx(deviation, rel=0.03)
        assert torch.equal(layer.eval()(x), x)


def test_batch_norm_keeps_99_parts_of_100():
    layer = batch_norm(1)
    layer(torch.tensor([[2.0], [4.0]]))
    assert layer.running_mean.item() == pytest.approx(0.03)
