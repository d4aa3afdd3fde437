"""Several answers from one network: every task has a last part of its own."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hertzian.signal import MODULATION, POSITIVE, HertzianError

_LARGEST_LOG = 80.0


class Quantity(nn.Module):
    """A head of one number, in its own unit: the last part's answer times a deviation, plus a mean.

    Args:
        head: [batch, ...] -> [batch, 1].
        positive: whether the number is above zero; mean and deviation are then of its logarithm.
    """

    def __init__(self, head: nn.Module, positive: bool = False) -> None:
        super().__init__()
        self.head = head
        self.positive = positive
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def standardise(self, values: Tensor) -> None:
        """Take mean and deviation of the values to learn, those that are finite.

        Raises:
            HertzianError: there are fewer than two different ones, or one isn't above zero as it
                should be.
        """
        known = values[torch.isfinite(values)].double()
        if self.positive and not bool((known > 0).all()):
            raise HertzianError(f"a positive quantity can't learn from {float(known.min()):g}")
        known = known.log() if self.positive else known
        deviation = known.std() if len(known) > 1 else torch.zeros(())
        if not deviation > 0:
            raise HertzianError("a quantity needs two different values or more to learn from")
        self.mean.copy_(known.mean())
        self.deviation.copy_(deviation)

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, 1]."""
        answer: Tensor = self.head(x)
        # a unit may have many digits, which half precision hasn't
        number = answer.float() * self.deviation + self.mean
        # in single precision no exponential over- or underflows within these limits
        return torch.exp(number.clamp(-_LARGEST_LOG, _LARGEST_LOG)) if self.positive else number

    def errors(self, answers: Tensor, truth: Tensor) -> Tensor:
        """Return how far answers are from the truth, in standard deviations."""
        if self.positive:
            return (answers.log() - truth.log()) / self.deviation
        return (answers - truth) / self.deviation


class MultiHead(nn.Module):
    """A network of which everything but the last part, its `head`, is shared by the tasks.

    Hard parameter sharing (Caruana 1997). A network can carry several heads where its logits are
    `head` of one tensor; that is whatever comes in there, and each task's head has the structure
    of the network's own.

    Args:
        make: builds the network with fresh weights for a head and its number of outputs.
        classes: the number of classes of each head that names one.
        quantities: heads of one number, each a `Quantity`.

    Attributes:
        outputs: how many numbers each head gives, by name.

    Raises:
        HertzianError: no heads, two of one name, fewer than 2 classes, or the network has no
            `head`.
    """

    def __init__(
        self,
        make: Callable[[str, int], nn.Module],
        classes: Mapping[str, int],
        quantities: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.outputs = {**classes, **dict.fromkeys(quantities, 1)}
        _check(classes, quantities)
        built = [make(name, count) for name, count in self.outputs.items()]
        if not all(isinstance(getattr(network, "head", None), nn.Module) for network in built):
            kind = type(built[0]).__name__
            raise HertzianError(
                f"{kind} can't carry several heads: its logits are not `head` of one tensor"
            )
        self.heads = nn.ModuleDict()
        # Built once per task, so that a head's first weights are those of its number of outputs.
        for name, network in zip(self.outputs, built, strict=True):
            head = network.get_submodule("head")
            self.heads[name] = Quantity(head, name in POSITIVE) if name in quantities else head
        built[0].head = nn.Identity()
        self.network: Any = built[0]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return what each head says of float32 [batch, 2, samples]: [batch, outputs]."""
        shared = self.network(x)
        return {name: head(shared) for name, head in self.heads.items()}

    def alone(self, head: str) -> nn.Module:
        """Return a copy of the network with one of the heads."""
        network: nn.Module = copy.deepcopy(self.network)
        network.head = copy.deepcopy(self.heads[head])
        return network

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the shared network's features."""
        found: dict[str, Tensor] = self.network.features(x)
        return {name: value for name, value in found.items() if name != "logits"}


def outputs_of(network: nn.Module, class_count: int) -> dict[str, int]:
    """Return how many numbers each head of a network gives, by name.

    Args:
        network: of several heads, or of one, which is then the modulation's.
        class_count: number of modulations.
    """
    return network.outputs if isinstance(network, MultiHead) else {MODULATION: class_count}


def _check(classes: Mapping[str, int], quantities: Sequence[str]) -> None:
    named = [*classes, *quantities]
    if not named:
        raise HertzianError("a network needs one head or more")
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise HertzianError(f"two heads are called {twice[0]!r}")
    few = [name for name, count in classes.items() if count < 2]
    if few:
        raise HertzianError(
            f"head {few[0]!r} has {classes[few[0]]} class(es), but 2 or more are needed"
        )
