import numpy as np
import pytest
import torch
from tests.training.examples import Layered, Tiny, last_checkpoint, quick_fit, windows
from torch import nn

from hertzian.experiments.classifiers.train import ClassifierSettings
from hertzian.models import build
from hertzian.signal import HertzianError
from hertzian.training import (
    Classifier,
    Distillation,
    MultiTask,
    PairClassifier,
    Reconstruction,
    WeightedClassifier,
    history,
)
from hertzian.training.averaging import MovingAverage


class _Watched(Classifier):
    """Remembers the first layer's weights after every step."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.seen = []

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.seen.append(self._first().detach().double().clone())

    def _first(self):
        return next(self.model.parameters())


def test_it_is_the_average_that_a_sum_over_all_steps_gives(tmp_path):
    learner = _Watched(Tiny(), 3, 0.05, averaged=0.5)
    quick_fit(learner, tmp_path, epochs=8)
    steps = np.arange(len(learner.seen))
    assert len(steps) == 8 * 6
    # the newest of step n counts 1 / min(3, 1 + n / 9), the ones before what that leaves
    newest = 1 / np.minimum(3, 1 + steps / 9)
    left = np.append(np.cumprod((1 - newest)[:0:-1])[::-1], 1.0)
    wanted = sum(w * s for w, s in zip(newest * left, learner.seen, strict=True))
    assert (newest * left).sum() == pytest.approx(1.0)
    kept = last_checkpoint(tmp_path)
    name = next(name for name, _ in learner.model.named_parameters())
    torch.testing.assert_close(kept["state_dict"][f"model.{name}"].double(), wanted)
    torch.testing.assert_close(
        kept["current_model_state"][f"model.{name}"].double(), learner.seen[-1]
    )


def test_the_average_is_what_is_validated_and_kept(tmp_path):
    learner = Classifier(Tiny(), 3, 0.05, averaged=1.0)
    result = quick_fit(learner, tmp_path, epochs=5)
    x, labels = windows(192, 2, 128)[np.arange(192)]
    with torch.no_grad():
        loss = nn.functional.cross_entropy(learner.model(x), labels).item()
    assert loss == pytest.approx(result.best_loss, rel=1e-4)
    assert result.best_loss == pytest.approx(
        min(epoch["validation_loss"] for epoch in history(tmp_path)), rel=1e-5
    )
    assert result.best_accuracy > 0.6  # chance is a third


def test_the_loss_of_a_high_rate_jumps_less_once_it_has_settled(tmp_path):
    def jumps(averaged):
        torch.manual_seed(0)
        folder = tmp_path / str(averaged)
        quick_fit(Classifier(Tiny(), 3, 0.5, averaged=averaged), folder, epochs=24)
        return np.abs(np.diff([e["validation_loss"] for e in history(folder)][12:])).mean()

    assert jumps(2.0) < 0.5 * jumps(None)


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path):
    def learner():
        torch.manual_seed(0)
        return Classifier(Tiny(), 3, 0.9, halve_after=1, stop_after=6, averaged=0.7)

    whole = quick_fit(learner(), tmp_path / "whole", epochs=8)
    for _ in range(8):
        parts = quick_fit(learner(), tmp_path / "parts", epochs=8, max_minutes=0.0)
    assert parts.complete
    assert (parts.epochs, parts.best_loss) == (whole.epochs, whole.best_loss)
    ends = [last_checkpoint(tmp_path / run) for run in ("whole", "parts")]
    for state in ("state_dict", "current_model_state", "averaging_state"):
        one, other = (end[state] for end in ends)
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_statistics_of_batch_norm_are_averaged_too(tmp_path):
    class Seen(Classifier):
        def on_train_batch_end(self, outputs, batch, batch_idx):
            variances.append(self.model.layers[0].running_var.double().clone())

    variances = []
    quick_fit(Seen(Layered(), 3, 0.01, averaged=0.5), tmp_path, epochs=2)
    mean = variances[0]
    for step, variance in enumerate(variances[1:], 1):
        mean = mean + (variance - mean) / min(3, 1 + step / 9)
    kept = last_checkpoint(tmp_path)["state_dict"]["model.layers.0.running_var"].double()
    torch.testing.assert_close(kept, mean)
    assert not torch.allclose(kept, variances[-1], rtol=1e-3)
    assert last_checkpoint(tmp_path)["state_dict"]["model.layers.0.num_batches_tracked"] == 12


def test_masks_and_endless_numbers_stay_as_they_are(tmp_path):
    model = Layered()
    model.register_buffer("mask", torch.tensor([True, False]))
    model.register_buffer("bias", torch.tensor([0.0, -torch.inf]))
    quick_fit(Classifier(model, 3, 0.01, averaged=1.0), tmp_path, epochs=2)
    assert model.mask.tolist() == [True, False]
    assert model.bias.tolist() == [0.0, -torch.inf]


def test_a_learner_learns_on_in_another_folder(tmp_path):
    learner = Classifier(Tiny(), 3, 0.01, averaged=1.0)
    first = quick_fit(learner, tmp_path / "first", epochs=2)
    assert quick_fit(learner, tmp_path / "second", epochs=2).best_loss < first.best_loss


def test_every_learner_of_this_kind_takes_what_a_recipe_says():
    settings = ClassifierSettings.model_validate(
        {"kind": "train-classifier", "model": "mtl", "epochs": 1}
        | {"averaged": 2.0, "weight_decay": 0.1, "halve_after": 3, "stop_after": 4}
    )
    told = settings.schedule()
    assert told == {"averaged": 2.0, "weight_decay": 0.1, "halve_after": 3, "stop_after": 4}
    heads = build("mtl", ("BPSK", "QPSK"), protocols=("A", "B"))
    for learner in (
        Classifier(Tiny(), 3, 1e-3, **told),
        WeightedClassifier(Tiny(), 3, 1e-3, **told),
        Reconstruction(Tiny(), 3, 1e-3, **told),
        Distillation(Tiny(), 3, 1e-3, Tiny(), **told),
        PairClassifier(Tiny(), 3, 1e-3, **told),
        MultiTask(heads, 1e-3, weights=None, **told),
    ):
        assert (learner.averaged, learner.weight_decay) == (2.0, 0.1)
        assert (learner.schedule.rate.epochs, learner.schedule.stop.epochs) == (3, 4)
        *_, rest = learner.configure_optimizers().param_groups
        assert rest["weight_decay"] == 0  # biases, and the weights of the losses


@pytest.mark.parametrize("name", ["averaged", "weight_decay"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_no_average_and_no_decay_is_refused(name, value):
    with pytest.raises(HertzianError, match="is a number above 0"):
        Classifier(Tiny(), 3, 1e-3, **{name: value})


def test_an_average_over_nothing_is_refused():
    with pytest.raises(HertzianError, match="averaged over more than 0 epochs"):
        MovingAverage(0.0)
