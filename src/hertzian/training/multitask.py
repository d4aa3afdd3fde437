"""Several tasks at once: one network, a head and a loss for each.

Jagannath and Jagannath, Multi-task learning approach for modulation and wireless signal
classification for 5G and beyond, 2022, eq. 1-2.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchmetrics import MeanSquaredError, Metric
from torchmetrics.classification import MulticlassAccuracy

from hertzian.models.heads import MultiHead, Quantity
from hertzian.signal import MODULATION, HertzianError
from hertzian.training.batches import Batch, BatchSource, Indices
from hertzian.training.plateau import Classifier

_NO_CLASS = -1


class TaskDataset(Dataset[Batch]):
    """Windows, labels, and what else each example is to be told, read a batch at a time.

    Args:
        data: windows and labels.
        targets: [n] each: int, -1 where there is no class, or float, NaN where nothing is known.

    Raises:
        HertzianError: another number of them.
    """

    def __init__(self, data: BatchSource, targets: Sequence[npt.NDArray[np.generic]]) -> None:
        if any(one.shape != (len(data),) for one in targets):
            raise HertzianError(
                f"targets: expected {len(data)} each, one for each example, found "
                f"{', '.join(str(list(one.shape)) for one in targets)}"
            )
        self._data = data
        self._targets = [
            np.asarray(one, np.float32 if one.dtype.kind == "f" else np.int64) for one in targets
        ]

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the examples at sorted `indices`: float32 [batch, 2, samples], then [batch] each."""
        told = [torch.from_numpy(one[indices]) for one in self._targets]
        return *self._data[indices], *told


class MultiTask(Classifier):
    """The weighted sum of every head's loss (eq. 1).

    A head of classes has the cross-entropy of the examples that have one, a quantity the Huber
    loss of its error in standard deviations, where it is known. With learned weights (Kendall, Gal
    and Cipolla 2018) a loss L counts as exp(-s) L + s / 2, s = log sigma^2 learned beside the
    network. The validation loss is the sum with the given weights, or with equal ones.

    The figure `validation_accuracy` is the modulation's; `validation_accuracy_HEAD` and
    `validation_error_HEAD` (root mean square, in the quantity's unit) are those of the others.

    Args:
        model: first head `modulation`; its other heads are told in the order of the batch.
        learning_rate: of the first epochs.
        weights: of each head; None learns them.
        halve_after, stop_after, averaged, weight_decay: see `Classifier`; the paper stops after 5.

    Raises:
        HertzianError: weights of other heads, negative ones, or none above zero.
    """

    def __init__(
        self,
        model: MultiHead,
        learning_rate: float,
        *,
        weights: Mapping[str, float] | None,
        halve_after: int | None = None,
        stop_after: int | None = 5,
        averaged: float | None = None,
        weight_decay: float | None = None,
    ) -> None:
        sizes = model.outputs
        super().__init__(
            model,
            sizes[MODULATION],
            learning_rate,
            halve_after=halve_after,
            stop_after=stop_after,
            averaged=averaged,
            weight_decay=weight_decay,
        )
        if weights is not None:
            _check(weights, list(sizes))
        self.weights = dict.fromkeys(sizes, 1.0) if weights is None else dict(weights)
        self.log_variances = nn.Parameter(torch.zeros(len(sizes))) if weights is None else None
        self._quantities = [n for n, head in model.heads.items() if isinstance(head, Quantity)]
        self.figures = nn.ModuleDict(
            {name: self._figure(name, size) for name, size in sizes.items()}
        )

    def _figure(self, name: str, size: int) -> Metric:
        if name == MODULATION:
            return self.validation_accuracy
        if name in self._quantities:
            return MeanSquaredError(squared=False)
        return MulticlassAccuracy(size, average="micro")

    def losses(self, answers: Mapping[str, Tensor], targets: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return the mean loss of each head, 0 where no example of the batch tells anything."""
        found = {}
        for (name, answer), target in zip(answers.items(), targets, strict=True):
            if name in self._quantities:
                found[name] = self._error_loss(name, answer.float(), target)
            else:
                total = nn.functional.cross_entropy(
                    answer.float(), target, ignore_index=_NO_CLASS, reduction="sum"
                )
                found[name] = total / self._known(name, target).sum().clamp(min=1)
        return found

    def _error_loss(self, name: str, answer: Tensor, target: Tensor) -> Tensor:
        known = self._known(name, target)
        head = cast(Quantity, cast(MultiHead, self.model).heads[name])
        errors = head.errors(answer[:, 0], torch.where(known, target, answer[:, 0]))
        total = nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="sum")
        return total / known.sum().clamp(min=1)

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the joint loss of (x, modulation, what each further head is told)."""
        x, *targets = batch
        losses = self.losses(self.train_forward(x), targets)
        if self.log_variances is None:
            return self._weighted(losses)
        stacked = torch.stack(list(losses.values()))
        # a head that is told nothing shall not learn that it is easy
        told = torch.stack([self._known(*each).any() for each in zip(losses, targets, strict=True)])
        weighted = torch.exp(-self.log_variances) * stacked + self.log_variances / 2
        return (weighted * told).sum()

    def _known(self, name: str, target: Tensor) -> Tensor:
        """Return of which examples [batch] a head is told something."""
        return torch.isfinite(target) if name in self._quantities else target != _NO_CLASS

    def _weighted(self, losses: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Add one batch to the validation figures."""
        x, *targets = batch
        answers = self.model(x)
        size = len(x)
        loss = self._weighted(self.losses(answers, targets))
        self.log("validation_loss", loss, batch_size=size)
        for (name, answer), target in zip(answers.items(), targets, strict=True):
            self._log_figure(name, answer.float(), target)

    def _log_figure(self, name: str, answer: Tensor, target: Tensor) -> None:
        figure = cast(Metric, self.figures[name])
        known = self._known(name, target)
        if known.any():
            said = answer[known, 0] if name in self._quantities else answer[known]
            figure.update(said, target[known])
        kind = "error" if name in self._quantities else "accuracy"
        called = f"validation_{kind}" + ("" if name == MODULATION else f"_{name}")
        self.log(called, figure, prog_bar=name == MODULATION, batch_size=len(target))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam, or AdamW, on the network, and on the weights where they are learned."""
        optimizer = super().configure_optimizers()
        if self.log_variances is not None:
            optimizer.add_param_group({"params": [self.log_variances], "weight_decay": 0.0})
        return optimizer


def _check(weights: Mapping[str, float], heads: Sequence[str]) -> None:
    if set(weights) != set(heads):
        raise HertzianError(
            f"weights: expected one for each of {', '.join(heads)}, found {', '.join(weights)}"
        )
    if min(weights.values()) < 0 or not sum(weights.values()) > 0:
        raise HertzianError(
            f"weights: expected 0 or more each and more than 0 in all, found {dict(weights)}"
        )
