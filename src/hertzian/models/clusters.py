"""Networks whose answers are put to clusters, and clusters that have names."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hertzian.signal import MODULATION, PROTOCOL, HertzianError

_LEAST = 1e-12
"""Of a probability; its logarithm is what one window can say against a name."""


def take_centres(layer: nn.Linear, centres: Tensor, spread: float) -> None:
    """Make a layer's logits, but for what is common to all, -|z - m|^2 / spread.

    The largest is then that of the nearest centre, as K-means assigns it.

    Args:
        layer: [.., features] -> [.., clusters], with a bias.
        centres: m, [clusters, features].
        spread: the mean square distance of a point from its own centre.
    """
    narrowest = max(spread, _LEAST)
    with torch.no_grad():
        layer.weight.copy_(2 * centres / narrowest)
        layer.bias.copy_(-centres.square().sum(dim=1) / narrowest)


class Clusters(nn.Module):
    """What a network says of a window, put to clusters by a dense layer.

    Args:
        network: float32 [batch, 2, samples] -> [batch, ...].
        width: how many numbers it says of a window.
        count: number of clusters.
        bare: whether its `head` is taken off, so that it says its embedding.

    Raises:
        HertzianError: `bare`, and its embedding does not end in a `head`.
    """

    def __init__(self, network: nn.Module, width: int, count: int, *, bare: bool) -> None:
        super().__init__()
        if bare:
            if not isinstance(getattr(network, "head", None), nn.Module):
                kind = type(network).__name__
                raise HertzianError(f"{kind} has no `head` that an embedding could do without")
            network.head = nn.Identity()
        self.network = network
        self.clusters = nn.Linear(width, count)

    def points(self, x: Tensor) -> Tensor:
        """Return what is clustered, [batch, features], of float32 [batch, 2, samples]."""
        said: Tensor = self.network(x)
        return said.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, clusters] of float32 [batch, 2, samples]."""
        logits: Tensor = self.clusters(self.points(x))
        return logits

    def reorder(self, order: Sequence[int]) -> None:
        """Number the clusters anew: the first is what number `order[0]` was."""
        with torch.no_grad():
            self.clusters.weight.copy_(self.clusters.weight[list(order)])
            self.clusters.bias.copy_(self.clusters.bias[list(order)])


class NamedClusters(nn.Module):
    """Clusters that a person has named: a classifier of the names.

    The probability of a name is the sum of what its clusters contribute. A network that knows noise
    keeps its word on that: what it takes for noise is in no cluster.

    Args:
        clusters: with their number as output.
        of_modulation: what each cluster contributes to each class, rows that sum to 1, float32
            [clusters, classes].
        of_protocol: to each protocol, likewise; None for a network that names none.
        noise: where noise is among the answers of the network, among the modulations, and among
            the protocols, if there are any; None for a network that does not know it.
    """

    def __init__(
        self,
        clusters: Clusters,
        of_modulation: Tensor,
        of_protocol: Tensor | None = None,
        noise: tuple[int, int, int] | None = None,
    ) -> None:
        super().__init__()
        self.clusters = clusters
        self.noise = noise
        self.of_modulation: Tensor
        self.of_protocol: Tensor | None
        self.register_buffer("of_modulation", of_modulation, persistent=False)
        self.register_buffer("of_protocol", of_protocol, persistent=False)

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """Return logits [batch, classes], or by head, of float32 [batch, 2, samples]."""
        said = self.clusters.points(x)
        shares = self.clusters.clusters(said).softmax(dim=1)
        silent = None if self.noise is None else said.softmax(dim=1)[:, self.noise[0], None]
        modulation = self._named(shares, self.of_modulation, silent, 1)
        if self.of_protocol is None:
            return modulation
        return {
            MODULATION: modulation,
            PROTOCOL: self._named(shares, self.of_protocol, silent, 2),
        }

    def _named(self, shares: Tensor, members: Tensor, silent: Tensor | None, place: int) -> Tensor:
        """Return the log-probability of each name."""
        named = shares @ members
        if self.noise is not None and silent is not None:
            own = torch.zeros(members.shape[1], device=named.device)
            own[self.noise[place]] = 1.0
            named = named * (1 - silent) + silent * own
        return (named + _LEAST).log()
