"""Networks whose answers are put to clusters, and clusters that have names."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hertzian.signal import MODULATION, PROTOCOL, HertzianError

_LEAST = 1e-12
"""Of a probability; its logarithm is what one window can say against a name."""

_MOST_DOUBT = 0.1
"""Unknown's share of the likeliest name where a network isn't sure of a family: a weak signal is
believed from 0.95 on (`recognition.rules`), and the name stays the likeliest."""


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


@dataclass(frozen=True)
class Hearing:
    """What a network, by its own answers, says of whether there is a signal, and how surely.

    Attributes:
        families: the family of each answer, numbers from 0 on.
        noise: the answer that is noise.
        temperature, biases: of its probabilities, softmax(answers / T + b).
    """

    families: Sequence[int]
    noise: int
    temperature: float
    biases: Sequence[float]


class NamedClusters(nn.Module):
    """Clusters that a person has named: a classifier of the names.

    The probability of a name is the sum of its clusters'. A network that knows noise keeps its word
    on that: what it takes for noise is in no cluster. And where it isn't sure of a family itself,
    a tenth is unknown, lest what is hardly heard be named as surely as what is plain.

    Args:
        clusters: with their number as output.
        modulations: the class of each cluster.
        classes: all names of modulations; `noise` and `unknown` are among them.
        protocols: the protocol of each cluster; empty for a network that names none.
        standards: all names of protocols; `none` is among them.
        hearing: None for a network that doesn't know noise.
    """

    def __init__(
        self,
        clusters: Clusters,
        modulations: Sequence[str],
        classes: Sequence[str],
        protocols: Sequence[str] = (),
        standards: Sequence[str] = (),
        hearing: Hearing | None = None,
    ) -> None:
        super().__init__()
        self.clusters = clusters
        self.temperature = 1.0 if hearing is None else hearing.temperature
        self.of_modulation: Tensor
        self.of_protocol: Tensor | None
        self.families: Tensor | None
        self.noise: Tensor | None
        self.biases: Tensor | None
        found = {
            "of_modulation": _members([classes.index(name) for name in modulations], len(classes)),
            "of_protocol": _members([standards.index(name) for name in protocols], len(standards))
            if protocols
            else None,
            "families": None,
            "noise": None,
            "biases": None,
        }
        if hearing is not None:
            count = len(hearing.families)
            audible = torch.ones(count, 1)
            audible[hearing.noise] = 0.0
            found["families"] = audible * _members(hearing.families, max(hearing.families) + 1)
            found["noise"] = 1 - audible
            found["biases"] = torch.tensor(hearing.biases or [0.0] * count)
        for name, value in found.items():
            self.register_buffer(name, value, persistent=False)
        self._otherwise = (
            _members([classes.index("unknown"), classes.index("noise")], len(classes)),
            _members([standards.index("none")] * 2, len(standards)) if protocols else None,
        )

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """Return logits [batch, classes], or by head, of float32 [batch, 2, samples]."""
        said = self.clusters.points(x)
        shares = self.clusters.clusters(said).softmax(dim=1)
        best = (shares @ self.of_modulation).amax(dim=1, keepdim=True)
        otherwise = self._unheard(said, best)
        modulation = _named(shares, self.of_modulation, otherwise, self._otherwise[0])
        if self.of_protocol is None or self._otherwise[1] is None:
            return modulation
        return {
            MODULATION: modulation,
            PROTOCOL: _named(shares, self.of_protocol, otherwise, self._otherwise[1]),
        }

    def _unheard(self, said: Tensor, best: Tensor) -> Tensor | None:
        """Return the probabilities of unknown and of noise, [batch, 2].

        Args:
            said: the network's answers.
            best: the share of the likeliest name, [batch, 1].
        """
        if self.families is None or self.noise is None or self.biases is None:
            return None
        heard = (said / self.temperature + self.biases).softmax(dim=1)
        silent = heard @ self.noise
        sure = (heard @ self.families).amax(dim=1, keepdim=True)
        doubt = (1 - silent - sure).clamp(min=0.0, max=_MOST_DOUBT) * best
        return torch.cat([doubt, silent], dim=1)


def _members(numbers: Sequence[int], count: int) -> Tensor:
    """Return a one at the number of each row, [rows, count]."""
    found = torch.zeros(len(numbers), count)
    found[torch.arange(len(numbers)), torch.tensor(list(numbers), dtype=torch.int64)] = 1.0
    return found


def _named(shares: Tensor, members: Tensor, otherwise: Tensor | None, places: Tensor) -> Tensor:
    """Return the log-probability of each name."""
    named = shares @ members
    if otherwise is not None:
        left = 1 - otherwise.sum(dim=1, keepdim=True)
        named = named * left + otherwise @ places.to(named.device)
    return (named + _LEAST).log()
