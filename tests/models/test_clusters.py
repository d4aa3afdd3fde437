import pytest
import torch
from torch import nn

from hertzian.models import build
from hertzian.models.clusters import Clusters, Hearing, NamedClusters, take_centres
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


CLASSES = ("OOK", "2FSK", "unknown", "noise")


def test_clusters_of_one_name_add_up():
    x = torch.randn(20, 2, 8)
    inner = clusters(CENTRES)
    shares = inner(x).softmax(1)
    found = NamedClusters(inner, ["2FSK", "OOK", "2FSK", "unknown"], CLASSES)(x).exp()
    expected = [shares[:, 1], shares[:, [0, 2]].sum(1), shares[:, 3], torch.zeros(20)]
    torch.testing.assert_close(found, torch.stack(expected, 1))


def test_what_is_noise_is_in_no_cluster_and_doubt_is_unknown():
    x = 3 * torch.randn(20, 2, 8)
    inner = clusters(CENTRES)
    # of three answers the last is noise, the other two are of two families
    hearing = Hearing(families=[0, 1, 2], noise=2, temperature=2.0, biases=[0.0, 0.5, -0.5])
    heard = (x[:, 0, :3] / 2 + torch.tensor([0.0, 0.5, -0.5])).softmax(1)
    silent, doubt, shares = heard[:, 2], heard[:, :2].amin(1), inner(x).softmax(1)
    assert (doubt > 0.1).any()
    assert (doubt < 0.1).any()
    best = torch.maximum(shares[:, [0, 3]].sum(1), shares[:, [1, 2]].sum(1))
    doubt = doubt.clamp(max=0.1) * best
    left = 1 - silent - doubt
    names, protocols = ["OOK", "2FSK", "2FSK", "OOK"], ["none", "bell", "none", "none"]
    said = NamedClusters(inner, names, CLASSES, protocols, ("bell", "none"), hearing)(x)
    found = said["modulation"].exp()
    torch.testing.assert_close(found.sum(1), torch.ones(20))
    torch.testing.assert_close(found[:, 0], left * shares[:, [0, 3]].sum(1))
    torch.testing.assert_close(found[:, 1], left * shares[:, [1, 2]].sum(1))
    torch.testing.assert_close(found[:, 2], doubt)
    torch.testing.assert_close(found[:, 3], silent)
    protocol = said["protocol"].exp()
    torch.testing.assert_close(protocol[:, 0], left * shares[:, 1])
    torch.testing.assert_close(protocol.sum(1), torch.ones(20))
