import numpy as np
import pytest
import torch
from torch import nn

from hertzian.models import build
from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset, fit, history


def _windows(count, seed):
    """BPSK, QPSK and noise: 3 samples a symbol, 20 dB, any phase, small carrier offset."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    quarters = rng.integers(0, 4, (count, 342))
    quarters[labels == 0] &= 2
    symbols = np.exp(1j * np.pi / 2 * quarters).repeat(3, axis=1)[:, :1024]
    phase = rng.random((count, 1)) + rng.uniform(-0.01, 0.01, (count, 1)) * np.arange(1024)
    noise = rng.normal(size=(2, count, 1024)).T.reshape(1024, count, 2) @ [1, 1j]
    noise = noise.T / np.sqrt(2)
    z = np.where(labels[:, None] == 2, noise, symbols * np.exp(2j * np.pi * phase) + 0.1 * noise)
    return ArrayDataset([(np.stack([z.real, z.imag], axis=1).astype(np.float16), labels)])


class _Tiny(nn.Module):
    """Two moments of the input and a linear layer: quick, and the same on every run."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.head = nn.Linear(3, 3)

    def forward(self, x):
        z = torch.complex(x[:, 0], x[:, 1])
        z = z / z.abs().square().mean(1, keepdim=True).sqrt()
        moments = [z.abs().pow(4).mean(1), z.pow(2).mean(1).abs(), z.pow(4).mean(1).abs()]
        return self.head(torch.stack(moments, 1))


def _fit(model, directory, **options):
    settings = {"class_count": 3, "epochs": 2, "batch_size": 64, "learning_rate": 2e-3}
    settings |= {"threads": 1, "progress": False, "seed": 1, **options}
    train, validation = _windows(512, 1), _windows(192, 2)
    return fit(model, train, validation, directory=directory, **settings)


def test_field_learns_bpsk_qpsk_and_noise(tmp_path):
    model = build("field", ("BPSK", "QPSK", "noise"))
    result = _fit(model, tmp_path, epochs=4, precision="bf16-mixed")
    assert result.complete
    assert result.best_accuracy > 0.8  # chance is a third
    x, labels = _windows(192, 2)[np.arange(192)]
    assert not model.training
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == labels).float().mean().item()
    assert accuracy == pytest.approx(result.best_accuracy, abs=0.03)  # bfloat16 against float32


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path):
    whole, stopped, resumed = _Tiny(), _Tiny(), _Tiny()
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


def test_a_finished_run_trains_no_further(tmp_path):
    first = _fit(_Tiny(), tmp_path)
    before = first.last_checkpoint.read_bytes()
    again = _fit(_Tiny(), tmp_path)
    assert again.complete
    assert again.best_accuracy == first.best_accuracy
    assert first.last_checkpoint.read_bytes() == before


def test_another_networks_checkpoint_is_refused(tmp_path):
    _fit(_Tiny(), tmp_path)
    other = nn.Sequential(nn.Flatten(), nn.Linear(2048, 3))
    with pytest.raises(HertzianError, match=r"last\.ckpt: cannot go on from this checkpoint"):
        _fit(other, tmp_path)


def test_no_epochs_are_refused(tmp_path):
    with pytest.raises(HertzianError, match="epochs must be 1 or more"):
        _fit(_Tiny(), tmp_path, epochs=0)
