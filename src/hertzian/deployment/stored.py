"""From a model's files back to its torch module: weights by safetensors, structure by the card."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)
from torch import nn

from hertzian.deployment.cards import metadata_in, read_card
from hertzian.deployment.export import ExportError, load_safetensors, stored_shapes
from hertzian.deployment.finding import find_model
from hertzian.deployment.metadata import LEAST_TEMPERATURE, ModelMetadata
from hertzian.deployment.validation import explain
from hertzian.models import build
from hertzian.models.clusters import Clusters, Hearing, NamedClusters
from hertzian.models.shapes import take_shapes
from hertzian.signal import NO_PROTOCOL, family_of

LONGEST_WINDOW = 1 << 16
MOST_CLUSTERS = 1000
LARGEST_UNPRUNED = 50_000_000


class ClusterNames(BaseModel):
    """How a network becomes one of named clusters; see `models.clusters`.

    Attributes:
        answers: the classes that the network was built with.
        width: how many numbers it then says of a window.
        bare: whether these are its embedding.
        modulations: the name of each cluster.
        protocols: likewise, None for none; empty where the model names none at all.
        temperature, biases: of its answers, as `ModelMetadata` has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    answers: tuple[str, ...] = Field(min_length=2, max_length=10_000)
    width: int = Field(ge=1, le=1 << 20)
    bare: bool
    modulations: tuple[str, ...] = Field(min_length=2, max_length=MOST_CLUSTERS)
    protocols: tuple[str | None, ...] = Field(default=(), max_length=MOST_CLUSTERS)
    temperature: float = Field(default=1.0, ge=LEAST_TEMPERATURE)
    biases: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _belong_together(self) -> "ClusterNames":
        if len(self.protocols) not in (0, len(self.modulations)):
            raise ValueError(f"protocols are of all {len(self.modulations)} clusters, or of none")
        if len(self.biases) not in (0, len(self.answers)):
            raise ValueError(f"biases are of all {len(self.answers)} answers, or of none")
        return self

    def hearing(self) -> Hearing | None:
        """Return what the answers say of noise; None where they are no answers, or know none."""
        if self.bare or "noise" not in self.answers:
            return None
        families = [family_of(name) for name in self.answers]
        known = list(dict.fromkeys(families))
        return Hearing(
            [known.index(family) for family in families],
            self.answers.index("noise"),
            self.temperature,
            self.biases,
        )


class Structure(BaseModel):
    """How a model's network is built: its name in the registry, and its options.

    One that is `pruned` has fewer filters and units than that, as many as its weights say; with
    `clusters` its answers are put to clusters that have names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    options: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    pruned: bool = False
    clusters: ClusterNames | None = None

    def network(self, metadata: ModelMetadata) -> nn.Module:
        """Return the network with fresh weights, for a model's classes and heads."""
        options: dict[str, Any] = dict(self.options)
        if self.clusters is not None:
            return self._of_clusters(self.clusters, metadata, options)
        return build(
            self.name,
            metadata.classes,
            protocols=metadata.protocols,
            quantities=metadata.quantities,
            **options,
        )

    def _of_clusters(
        self, names: ClusterNames, metadata: ModelMetadata, options: dict[str, Any]
    ) -> nn.Module:
        network = build(self.name, names.answers, protocols=(), **options)
        inner = Clusters(network, names.width, len(names.modulations), bare=names.bare)
        protocols = [NO_PROTOCOL if name is None else name for name in names.protocols]
        return NamedClusters(
            inner,
            names.modulations,
            metadata.classes,
            protocols,
            metadata.protocols,
            names.hearing(),
        )


class Stored(NamedTuple):
    """A model out of its files: `module` is in evaluation mode."""

    module: nn.Module
    metadata: ModelMetadata
    structure: Structure


def load_network(model: str | Path) -> Stored:
    """Rebuild a model's network in torch.

    Args:
        model: a shipped name, a run's folder, or NAME.onnx or NAME.safetensors; NAME.safetensors
            and the card NAME.json lie beside it.

    Raises:
        HertzianError: files are missing or damaged, the card does not say which network it is, or
            the weights are of another one. Nothing as large as a card claims is allocated before
            the weights are seen to have that size; of a pruned network no more than 200 MB is.
    """
    weights = weights_of(model)
    card = weights.with_suffix(".json")
    told = read_card(card)
    metadata, structure = metadata_in(card, told), _structure_in(card, told)
    if metadata.samples > LONGEST_WINDOW:
        raise ExportError(
            f"{card}: windows of {metadata.samples} samples, but up to {LONGEST_WINDOW} are rebuilt"
        )
    with _naming(card, structure), torch.device("meta"):
        planned = structure.network(metadata)
    shapes = stored_shapes(weights)
    if structure.pruned:
        _check_size(card, planned)
    else:
        _check_shapes(weights, shapes, planned)
    module = structure.network(metadata)
    if structure.pruned:
        with _naming(card, structure):
            take_shapes(module, shapes)
    load_safetensors(module, weights)
    if not all(torch.isfinite(value).all() for value in module.state_dict().values()):
        raise ExportError(f"{weights}: holds weights that are NaN or infinite; train it again")
    with _naming(card, structure), torch.no_grad():
        module.eval()(torch.zeros(1, 2, metadata.samples))
    return Stored(module, metadata, structure)


@contextlib.contextmanager
def _naming(card: Path, structure: Structure) -> Iterator[None]:
    """Put into one line whatever a network raises about a card that makes no sense."""
    try:
        yield
    except Exception as error:
        raise ExportError(
            f"{card}: network {structure.name!r} can't be built with these classes, options and "
            f"samples ({_first_line(error)})"
        ) from None


def weights_of(model: str | Path) -> Path:
    """Return a model's NAME.safetensors, beside which NAME.json lies.

    Raises:
        HertzianError: there are no such files.
    """
    path = Path(model)
    if path.suffix != ".safetensors":
        path = find_model(model).with_suffix(".safetensors")
    for needed in (path, path.with_suffix(".json")):
        if not needed.is_file():
            raise ExportError(
                f"{needed}: no such file; a network is rebuilt from its weights (.safetensors) and "
                f"its card (.json), which a run leaves beside its .onnx"
            )
    return path


def _structure_in(path: Path, card: dict[str, Any]) -> Structure:
    if "network" not in card:
        raise ExportError(
            f"{path}: does not say which network it is; train the model again with this version"
        )
    try:
        return Structure.model_validate(card["network"])
    except ValidationError as error:
        raise ExportError(f"{path}: not a model card: {explain(error)}") from None


def _check_size(card: Path, planned: nn.Module) -> None:
    """Check that a network, before it was pruned, is one that may be built."""
    count = sum(value.numel() for value in planned.state_dict().values())
    if count > LARGEST_UNPRUNED:
        raise ExportError(
            f"{card}: pruned from {count:,} weights, but {LARGEST_UNPRUNED:,} is the most"
        )


def _check_shapes(weights: Path, found: dict[str, list[int]], planned: nn.Module) -> None:
    """Check that a file has the tensors of a network."""
    expected = {name: list(value.shape) for name, value in planned.state_dict().items()}
    different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if different:
        name = different[0]
        raise ExportError(
            f"{weights}: weights of another network than its card says: {name} is "
            f"{found.get(name, 'missing')}, expected {expected.get(name, 'none')}"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
