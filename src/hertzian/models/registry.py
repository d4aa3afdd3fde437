"""The table of networks: name -> how to build one and what it was made for."""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hertzian.models.heads import MultiHead
from hertzian.signal import MODULATION, PROTOCOL, HertzianError

ENTRY_POINT_GROUP = "hertzian.models"
"""Packages list a module here that calls `register` when it is imported."""

# One line per network file of our own; importing it registers what it defines.
_MODULES = (
    "hertzian.models.afnet",
    "hertzian.models.boosted_features",
    "hertzian.models.cgdnet",
    "hertzian.models.characteristic_net",
    "hertzian.models.cldnn",
    "hertzian.models.cldnn2",
    "hertzian.models.cldnn_ramjee",
    "hertzian.models.cnn1",
    "hertzian.models.cnn2",
    "hertzian.models.cnn_pf",
    "hertzian.models.crosstlnet",
    "hertzian.models.ctdnn",
    "hertzian.models.dae",
    "hertzian.models.densenet",
    "hertzian.models.drcnn_mtl",
    "hertzian.models.ds_cldnn",
    "hertzian.models.dtc",
    "hertzian.models.field",
    "hertzian.models.gru2",
    "hertzian.models.ic_amcnet",
    "hertzian.models.iqclnet",
    "hertzian.models.lstm2",
    "hertzian.models.mcldnn",
    "hertzian.models.mcnet",
    "hertzian.models.mldnn",
    "hertzian.models.mtl",
    "hertzian.models.pet_cgdnn",
    "hertzian.models.resnet",
    "hertzian.models.resnet_1024",
    "hertzian.models.sigzsl_cnn",
    "hertzian.models.symbol_net",
    "hertzian.models.vgg_1024",
    "hertzian.models.vtcnn_mtl",
)

Factory = Callable[..., nn.Module]
"""Builds a network for a number of classes, and options by name."""

FactoryT = TypeVar("FactoryT", bound=Factory)


@dataclass(frozen=True)
class ModelSpec:
    """What the registry knows of a network without building it.

    Attributes:
        name: lower case, with hyphens.
        factory: number of classes, options by name -> module with fresh weights.
        samples: window length of its input [batch, 2, samples].
        classes: canonical labels in the order of its logits.
        paper: citation of the publication it follows, None for our own.
        published_parameters: trainable parameters as published, to the digits printed; None where
            none are, so that the number is ours.
        protocols: names in the order of the logits of its second head; empty for one head.
        class_options: options that speak of `classes`: the defaults where the labels are these.
    """

    name: str
    factory: Factory
    samples: int
    classes: tuple[str, ...]
    paper: str | None
    published_parameters: int | None = None
    protocols: tuple[str, ...] = ()
    class_options: Mapping[str, Any] = field(default_factory=dict)


_SPECS: dict[str, ModelSpec] = {}
_loaded = False


def register(
    name: str,
    *,
    samples: int,
    classes: tuple[str, ...],
    paper: str | None = None,
    published_parameters: int | None = None,
    protocols: tuple[str, ...] = (),
    class_options: Mapping[str, Any] | None = None,
) -> Callable[[FactoryT], FactoryT]:
    """Return a decorator that enters a module class (or function) into the registry.

    A network of several heads is entered as what builds it with one; see `MultiHead`.

    Raises:
        HertzianError: another factory has that name already.
    """

    def enter(factory: FactoryT) -> FactoryT:
        if name in _SPECS:
            raise HertzianError(f"model {name!r} is registered twice; rename one of them")
        _SPECS[name] = ModelSpec(
            name,
            factory,
            samples,
            tuple(classes),
            paper,
            published_parameters,
            tuple(protocols),
            class_options or {},
        )
        return factory

    return enter


def _load() -> None:
    """Import every module that registers networks, ours and other packages', once."""
    global _loaded
    if _loaded:
        return
    for module in _MODULES:
        import_module(module)
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        entry.load()
    _loaded = True


def names() -> list[str]:
    """Return the names of all networks, sorted."""
    _load()
    return sorted(_SPECS)


def spec(name: str) -> ModelSpec:
    """Return what the registry knows of a network.

    Raises:
        HertzianError: no network has that name.
    """
    _load()
    try:
        return _SPECS[name]
    except KeyError:
        known = ", ".join(sorted(_SPECS))
        raise HertzianError(f"unknown model {name!r}; known are {known}") from None


def build(
    name: str,
    classes: Sequence[str] | None = None,
    *,
    protocols: Sequence[str] | None = None,
    quantities: Sequence[str] = (),
    **options: Any,
) -> nn.Module:
    """Build a network with fresh weights (from torch's global generator).

    Args:
        name: as `names` lists it.
        classes: labels of its logits; None takes those it was made for.
        protocols: names of a second head's logits; None takes those it was made for, if any.
        quantities: names of further heads of one output each.
        options: of the network itself, such as `units`; see its documentation.

    Returns:
        With one head, x -> logits [batch, classes]; with several a `MultiHead`, x -> a dict of
        what each says, `modulation` and `protocol` being the first two.

    Raises:
        HertzianError: no network has that name, or this one has no such option, or can't carry
            these heads.
    """
    found = spec(name)
    known = list(inspect.signature(found.factory).parameters)[1:]
    surplus = [option for option in options if option not in known]
    if surplus:
        raise HertzianError(
            f"model {name!r} has no option {surplus[0]!r}; it has {', '.join(known) or 'none'}"
        )
    labels = found.classes if classes is None else classes
    standards = found.protocols if protocols is None else protocols
    named = {MODULATION: len(labels)} | ({PROTOCOL: len(standards)} if standards else {})
    own = found.class_options if tuple(labels) == found.classes else {}

    def make(head: str, count: int) -> nn.Module:
        told = {**own, **options}
        if head != MODULATION:
            told = {key: value for key, value in told.items() if key not in found.class_options}
        return found.factory(count, **told)

    if len(named) == 1 and not quantities:
        return make(MODULATION, len(labels))
    return MultiHead(make, named, quantities)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers; buffers (running means) are not counted."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def count_macs(model: nn.Module, samples: int) -> int:
    """Return the multiply-accumulates of one window through a network.

    Counted are convolutions, matrix products and attention, as
    `torch.utils.flop_counter.FlopCounterMode` defines them (2 FLOPs each; a bias is free), the
    network's own Fourier transforms included. Element-wise operations, normalisation and pooling
    are not.

    Args:
        model: the network; its mode is left as it was.
        samples: window length; the network sees zeros of [1, 2, samples].
    """
    was_training = model.training
    model.eval()
    window = torch.zeros(1, 2, samples, device=next(model.parameters()).device)
    counter = FlopCounterMode(display=False)
    with warnings.catch_warnings():
        # Switching oneDNN off makes torch warn about Intel GPUs.
        warnings.simplefilter("ignore")
        # Without oneDNN an LSTM falls apart into matrix products, which the counter knows.
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), counter:
            model(window)
    model.train(was_training)
    return int(counter.get_total_flops()) // 2
