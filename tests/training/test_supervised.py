import math

import pytest
import torch
from torch import nn

from hertzian.training import Supervised


class _Known(nn.Module):
    """Logits that do not depend on the input, plus one matrix and one bias to train."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 3)
        nn.init.zeros_(self.linear.weight)
        with torch.no_grad():
            self.linear.bias.copy_(torch.tensor([1.0, 2.0, 0.5]))

    def forward(self, x):
        return self.linear(x.flatten(1))


def _module(**options):
    return Supervised(_Known(), 3, 1e-2, 2, 50, **options)


def test_loss_is_the_smoothed_and_weighted_cross_entropy():
    module = _module(label_smoothing=0.1, class_weights=[1.0, 4.0, 1.0])
    module.log = lambda *args, **options: None
    module._trainer = None
    labels = torch.tensor([0, 1])
    logs = torch.log_softmax(torch.tensor([1.0, 2.0, 0.5]), 0)
    weights = torch.tensor([1.0, 4.0, 1.0])
    # Each label gets 0.9, and 0.1 / 3 goes to every class; classes weigh as told.
    smooth = (-weights * logs).sum() * 0.1 / 3
    losses = [-0.9 * weights[k] * logs[k] + smooth for k in (0, 1)]
    expected = sum(losses) / (weights[0] + weights[1])
    assert module.loss(module.model(torch.zeros(2, 2, 4)), labels).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_one_cycle_rises_over_the_warm_up_and_falls_to_nothing():
    module = _module(warmup_share=0.2)
    chosen = module.configure_optimizers()
    optimizer, schedule = chosen["optimizer"], chosen["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(1e-2, rel=0.01)
    assert rates.index(max(rates)) == pytest.approx(20, abs=1)
    # The falling half is a cosine: in its middle the rate is half the peak.
    assert rates[60] == pytest.approx(0.5e-2, rel=0.05)
    assert rates[-1] < 1e-2 * (1 - math.cos(math.pi / 50))


def test_only_matrices_decay():
    module = _module(weight_decay=0.3)
    groups = module.configure_optimizers()["optimizer"].param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert decays == {id(module.model.linear.weight): 0.3, id(module.model.linear.bias): 0.0}
