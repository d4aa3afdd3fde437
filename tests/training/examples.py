"""Three classes that are quickly told apart, and a network that takes no time to train."""

import numpy as np
import torch
from torch import nn

from hertzian.training import ArrayDataset, fit


def windows(count, seed, samples=1024, offset=0.001):
    """BPSK, QPSK and noise: 3 samples a symbol, 20 dB, any phase.

    The carrier is off by up to `offset` cycles per sample.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    quarters = rng.integers(0, 4, (count, samples // 3 + 1))
    quarters[labels == 0] &= 2
    symbols = np.exp(1j * np.pi / 2 * quarters).repeat(3, axis=1)[:, :samples]
    phase = rng.random((count, 1)) + rng.uniform(-offset, offset, (count, 1)) * np.arange(samples)
    noise = rng.normal(size=(2, count, samples)).T.reshape(samples, count, 2) @ [1, 1j]
    noise = noise.T / np.sqrt(2)
    z = np.where(labels[:, None] == 2, noise, symbols * np.exp(2j * np.pi * phase) + 0.1 * noise)
    return ArrayDataset([(np.stack([z.real, z.imag], axis=1).astype(np.float16), labels)])


def moments(x):
    """Return E|z|^4, |E z^2| and |E z^4| of windows brought to unit power: [batch, 3]."""
    z = torch.complex(x[:, 0], x[:, 1])
    z = z / z.abs().square().mean(1, keepdim=True).sqrt()
    found = [z.abs().pow(4).mean(1), z.pow(2).mean(1).abs(), z.pow(4).mean(1).abs()]
    return torch.stack(found, 1)


class Tiny(nn.Module):
    """Moments of the input, dropout and a linear layer: quick, and the same on every run."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(3, 3))

    def forward(self, x):
        return self.features(x)["logits"]

    def features(self, x):
        return {"logits": self.head(moments(x))}


class Layered(nn.Module):
    """Two layers on the moments of the input, with the same first weights on every run."""

    def __init__(self, outputs=3):
        super().__init__()
        torch.manual_seed(2)
        self.layers = nn.Sequential(
            nn.BatchNorm1d(3), nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, outputs)
        )

    def forward(self, x):
        return self.layers(moments(x))


def quick_fit(learner, directory, epochs, **options):
    """Train on 384 windows in steps of 64, on one thread and without a bar."""
    settings = {"batch_size": 64, "threads": 1, "progress": False, "seed": 1, **options}
    train, validation = windows(384, 1, 128), windows(192, 2, 128)
    return fit(learner, train, validation, epochs=epochs, directory=directory, **settings)


def last_checkpoint(directory):
    return torch.load(directory / "last.ckpt", weights_only=True)
