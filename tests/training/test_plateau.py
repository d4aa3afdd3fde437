from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.training.examples import Tiny, last_checkpoint, quick_fit, windows
from torch import nn

from hertzian.models import build
from hertzian.models.crosstlnet import CrossTLNet
from hertzian.signal import HertzianError
from hertzian.training import Classifier, history
from hertzian.training.plateau import Patience, PlateauSchedule


class _Constant(nn.Module):
    """Learns nothing: its loss is log 3 for ever."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return 0 * self.weight.expand(len(x), 3)


def test_a_patience_counts_what_does_not_fall_enough():
    patience = Patience(2, least=0.1)
    seen = []
    for value in (1.0, 0.95, 0.85, 0.8, float("nan"), 0.7):
        patience.see(value)
        seen.append((patience.waited, patience.used_up))
    # 0.95 is within 0.1 of 1.0; 0.85 is not; then 0.8 is within 0.1 of 0.85, and nan is nothing
    assert seen == [(0, False), (1, False), (0, False), (1, False), (2, True), (0, False)]
    with pytest.raises(HertzianError, match="patience is 1 epoch or more"):
        Patience(0)


def test_schedule_agrees_with_a_loop_over_the_losses():
    losses = np.random.default_rng(0).normal(1, 0.1, 60).cumsum() / np.arange(1, 61) ** 1.02
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(1))], lr=1.0)
    trainer = SimpleNamespace(optimizers=[optimizer], should_stop=False)
    schedule = PlateauSchedule(halve_after=3, stop_after=9)
    rates, stops = [], []
    for loss in losses:
        trainer.callback_metrics = {"validation_loss": torch.tensor(loss)}
        schedule.on_validation_end(trainer, None)
        rates.append(optimizer.param_groups[0]["lr"])
        stops.append(trainer.should_stop)
    rate, since, wanted = 1.0, -1, []
    best = np.inf
    for epoch, loss in enumerate(losses):
        if loss < best - 1e-4:
            best, since = loss, epoch
        elif epoch - since == 3:
            rate, since = rate / 2, epoch
        wanted.append(rate)
    assert rates == wanted
    assert rates[-1] < 1
    lowest = np.minimum.accumulate(losses)
    late = [e for e in range(9, 60) if lowest[e] == lowest[e - 9]]
    assert stops.index(True) == late[0]


def test_a_run_halves_and_stops_on_a_plateau_and_stays_stopped(tmp_path):
    learner = Classifier(_Constant(), 3, 0.8, halve_after=2, stop_after=5)
    result = quick_fit(learner, tmp_path, epochs=50)
    assert (result.epochs, result.complete) == (6, True)
    assert result.best_loss == pytest.approx(np.log(3))
    rates = [epoch["learning_rate"] for epoch in history(tmp_path)]
    assert rates == pytest.approx([0.8, 0.8, 0.8, 0.4, 0.4, 0.2])
    before = result.last_checkpoint.read_bytes()
    again = Classifier(_Constant(), 3, 0.8, halve_after=2, stop_after=5)
    assert quick_fit(again, tmp_path, epochs=50).complete
    assert result.last_checkpoint.read_bytes() == before


def test_an_interrupted_run_keeps_its_plateaus(tmp_path):
    def learner():
        # a rate so high that the loss rises and falls
        return Classifier(Tiny(), 3, 0.9, halve_after=1, stop_after=4)

    whole = quick_fit(learner(), tmp_path / "whole", epochs=12)
    for _ in range(12):
        parts = quick_fit(learner(), tmp_path / "parts", epochs=12, max_minutes=0.0)
    assert parts.complete
    assert (parts.epochs, parts.best_loss) == (whole.epochs, whole.best_loss)
    weights = [last_checkpoint(tmp_path / run)["state_dict"] for run in ("whole", "parts")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    rates = [[e["learning_rate"] for e in history(tmp_path / run)] for run in ("whole", "parts")]
    assert rates[0] == rates[1]
    assert rates[0][-1] < rates[0][0]


def test_the_best_epoch_is_that_of_the_least_loss(tmp_path):
    learner = Classifier(Tiny(), 3, 0.9)
    result = quick_fit(learner, tmp_path, epochs=6)
    losses = [epoch["validation_loss"] for epoch in history(tmp_path)]
    assert result.best_loss == pytest.approx(min(losses), rel=1e-5)
    x, labels = windows(192, 2, 128)[np.arange(192)]
    with torch.no_grad():
        loss = nn.functional.cross_entropy(learner.model(x), labels).item()
    assert loss == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.parametrize("name", ["afnet", "iqclnet", "small-crosstlnet"])
def test_networks_learn(name, tmp_path):
    torch.manual_seed(0)
    model = CrossTLNet(3, 16, 8) if name.startswith("small") else build(name, tuple("abc"))
    learner = Classifier(model, 3, 1e-3, halve_after=2)
    result = quick_fit(learner, tmp_path, epochs=4, batch_size=16)
    assert result.best_accuracy > 0.6  # chance is a third


def test_weights_decay_beside_the_gradient(tmp_path):
    class Idle(_Constant):
        """A matrix that no gradient moves, and a bias."""

        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.full((2, 2), 3.0))
            self.bias = nn.Parameter(torch.full((2,), 3.0))

        def forward(self, x):
            return super().forward(x) + 0 * (self.matrix.sum() + self.bias.sum())

    model = Idle()
    quick_fit(Classifier(model, 3, 0.01, weight_decay=0.5), tmp_path, epochs=2)
    # the first epoch is kept, as none is better: 6 steps of 1 - 0.01 x 0.5
    torch.testing.assert_close(model.matrix, torch.full((2, 2), 3.0 * 0.995**6))
    torch.testing.assert_close(model.bias, torch.full((2,), 3.0))
