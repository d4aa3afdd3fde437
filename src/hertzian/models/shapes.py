"""Networks of fewer filters and units than they were built with, as pruning leaves them."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from hertzian.signal import HertzianError


def take_shapes(network: nn.Module, shapes: Mapping[str, Sequence[int]]) -> None:
    """Make a network's tensors those of a smaller one, in place; their values are lost where so.

    Args:
        network: freshly built.
        shapes: of every parameter and buffer by name, each no larger than the network's own along
            any axis.

    Raises:
        HertzianError: other names, more axes, or more of anything than the network has.
    """
    own = network.state_dict()
    for name in own.keys() | shapes.keys():
        ours, theirs = own.get(name), shapes.get(name)
        if ours is None or theirs is None or not _within(theirs, ours.shape):
            found = "missing" if theirs is None else list(theirs)
            most = "none" if ours is None else f"up to {list(ours.shape)}"
            raise HertzianError(f"{name} is {found}, expected {most}")
    for name, layer in network.named_modules():
        if _shrink(layer, f"{name}." if name else "", shapes):
            _describe(layer)


def _within(theirs: Sequence[int], ours: Sequence[int]) -> bool:
    return len(theirs) == len(ours) and all(
        0 < few <= many or few == many for few, many in zip(theirs, ours, strict=True)
    )


def _shrink(layer: nn.Module, prefix: str, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Replace a layer's own tensors where their shapes differ; return whether any did."""
    changed = False
    for key, value in [*layer._parameters.items(), *layer._buffers.items()]:
        wanted = shapes.get(prefix + key)
        if value is not None and wanted is not None and list(value.shape) != list(wanted):
            smaller = torch.empty(tuple(wanted), dtype=value.dtype, device=value.device)
            setattr(layer, key, nn.Parameter(smaller) if key in layer._parameters else smaller)
            changed = True
    return changed


def _describe(layer: nn.Module) -> None:
    """Bring what a layer says of itself, and computes with, to its tensors."""
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        outputs, inputs = layer.weight.shape[:2]
        # every channel has a group of its own, or the number of groups is what it was
        if 1 < layer.groups == layer.in_channels:
            layer.groups = outputs // (layer.out_channels // layer.in_channels)
        layer.out_channels, layer.in_channels = outputs, inputs * layer.groups
    elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
        layer.num_features = len(layer.weight)
    elif isinstance(layer, nn.RNNBase):
        _describe_recurrent(layer)
    else:
        raise HertzianError(f"{type(layer).__name__} can't have fewer units than it was built with")


def _describe_recurrent(layer: nn.RNNBase) -> None:
    """Take fewer inputs of a recurrent layer; its kernels read as many units as it was built with.

    They check no shapes, and would read foreign memory.
    """
    kind = next(kind for kind in (nn.LSTM, nn.GRU, nn.RNN) if isinstance(layer, kind))
    whole = kind(
        layer.get_parameter("weight_ih_l0").shape[1],
        layer.hidden_size,
        num_layers=layer.num_layers,
        bias=layer.bias,
        batch_first=layer.batch_first,
        bidirectional=layer.bidirectional,
        device="meta",
    )
    for name, value in whole.named_parameters():
        if layer.get_parameter(name).shape != value.shape:
            raise HertzianError(f"{kind.__name__} can't have fewer units than it was built with")
    layer.input_size = whole.input_size
