import numpy as np
import pytest
import torch
from torch import nn

from hertzian.models import build
from hertzian.models.clusters import Clusters, NamedClusters, take_centres
from hertzian.signal import HertzianError


class Answering(nn.Module):
    """Says the first samples of I."""

    def __init__(self, count=3):
        super().__init__()
        self.count = count
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x[:, 0, : self.count]


def clusters(centres, spread=2.0):
    model = Clusters(Answering(), 3, len(centres), bare=False)
    take_centres(model.clusters, torch.tensor(centres), spread)
    return model.eval()


CENTRES = [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [1.0, 1.0, 1.0]]


def test_logits_are_distances_from_centres():
    x = torch.randn(50, 2, 8, generator=torch.Generator().manual_seed(0))
    logits = clusters(CENTRES, spread=0.7)(x)
    distances = (x[:, 0, None, :3] - torch.tensor(CENTRES)).square().sum(2)
    expected = (-distances / 0.7).softmax(1)
    torch.testing.assert_close(logits.softmax(1), expected)


def test_clusters_are_numbered_anew():
    x = torch.randn(9, 2, 8)
    model = clusters(CENTRES)
    before = model(x)
    model.reorder([2, 0, 3, 1])
    torch.testing.assert_close(model(x), before[:, [2, 0, 3, 1]])


def test_an_embedding_is_what_the_head_gets():
    network = build("dtc", ["a", "b", "c"], samples=32).eval()
    x = torch.randn(4, 2, 32)
    expected = network.features(x)["embedding"]
    model = Clusters(network, 64, 5, bare=True).eval()
    torch.testing.assert_close(model.points(x), expected)
    assert model(x).shape == (4, 5)
    with pytest.raises(HertzianError, match="Answering has no `head`"):
        Clusters(Answering(), 3, 2, bare=True)


def test_clusters_of_one_name_add_up():
    x = torch.randn(20, 2, 8)
    inner = clusters(CENTRES)
    shares = inner(x).softmax(1)
    of_modulation = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0.75, 0.25]])
    found = NamedClusters(inner, of_modulation)(x).exp()
    second = shares[:, [0, 2]].sum(1) + 0.75 * shares[:, 3]
    expected = torch.stack([shares[:, 1], second, 0.25 * shares[:, 3]], 1)
    torch.testing.assert_close(found, expected)


def test_what_is_noise_is_in_no_cluster():
    x = torch.randn(20, 2, 8)
    inner = clusters(CENTRES)
    silent = x[:, 0, :3].softmax(1)[:, 1]
    shares = inner(x).softmax(1)
    of_modulation = torch.eye(3)[[0, 1, 1, 0]]
    of_protocol = torch.eye(2)[[0, 1, 1, 1]]
    # answer 1 is noise, which is class 2 of the modulations and class 0 of the protocols
    said = NamedClusters(inner, of_modulation, of_protocol, noise=(1, 2, 0))(x)
    found = said["modulation"].exp()
    torch.testing.assert_close(found.sum(1), torch.ones(20))
    torch.testing.assert_close(found[:, 2], silent)
    torch.testing.assert_close(found[:, 1], (1 - silent) * shares[:, [1, 2]].sum(1))
    protocol = said["protocol"].exp()
    torch.testing.assert_close(protocol[:, 0], silent + (1 - silent) * shares[:, 0])
    np.testing.assert_allclose(protocol.detach().sum(1), 1, atol=1e-5)
