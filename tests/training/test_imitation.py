import math

import numpy as np
import pytest
import torch
from tests.training.examples import windows
from torch import nn

from hertzian.models import build
from hertzian.training import Imitation, ImitationPlan, imitate, without_randomness

HEADS = {"modulation": 3, "protocol": 2, "snr_db": 1}


def network(seed=0, **options):
    torch.manual_seed(seed)
    return build(
        "mtl",
        ("BPSK", "QPSK", "noise"),
        protocols=("GSM", "DAB"),
        quantities=("snr_db",),
        shared=[4],
        dense=16,
        **options,
    )


@pytest.mark.parametrize("name", ["cldnn", "ic-amcnet", "drcnn-mtl"])
def test_a_copy_without_randomness_answers_alike_in_training(name):
    original = build(name)
    names = list(original.state_dict())
    copied = without_randomness(original)
    assert list(copied.state_dict()) == names
    for layer in copied.modules():  # what is normalised by the batch is no randomness
        layer.train(not isinstance(layer, nn.BatchNorm2d))
    x = torch.randn(4, 2, 128)
    with torch.no_grad():
        expected, found = original.eval()(x), copied(x)
    heads = found if isinstance(found, dict) else {"": found}
    for head, answer in heads.items():
        wanted = expected[head] if isinstance(expected, dict) else expected
        torch.testing.assert_close(answer, wanted, atol=1e-5, rtol=1e-4)
    assert any(isinstance(layer, nn.Dropout) for layer in original.modules())


class Constant(nn.Module):
    """Says the same of every window; one number can be learned."""

    def __init__(self, **answers):
        super().__init__()
        self.answers = {head: torch.tensor([value]) for head, value in answers.items()}
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return {head: value.expand(len(x), -1) for head, value in self.answers.items()}


def test_the_loss_is_the_divergence_of_every_head_and_the_error_of_a_quantity():
    original = network()
    original.heads["snr_db"].standardise(torch.tensor([-2.0, 0.0, 2.0]))
    learner = Imitation(network(), original, HEADS, 1e-3)
    even, odds = math.log(0.5), [math.log(0.9), math.log(0.1)]
    wanted = Constant(modulation=[0.0, 0.0, 0.0], protocol=odds, snr_db=[10.0])
    said = Constant(modulation=[0.0, 0.0, 0.0], protocol=[even, even], snr_db=[11.0])
    learner._frozen = (wanted,)
    learner.model = said
    divergence = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    huber = (1 / 2) ** 2 / 2  # one unit off, of a deviation of two
    loss = learner.training_loss((torch.zeros(5, 2, 128), torch.zeros(5)))
    assert float(loss) == pytest.approx(divergence + huber, rel=1e-5)


def test_a_disturbed_copy_finds_back(tmp_path):
    original, data = network(), windows(300, 1, samples=128)
    copied = without_randomness(original)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in copied.parameters():
            value.add_(0.2 * torch.randn_like(value))
    before = {name: value.clone() for name, value in original.state_dict().items()}
    plan = ImitationPlan(12, 5e-3, batch_size=32, stop_after=None)

    def loss(model):
        learner = Imitation(model.eval(), original, HEADS, 1e-3)
        with torch.no_grad():
            return float(learner.training_loss(data[np.arange(300)]))

    first = loss(copied)
    result = imitate(copied, original, HEADS, (data, windows(60, 2, samples=128)), tmp_path, plan)
    assert loss(copied) < 0.2 * first
    assert result.best_accuracy > 0.6  # the same of three modulations
    for name, value in original.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)
