import pytest
import torch
from tests.training.examples import Tiny
from torch import nn

from hertzian.models import build
from hertzian.signal import HertzianError
from hertzian.training import Reconstruction


def _batch(count=32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 2, 128, generator=generator), torch.arange(count) % 11


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9, 1.0])
def test_the_loss_is_the_weighted_sum_of_both(share):
    torch.manual_seed(1)
    model = build("dae").train()
    x, labels = _batch()
    found = model.features(x)
    error = (found["reconstruction"] - found["input"]).square().mean()
    named = -model.head(found["embedding"]).log_softmax(1)[torch.arange(len(x)), labels].mean()
    loss = Reconstruction(model, 11, 1e-3, share).training_loss((x, labels))
    expected = (1 - share) * named + share * error
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_both_parts_of_the_network_learn():
    torch.manual_seed(1)
    model = build("dae").train()
    Reconstruction(model, 11, 1e-3).training_loss(_batch()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_what_cannot_be_is_refused():
    with pytest.raises(HertzianError, match="share of the loss is from 0 to 1, not 1"):
        Reconstruction(Tiny(), 3, 1e-3, 1.5)

    class Plain(nn.Module):
        def features(self, x):
            return {"embedding": x}

    with pytest.raises(HertzianError, match="Plain gives no reconstruction to learn from"):
        Reconstruction(Plain(), 3, 1e-3).training_loss(_batch())
