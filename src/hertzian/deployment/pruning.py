"""Structured pruning: whole filters and units are taken out, so that any runtime gains by it.

The filters of a layer, and what reads them, go together (Fang et al., DepGraph: Towards Any
Structural Pruning, 2023); those of the least squared weights go first (Li et al. 2017).
"""

import copy
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from hertzian.deployment.export import ExportError, save_model
from hertzian.deployment.metadata import DatasetIdentity
from hertzian.deployment.stored import Stored
from hertzian.models import MultiHead, count_macs, count_parameters
from hertzian.training.batches import BatchSource, shape_of
from hertzian.training.imitation import ImitationPlan, imitate, without_randomness
from hertzian.training.loop import FitResult

_STEPS = 7
"""Halvings in the search for the share of filters that leaves the wanted share of parameters."""

_WORTH = 0.01
"""A layer with less than this share of the weights takes no room: it stays as it is if it can."""

_WEIGHED = (nn.Linear, nn.Conv1d, nn.Conv2d)


def prune(network: nn.Module, samples: int, keep: float) -> nn.Module:
    """Return a smaller copy of a network, with the most of its filters that `keep` allows.

    Every layer that takes room loses the same share of its filters or units, but for a head's
    last one. Without further training (`training.Imitation`) the copy answers badly.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads.
        samples: length of its windows.
        keep: share of the parameters to keep at most, 0 < keep < 1.

    Raises:
        ExportError: a share outside these bounds, or the network can't be made so small.
    """
    if not 0 < keep < 1:
        raise ExportError(f"the share of the parameters to keep is between 0 and 1, not {keep:g}")
    before = count_parameters(network)
    for worth in (_WORTH, 0.0):
        smaller = _searched(network, samples, keep * before, worth)
        if count_parameters(smaller) <= keep * before:
            return smaller
    raise ExportError(
        f"{_kind(network)}: pruning leaves {count_parameters(smaller):,} of {before:,} parameters "
        f"at least, more than the {keep:g} asked for; recurrent layers and attention aren't pruned"
    )


def prune_with_training(
    stored: Stored,
    windows: tuple[BatchSource, BatchSource],
    out: Path,
    *,
    keep: float,
    directory: Path,
    plan: ImitationPlan,
    seen: Iterable[DatasetIdentity] = (),
) -> FitResult:
    """Write a smaller model, trained to answer as before: NAME.onnx, .safetensors and .json.

    Args:
        stored: the model.
        windows: to train on, and to choose the best epoch by; labels have no part in it.
        out: NAME.onnx.
        keep: see `prune`.
        directory: of the training, which goes on from what it finds there (see `training.fit`).
        plan: of the training.
        seen: the datasets that these windows are of, which the card then says it has seen.

    Raises:
        HertzianError: it can't be made so small, or the directory has another training.
    """
    metadata, structure = stored.metadata, stored.structure
    for part in windows:
        metadata.require_windows(shape_of(part))
    smaller = prune(without_randomness(stored.module), metadata.samples, keep)
    result = imitate(smaller, stored.module, metadata.heads(), windows, directory, plan)
    size = {"parameters": count_parameters(smaller), "macs": count_macs(smaller, metadata.samples)}
    told = metadata.having_seen(seen).model_copy(update={"name": out.stem, **size})
    network = structure.model_copy(update={"pruned": True}).model_dump(mode="json")
    save_model(smaller, told, out.parent, network=network, pruned_from=metadata.name)
    return result


def _searched(network: nn.Module, samples: int, most: float, worth: float) -> nn.Module:
    """Return the largest copy of `most` parameters or fewer, the smallest if there is none."""
    low, high = 0.0, 1.0
    found = None
    for _ in range(_STEPS):
        ratio = (low + high) / 2
        smaller = _without(network, samples, ratio, worth)
        if count_parameters(smaller) <= most:
            found, high = smaller, ratio
        else:
            low = ratio
    return smaller if found is None else found


def _without(network: nn.Module, samples: int, ratio: float, worth: float) -> nn.Module:
    """Return a copy without a share of the filters of every layer that takes room."""
    smaller = copy.deepcopy(network).eval()
    example = torch.zeros(2, 2, samples)
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        try:
            wanted = _shapes(smaller(example))
            torch_pruning.pruner.BasePruner(
                smaller,
                example,
                torch_pruning.importance.GroupMagnitudeImportance(p=2),
                pruning_ratio=ratio,
                ignored_layers=_left_alone(smaller, worth),
                output_transform=_as_list,
            ).step()
            found = _shapes(smaller(example))
        except Exception as error:  # of torch_pruning's tracing, which has no base of its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ExportError(
                f"{_kind(network)} can't be pruned: torch-pruning can't follow it ({reason})"
            ) from None
    if found != wanted:
        raise ExportError(f"{_kind(network)} can't be pruned (its answers change their form)")
    return smaller


def _left_alone(network: nn.Module, worth: float) -> list[nn.Module]:
    """Return the last layer of each head, the recurrent ones, and those that take no room."""
    heads = network.heads.values() if isinstance(network, MultiHead) else [network]
    last = [_last_layer(head) for head in heads]
    least = worth * count_parameters(network)
    small = [
        layer
        for layer in network.modules()
        if isinstance(layer, _WEIGHED) and layer.weight.numel() < least
    ]
    return [*last, *small, *(one for one in network.modules() if isinstance(one, nn.RNNBase))]


def _last_layer(head: nn.Module) -> nn.Module:
    layers = [layer for layer in head.modules() if isinstance(layer, _WEIGHED)]
    if not layers:
        raise ExportError(f"{type(head).__name__} has no dense layer or convolution")
    return layers[-1]


def _as_list(answer: Tensor | dict[str, Tensor]) -> list[Tensor]:
    return list(answer.values()) if isinstance(answer, dict) else [answer]


def _shapes(answer: Any) -> list[torch.Size]:
    return [value.shape for value in _as_list(answer)]


def _kind(network: nn.Module) -> str:
    return type(network.network if isinstance(network, MultiHead) else network).__name__
