import numpy as np
import pytest
import torch
from tests.training.examples import Layered, moments, windows
from torch import nn

from hertzian.evaluation.clusters import cluster_block
from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset, Settling, fit
from hertzian.training.semantic import (
    Contrast,
    Neighbours,
    SemanticClustering,
    contrast_loss,
    nearest_neighbours,
)

OPTIONS = {"batch_size": 64, "threads": 1, "progress": False}


def test_the_contrast_is_equation_1():
    first, second = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1))
    both = np.concatenate([first, second]).astype(float)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    alike = np.exp(both @ both.T / 0.5)
    partner = np.roll(np.arange(10), 5)
    losses = [
        -np.log(alike[i, partner[i]] / (alike[i].sum() - alike[i, i])) for i in range(len(both))
    ]
    assert contrast_loss(first, second, 0.5).item() == pytest.approx(np.mean(losses), rel=1e-5)


def test_views_of_a_window_find_each_other(tmp_path):
    data = windows(600, 1, 128)
    result = fit(Contrast(Layered(8), 1e-2), data, data, epochs=8, directory=tmp_path, **OPTIONS)
    assert result.best_accuracy > 10 / 64  # chance is 1/64


def test_neighbours_are_the_nearest_by_angle():
    angles = np.array([0.0, 0.1, 0.25, 2.0, 2.1, 2.3])
    points = np.float32([3, 1, 2, 1, 5, 1])[:, None] * np.stack([np.cos(angles), np.sin(angles)]).T
    found = nearest_neighbours(points.astype(np.float32), 2)
    assert [set(near) for near in found.tolist()] == [
        *({1, 2}, {0, 2}, {0, 1}),
        *({4, 5}, {3, 5}, {3, 4}),
    ]
    alike = nearest_neighbours(np.ones((5, 2), np.float32), 3)
    assert all(i not in near for i, near in enumerate(alike.tolist()))
    for count in (0, 6):
        with pytest.raises(HertzianError, match="not possible"):
            nearest_neighbours(points, count)


def test_each_window_comes_with_a_neighbour():
    data = ArrayDataset([(np.arange(40, dtype=np.float32).reshape(10, 2, 2), np.arange(10))])
    near = np.stack([(np.arange(10) + 3) % 10, (np.arange(10) + 7) % 10], axis=1)
    source = Neighbours(data, near)
    assert len(source) == 10
    rows = np.array([0, 4, 8, 9])
    x, labels, others = source[rows]
    assert labels.tolist() == rows.tolist()
    of = (others[:, 0, 0] / 4).long().numpy()
    assert all(of[place] in near[row] for place, row in enumerate(rows))
    assert torch.equal(x[:, 0, 0], torch.tensor(rows * 4.0))
    assert torch.equal(others, source[rows][2])
    drawn = {tuple((source[np.arange(k)][2][:2, 0, 0] / 4).tolist()) for k in range(2, 10)}
    assert len(drawn) > 1


def test_the_loss_is_equation_2():
    ours, theirs = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(3))
    learner = SemanticClustering(nn.Identity(), 4, 1e-3, Settling(), entropy=5.0)
    p, q = (one.double().softmax(dim=1).numpy() for one in (ours, theirs))
    mean = p.mean(axis=0)
    expected = -np.log((p * q).sum(axis=1)).mean() + 5 * (mean * np.log(mean)).sum()
    loss = learner._loss(ours.log_softmax(dim=1), theirs.log_softmax(dim=1))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_clusters_are_what_neighbours_share(tmp_path):
    data = windows(600, 5, 128)
    x, labels = data[np.arange(600)]
    near = nearest_neighbours(nn.BatchNorm1d(3)(moments(x)).detach().numpy(), 5)
    learner = SemanticClustering(Layered(), 3, 1e-2, Settling())
    fit(learner, Neighbours(data, near), data, epochs=15, directory=tmp_path, **OPTIONS)
    assert cluster_block(labels.numpy(), learner.assigned.numpy())["acc"] > 0.9


@pytest.mark.parametrize("kind", ["contrast", "semantic"])
def test_an_interrupted_training_goes_on_to_the_same_result(tmp_path, kind):
    data = windows(300, 5, 128)
    near = np.stack([(np.arange(300) + step) % 300 for step in (1, 7, 50)], axis=1)

    def run(folder, *epochs):
        for most in epochs:
            if kind == "contrast":
                learner, taught = Contrast(Layered(8), 1e-2, stop_after=None, seed=4), data
            else:
                learner = SemanticClustering(Layered(), 3, 1e-3, Settling(1.0, 9))
                taught = Neighbours(data, near)
            fit(learner, taught, data, epochs=most, directory=folder, **OPTIONS)
        return learner.state_dict()

    whole, resumed = run(tmp_path / "a", 6), run(tmp_path / "b", 3, 6)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())
