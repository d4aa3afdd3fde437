"""From named clusters to a classifier: what a person calls each, once."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hertzian.deployment.export import (
    export_onnx,
    load_safetensors,
    save_safetensors,
    write_card,
)
from hertzian.deployment.metadata import ModelMetadata
from hertzian.deployment.stored import ClusterNames, Stored
from hertzian.deployment.validation import explain
from hertzian.experiments.classifiers.train import WEIGHTS
from hertzian.experiments.stages import ExperimentError
from hertzian.experiments.unlabelled.group import RECORD, Grouped
from hertzian.models import count_macs, count_parameters
from hertzian.recordings import atomic_path
from hertzian.signal import LABELS, NO_PROTOCOL, HertzianError, canonical

NAMES = "clusters.json"
"""Where a person writes what each cluster is, in the folder of the run."""

BEFORE = "clusters.before.json"

UNKNOWN, NOISE = "unknown", "noise"

_STAGE = "stages/clusters"
_MODEL = "clusters"
_LARGEST_BYTES = 1_000_000


class ClusterName(BaseModel):
    """What a person calls a cluster.

    Attributes:
        modulation: a label of the table, by any of its spellings.
        protocol: a name of one's own, such as that of the device; None where only the modulation
            matters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modulation: str = UNKNOWN
    protocol: str | None = Field(default=None, min_length=1, max_length=100)


_Names = TypeAdapter(dict[str, ClusterName | str | None])


def write_template(folder: Path, count: int) -> None:
    """Write `clusters.json` with an empty place for each cluster.

    Names of earlier clusters, which don't fit these, are put beside it as `clusters.before.json`.
    """
    path, before = folder / NAMES, folder / BEFORE
    if path.exists() and _has_names(path):
        path.replace(before)
    with atomic_path(path) as partial:
        empty = {str(number): None for number in range(1, count + 1)}
        partial.write_text(json.dumps(empty, indent=2) + "\n", encoding="utf-8")


def check_names(path: Path) -> None:
    """Check the form of a file of names, before it is known how many clusters there are.

    Raises:
        ExperimentError: unreadable, or of another form.
    """
    _parsed(path)


def _has_names(path: Path) -> bool:
    """Tell whether anybody has written into a template."""
    try:
        return any(json.loads(path.read_bytes()).values())
    except (ValueError, AttributeError, OSError):
        return True


def read_names(path: Path, count: int) -> list[ClusterName]:
    """Read what a person calls the clusters 1 .. count: `{"1": "2FSK", "2": {...}, "3": null}`.

    A text is the modulation; an object has `modulation`, `protocol`, or both. What is null or
    missing stays unknown.

    Raises:
        ExperimentError: unreadable, of another form, a cluster that there isn't, a modulation that
            the label table doesn't know, or no name at all.
    """
    given = _parsed(path)
    known = {str(number): number - 1 for number in range(1, count + 1)}
    surplus = [number for number in given if number not in known]
    if surplus:
        raise ExperimentError(f"{path}: no cluster {surplus[0]!r}; they are 1 to {count}")
    names = [ClusterName()] * count
    for number, name in given.items():
        names[known[number]] = _canonical(path, number, name)
    if all(name == ClusterName() for name in names):
        raise ExperimentError(
            f'{path}: names no cluster; write what they are, as in {{"1": "2FSK"}}'
        )
    return names


def _parsed(path: Path) -> dict[str, ClusterName | str | None]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ExperimentError(f"{path}: names of clusters take up to 1 MB")
        return _Names.validate_json(path.read_bytes())
    except OSError as error:
        raise ExperimentError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise ExperimentError(f'{path}: expected {{"1": "2FSK", ...}}: {explain(error)}') from None


def _canonical(path: Path, number: str, name: ClusterName | str | None) -> ClusterName:
    said = ClusterName(modulation=name) if isinstance(name, str) else name or ClusterName()
    try:
        label = canonical(said.modulation)
    except HertzianError:
        raise ExperimentError(
            f"{path}: cluster {number} is called {said.modulation!r}, which is no modulation; give "
            f'one of {", ".join(LABELS)}, and names of your own as in {{"{number}": '
            f'{{"modulation": "OOK", "protocol": "doorbell"}}}}'
        ) from None
    if said.protocol == NO_PROTOCOL:
        raise ExperimentError(f"{path}: cluster {number}: {NO_PROTOCOL!r} is no name of a protocol")
    return said.model_copy(update={"modulation": label})


def name_clusters_of(folder: Path, names: Path) -> list[ClusterName]:
    """Make a finished run's clusters a classifier, and return their names.

    Written are model.onnx, model.safetensors and model.json.

    Args:
        folder: of the run of `hertzian cluster`.
        names: the file of the names.

    Raises:
        ExperimentError: the run isn't finished, or the names are wrong.
    """
    stage = folder / _STAGE
    try:
        grouped = Grouped.model_validate_json((stage / RECORD).read_bytes())
    except (OSError, ValidationError):
        raise ExperimentError(f"{folder}: holds no finished run of `hertzian cluster`") from None
    called = read_names(names, len(grouped.sizes))
    named = named_model(grouped, called)
    load_safetensors(named.module.get_submodule("clusters"), stage / WEIGHTS)
    export_onnx(named.module, named.metadata, folder / "model.onnx")
    save_safetensors(named.module, folder / "model.safetensors")
    write_card(
        named.metadata,
        folder / "model.json",
        network=named.structure.model_dump(mode="json"),
        made_of=grouped.origin,
        called={number: name.model_dump() for number, name in enumerate(called, start=1)},
    )
    return called


def named_model(grouped: Grouped, called: Sequence[ClusterName]) -> Stored:
    """Return the classifier of named clusters, with fresh weights.

    Args:
        grouped: what is known of the clusters' network, whose weights go into its `clusters`.
        called: a name for each cluster.
    """
    told = _cluster_names(grouped, called)
    structure = grouped.structure.model_copy(update={"clusters": told})
    metadata = _metadata(grouped, told)
    model = structure.network(metadata).eval()
    counts = {"parameters": count_parameters(model), "macs": count_macs(model, grouped.samples)}
    return Stored(model, metadata.model_copy(update=counts), structure)


def _cluster_names(grouped: Grouped, called: Sequence[ClusterName]) -> ClusterNames:
    protocols = tuple(name.protocol for name in called)
    return ClusterNames(
        answers=grouped.answers,
        width=grouped.width,
        bare=grouped.bare,
        modulations=tuple(name.modulation for name in called),
        protocols=protocols if any(protocols) else (),
        temperature=grouped.temperature,
        biases=grouped.biases,
    )


def _metadata(grouped: Grouped, names: ClusterNames) -> ModelMetadata:
    """Return what the model says of itself, before its size is known."""
    own = dict.fromkeys(name for name in names.protocols if name is not None)
    return ModelMetadata(
        name=_MODEL,
        version="1",
        classes=tuple(dict.fromkeys((*names.modulations, UNKNOWN, NOISE))),
        protocols=(*own, NO_PROTOCOL) if own else (),
        samples=grouped.samples,
        occupied_share=grouped.occupied_share,
        noise_confidence=grouped.noise_confidence,
        parameters=0,
        macs=0,
        trained_on=grouped.trained_on,
    )
