import numpy as np
import pytest
import torch
from tests.training.examples import Tiny, windows
from torch import nn

from hertzian.signal import HertzianError
from hertzian.training import Classifier, fit, history


class _Watched(Classifier):
    """Remembers the first layer's weights after every step."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.seen = []

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.seen.append(self._first().detach().double().clone())

    def _first(self):
        return next(self.model.parameters())


def _fit(learner, directory, epochs, **options):
    settings = {"batch_size": 64, "threads": 1, "progress": False, "seed": 1, **options}
    train, validation = windows(384, 1, 128), windows(192, 2, 128)
    return fit(learner, train, validation, epochs=epochs, directory=directory, **settings)


def _last(directory):
    return torch.load(directory / "last.ckpt", weights_only=True)


def test_it_is_the_average_that_a_sum_over_all_steps_gives(tmp_path):
    learner = _Watched(Tiny(), 3, 0.05, averaged=0.5)
    _fit(learner, tmp_path, epochs=8)
    steps = np.arange(len(learner.seen))
    assert len(steps) == 8 * 6
    # the newest of step n counts 1 / min(3, 1 + n / 9), the ones before what that leaves
    newest = 1 / np.minimum(3, 1 + steps / 9)
    left = np.append(np.cumprod((1 - newest)[:0:-1])[::-1], 1.0)
    wanted = sum(w * s for w, s in zip(newest * left, learner.seen, strict=True))
    assert (newest * left).sum() == pytest.approx(1.0)
    kept = _last(tmp_path)
    name = next(name for name, _ in learner.model.named_parameters())
    torch.testing.assert_close(kept["state_dict"][f"model.{name}"].double(), wanted)
    torch.testing.assert_close(
        kept["current_model_state"][f"model.{name}"].double(), learner.seen[-1]
    )


def test_the_average_is_what_is_validated_and_kept(tmp_path):
    learner = Classifier(Tiny(), 3, 0.05, averaged=1.0)
    result = _fit(learner, tmp_path, epochs=5)
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
        _fit(Classifier(Tiny(), 3, 0.5, averaged=averaged), folder, epochs=24)
        return np.abs(np.diff([e["validation_loss"] for e in history(folder)][12:])).mean()

    assert jumps(2.0) < 0.5 * jumps(None)


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path):
    def learner():
        torch.manual_seed(0)
        return Classifier(Tiny(), 3, 0.9, halve_after=1, stop_after=6, averaged=0.7)

    whole = _fit(learner(), tmp_path / "whole", epochs=8)
    for _ in range(8):
        parts = _fit(learner(), tmp_path / "parts", epochs=8, max_minutes=0.0)
    assert parts.complete
    assert (parts.epochs, parts.best_loss) == (whole.epochs, whole.best_loss)
    ends = [_last(tmp_path / run) for run in ("whole", "parts")]
    for state in ("state_dict", "current_model_state", "averaging_state"):
        one, other = (end[state] for end in ends)
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("epochs", [0.0, -1.0, float("nan")])
def test_an_average_over_nothing_is_refused(epochs):
    with pytest.raises(HertzianError, match="averaged over more than 0 epochs"):
        Classifier(Tiny(), 3, 1e-3, averaged=epochs)
