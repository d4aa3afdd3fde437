"""What a teacher makes of every training example, worked out once instead of in every epoch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch, BatchSource, Indices, batch_loader

LOGITS = "logits"
_BATCH = 128


def outputs(model: Any, x: Tensor, similar: Sequence[str]) -> dict[str, Tensor]:
    """Return a network's `logits` and the features named.

    Raises:
        HertzianError: it has no feature of a name.
    """
    if not similar:
        return {LOGITS: model(x)}
    found: dict[str, Tensor] = model.features(x)
    for name in (LOGITS, *similar):
        if name not in found:
            raise HertzianError(
                f"{type(model).__name__} has no feature {name!r} to compare with another "
                f"network's; has {', '.join(found)}"
            )
    return {name: found[name] for name in (LOGITS, *similar)}


class TaughtDataset(Dataset[Batch]):
    """Windows, labels, and a teacher's logits and features, kept in memory as float32.

    Args:
        data: windows and labels.
        teacher: a trained network; put into evaluation mode.
        similar: its features that `Distillation` compares.
        advance: told how many windows more are done.

    Raises:
        HertzianError: the teacher has no feature of a name.
    """

    def __init__(
        self,
        data: BatchSource,
        teacher: nn.Module,
        similar: Sequence[str] = (),
        advance: Callable[[float], None] = lambda windows: None,
    ) -> None:
        self._data = data
        device = _device(teacher)
        self._told: list[Tensor] = []
        first = 0
        for x, *_ in batch_loader(data, _BATCH, None):
            with torch.no_grad():
                found = outputs(teacher.eval(), x.to(device), similar)
            if not self._told:
                self._told = [torch.empty(len(data), *one.shape[1:]) for one in found.values()]
            for kept, one in zip(self._told, found.values(), strict=True):
                kept[first : first + len(x)] = one
            first += len(x)
            advance(len(x))

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the examples at sorted `indices`: x, labels, logits [batch, classes], features."""
        rows = torch.from_numpy(indices)
        return *self._data[indices], *(one[rows] for one in self._told)


def taught_bytes(data: BatchSource, teacher: nn.Module, similar: Sequence[str]) -> int:
    """Return how much memory a `TaughtDataset` takes beside its data."""
    x, *_ = data[np.zeros(1, dtype=np.int64)]
    with torch.no_grad():
        found = outputs(teacher.eval(), x.to(_device(teacher)), similar)
    return 4 * len(data) * sum(one.numel() for one in found.values())


def _device(network: nn.Module) -> torch.device:
    return next(iter(network.parameters()), torch.empty(0)).device
