import signal

import numpy as np
import pytest
import torch
from tests.training.examples import Tiny, windows
from torch import nn

from hertzian.models import build
from hertzian.signal import HertzianError
from hertzian.training import Supervised, fit, history, steps_per_epoch


def _fit(model, directory, epochs=2, **options):
    settings = {"batch_size": 64, "threads": 1, "progress": False, "seed": 1, **options}
    train, validation = windows(512, 1, offset=0.01), windows(192, 2, offset=0.01)
    learner = Supervised(model, 3, 2e-3, epochs, steps_per_epoch(train, 64), seed=1)
    return fit(learner, train, validation, epochs=epochs, directory=directory, **settings)


def test_field_learns_bpsk_qpsk_and_noise(tmp_path):
    model = build("field", ("BPSK", "QPSK", "noise"))
    result = _fit(model, tmp_path, epochs=4, precision="bf16-mixed")
    assert result.complete
    assert result.best_accuracy > 0.8  # chance is a third
    x, labels = windows(192, 2, offset=0.01)[np.arange(192)]
    assert not model.training
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == labels).float().mean().item()
    assert accuracy == pytest.approx(result.best_accuracy, abs=0.03)  # bfloat16 against float32


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path):
    whole, stopped, resumed = Tiny(), Tiny(), Tiny()
    _fit(whole, tmp_path / "whole", epochs=4)
    first = _fit(stopped, tmp_path / "parts", epochs=4, max_minutes=0.0)
    assert (first.epochs, first.complete) == (1, False)
    second = _fit(resumed, tmp_path / "parts", epochs=4)
    assert (second.epochs, second.complete) == (4, True)
    last = [
        torch.load(tmp_path / run / "last.ckpt", weights_only=True)["state_dict"]
        for run in ("whole", "parts")
    ]
    assert all(torch.equal(last[0][name], last[1][name]) for name in last[0])
    losses = [
        [epoch["train_loss"] for epoch in history(tmp_path / run)] for run in ("whole", "parts")
    ]
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_an_interrupt_is_one_for_the_caller_too(tmp_path):
    class Interrupted(Tiny):
        def forward(self, x):
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _fit(Interrupted(), tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_that_was_moved_keeps_its_best_epoch(tmp_path):
    _fit(Tiny(), tmp_path / "here", max_minutes=0.0, epochs=3)
    (tmp_path / "here").rename(tmp_path / "there")
    last = torch.load(tmp_path / "there" / "last.ckpt", weights_only=True)
    last["state_dict"]["model.head.1.weight"] *= -100  # no epoch that is left makes up for it
    torch.save(last, tmp_path / "there" / "last.ckpt")
    kept = (tmp_path / "there" / "best.ckpt").read_bytes()
    result = _fit(Tiny(), tmp_path / "there", epochs=3)
    assert result.complete
    assert (tmp_path / "there" / "best.ckpt").read_bytes() == kept
    assert not (tmp_path / "here").exists()


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    first = _fit(Tiny(), tmp_path, max_minutes=0.0, epochs=3)
    before = first.last_checkpoint.read_bytes()

    def killed(checkpoint, path):
        assert path.parent == tmp_path
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hertzian.training.checkpoints.torch.save", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            _fit(Tiny(), tmp_path, epochs=3)
    assert first.last_checkpoint.read_bytes() == before
    assert _fit(Tiny(), tmp_path, epochs=3).complete


def test_a_fault_in_a_resumed_training_is_not_put_on_the_checkpoint(tmp_path, monkeypatch):
    _fit(Tiny(), tmp_path, max_minutes=0.0, epochs=3)

    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Supervised, "training_loss", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        _fit(Tiny(), tmp_path, epochs=3)


def test_a_network_that_was_evaluated_trains_with_its_dropout(tmp_path):
    fresh, evaluated = Tiny(), Tiny().eval()
    _fit(fresh, tmp_path / "fresh")
    _fit(evaluated, tmp_path / "evaluated")
    assert all(map(torch.equal, fresh.parameters(), evaluated.parameters()))


@pytest.mark.parametrize("fast", ["32-true", "bf16-mixed"])
def test_the_precision_that_is_fast_here_is_taken_and_told(tmp_path, monkeypatch, fast):
    monkeypatch.setattr("hertzian.training.loop.fast_precision", lambda accelerator: fast)
    assert _fit(Tiny(), tmp_path / "auto", precision="auto").precision == fast
    assert _fit(Tiny(), tmp_path / "said", precision="32-true").precision == "32-true"


def test_a_finished_run_trains_no_further(tmp_path):
    first = _fit(Tiny(), tmp_path)
    before = first.last_checkpoint.read_bytes()
    again = _fit(Tiny(), tmp_path)
    assert again.complete
    assert again.best_accuracy == first.best_accuracy
    assert first.last_checkpoint.read_bytes() == before


def test_another_networks_checkpoint_is_refused(tmp_path):
    _fit(Tiny(), tmp_path)
    other = nn.Sequential(nn.Flatten(), nn.Linear(2048, 3))
    with pytest.raises(HertzianError, match=r"last\.ckpt: cannot go on from this checkpoint"):
        _fit(other, tmp_path)


def test_no_epochs_are_refused(tmp_path):
    with pytest.raises(HertzianError, match="epochs must be 1 or more"):
        _fit(Tiny(), tmp_path, epochs=0)
