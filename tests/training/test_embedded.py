import numpy as np
import pytest
import torch
from tests.training.examples import windows
from torch import nn

from hertzian.training import ArrayDataset, Settling, fit
from hertzian.training.embedded import (
    Autoencoder,
    Autoencoding,
    EmbeddedClustering,
    EmbeddedClusters,
)

OPTIONS = {"batch_size": 64, "threads": 1, "progress": False}


def waves(count, seed, samples=32):
    """Two tones of any phase in little noise: what an autoencoder can give back."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    phase = (
        2 * np.pi * (rng.random((count, 1)) + np.outer([0.05, 0.21], np.arange(samples))[labels])
    )
    noise = 0.05 * rng.normal(size=(count, 2, samples))
    x = np.stack([np.cos(phase), np.sin(phase)], axis=1) + noise
    return ArrayDataset([(x.astype(np.float32), labels)])


def test_an_autoencoder_gives_windows_back(tmp_path):
    torch.manual_seed(3)
    model = Autoencoder(32, (64, 6))
    data = waves(600, 1)
    result = fit(Autoencoding(model, 3e-3), data, data, epochs=30, directory=tmp_path, **OPTIONS)
    assert result.best_accuracy > 0.9
    x, _ = waves(50, 7)[np.arange(50)]
    with torch.no_grad():
        left = (model(x) - model.window(x)).square().mean() / model.window(x).square().mean()
        assert model.encode(x).shape == (50, 6)
    assert left < 0.1


def test_answers_are_students_t_around_the_centres():
    torch.manual_seed(3)
    coder = Autoencoder(32, (16, 4))
    centres = torch.randn(3, 4)
    model = EmbeddedClusters(coder, centres)
    x, _ = waves(20, 2)[np.arange(20)]
    with torch.no_grad():
        code, said = coder.encode(x).numpy(), model(x).softmax(dim=1).numpy()
    near = 1 / (1 + np.square(code[:, None] - centres.numpy()[None]).sum(axis=2))
    np.testing.assert_allclose(said, near / near.sum(axis=1, keepdims=True), rtol=1e-4)


def test_the_loss_is_the_divergence_from_the_sharpened_answers():
    logits = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    learner = EmbeddedClustering(nn.Identity(), 4, 1e-3, Settling())
    q = logits.double().softmax(dim=1).numpy()
    for frequencies in (q.mean(axis=0), np.array([0.1, 0.2, 0.3, 0.4])):
        p = q**2 / frequencies
        p /= p.sum(axis=1, keepdims=True)
        expected = (p * np.log(p / q)).sum(axis=1).mean()
        assert learner.clustering_loss(logits).item() == pytest.approx(expected, rel=1e-4)
        learner.frequencies.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    learner.look_at(logits)
    np.testing.assert_allclose(learner.frequencies, q.mean(axis=0), rtol=1e-5)


def test_clusters_get_sharper_without_labels(tmp_path):
    torch.manual_seed(3)
    coder, data = Autoencoder(32, (64, 6)), waves(600, 1)
    fit(Autoencoding(coder, 3e-3), data, data, epochs=10, directory=tmp_path / "a", **OPTIONS)
    x, _ = data[np.arange(600)]
    with torch.no_grad():
        model = EmbeddedClusters(coder, coder.encode(x)[:3])
        before = model(x).softmax(dim=1).amax(dim=1).mean()
    learner = EmbeddedClustering(model, 3, 1e-3, Settling(0.99, 1))
    fit(learner, data, data, epochs=15, directory=tmp_path / "b", **OPTIONS)
    with torch.no_grad():
        after = model(x).softmax(dim=1).amax(dim=1).mean()
    assert after > before + 0.05
    assert learner.frequencies.sum().item() == pytest.approx(1, abs=1e-4)


def test_an_interrupted_clustering_goes_on_to_the_same_result(tmp_path):
    data = waves(300, 1)
    x, _ = data[np.arange(3)]

    def run(folder, *epochs):
        for most in epochs:
            torch.manual_seed(3)
            coder = Autoencoder(32, (16, 4))
            with torch.no_grad():
                model = EmbeddedClusters(coder, coder.encode(x))
            learner = EmbeddedClustering(model, 3, 1e-3, Settling(1.0, 9))
            fit(learner, data, data, epochs=most, directory=folder, **OPTIONS)
        return learner

    whole, resumed = run(tmp_path / "a", 6), run(tmp_path / "b", 3, 6)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert torch.equal(whole.assigned, resumed.assigned)


def test_silence_is_coded_too():
    learner = Autoencoding(Autoencoder(128, (8, 2)), 1e-3)
    silence = torch.zeros(3, 2, 128)
    assert torch.isfinite(learner.training_loss((silence, torch.zeros(3))))
    x, labels = windows(4, 1, 128)[np.arange(4)]
    assert torch.isfinite(learner.training_loss((x, labels)))
