"""`hertzian models`: what networks there are, and which of them come with weights."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from hertzian.cli import output
from hertzian.deployment.finding import SHIPPED
from hertzian.deployment.metadata import ModelMetadata
from hertzian.deployment.validation import explain
from hertzian.signal import HertzianError

_LONG = 12  # entries of a list or table that a card on the terminal shows


@dataclass(frozen=True)
class Entry:
    """One network: the fields of `models --json`, and the rest of its card."""

    name: str
    parameters: int
    macs: int
    samples: int
    classes: tuple[str, ...]
    protocols: tuple[str, ...]
    weights: bool
    paper: str | None
    published_parameters: int | None
    card: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as `models --json` prints them."""
        return {name: value for name, value in vars(self).items() if name != "card"}


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show the card of this network.")
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """List the networks, or show the card of one.

    Networks without weights appear where the training libraries are installed.

    Examples:
    - `hertzian models`

    - `hertzian models field`

    - `hertzian models --json`
    """
    found = entries()
    if name is not None:
        found = [_named(name, found)]
    if as_json:
        output.print_json([entry.to_dict() for entry in found])
    elif name is not None:
        _print_card(found[0], output.console())
    else:
        _print_table(found, output.console())


def entries() -> list[Entry]:
    """Return every network that is known here, sorted by name; shipped ones from their cards."""
    shipped = [_from_card(path) for path in sorted(SHIPPED.glob("*.json"))]
    names = {entry.name for entry in shipped}
    registered = _registered(names) if output.has_train_extra() else []
    return sorted((*shipped, *registered), key=lambda entry: entry.name)


def _from_card(path: Path) -> Entry:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        described = {key: card[key] for key in ModelMetadata.model_fields if key in card}
        metadata = ModelMetadata.model_validate(described)
    except ValidationError as error:
        raise HertzianError(f"{path}: not a model card: {explain(error)}") from None
    except (ValueError, TypeError) as error:
        raise HertzianError(f"{path}: not a model card ({error})") from None
    return Entry(
        name=metadata.name,
        parameters=metadata.parameters,
        macs=metadata.macs,
        samples=metadata.samples,
        classes=metadata.classes,
        protocols=metadata.protocols,
        weights=path.with_suffix(".onnx").is_file(),
        paper=metadata.paper,
        published_parameters=card.get("published_parameters"),
        card=card,
    )


def _registered(known: set[str]) -> list[Entry]:
    from hertzian.models import build, count_macs, count_parameters, names, spec

    found = []
    for name in names():
        if name in known:
            continue
        described, network = spec(name), build(name)
        found.append(
            Entry(
                name=name,
                parameters=count_parameters(network),
                macs=count_macs(network, described.samples),
                samples=described.samples,
                classes=described.classes,
                protocols=described.protocols,
                weights=False,
                paper=described.paper,
                published_parameters=described.published_parameters,
            )
        )
    return found


def _named(name: str, found: list[Entry]) -> Entry:
    for entry in found:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in found) or "none"
    raise HertzianError(f"no model called {name!r}; known here are {known}")


def _print_table(found: list[Entry], console: Console) -> None:
    table = Table("name", box=None, header_style="bold")
    for heading in ("parameters", "published", "MACs", "samples", "classes"):
        table.add_column(heading, justify="right")
    table.add_column("weights")
    table.add_column("paper")
    for entry in found:
        table.add_row(
            entry.name,
            f"{entry.parameters:,}",
            _count(entry.published_parameters),
            f"{entry.macs:,}",
            str(entry.samples),
            " + ".join(str(len(names)) for names in (entry.classes, entry.protocols) if names),
            "shipped" if entry.weights else "none",
            entry.paper or "our own",
        )
    console.print(table)


def _count(published: int | None) -> str:
    return "ours" if published is None else f"{published:,}"


def _print_card(entry: Entry, console: Console) -> None:
    facts = Table.grid("fact", "value", padding=(0, 2))
    rows = {
        "parameters": f"{entry.parameters:,}",
        "published parameters": _count(entry.published_parameters),
        "MACs a window": f"{entry.macs:,}",
        "window": f"{entry.samples} samples",
        "weights": "shipped" if entry.weights else "none",
        "paper": entry.paper or "our own",
        f"classes ({len(entry.classes)})": ", ".join(entry.classes),
    }
    if entry.protocols:
        rows[f"protocols ({len(entry.protocols)})"] = ", ".join(entry.protocols)
    shown = {*vars(entry)}
    rows |= {key: _plain(value) for key, value in entry.card.items() if key not in shown}
    for fact, value in rows.items():
        facts.add_row(fact.replace("_", " "), value)
    console.print(entry.name, style="bold")
    console.print(facts, markup=False)


def _plain(value: Any) -> str:
    """Return a card's value as text, nested ones indented.

    Of what is long only the length is told, and shares have four digits.
    """
    return "\n".join(_lines(value)) or "none"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict | list) and len(value) > _LONG:
        return [f"a {'table' if isinstance(value, dict) else 'list'} of {len(value)}"]
    if isinstance(value, dict):
        return [line for key, one in value.items() for line in _under(key, one)]
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return [line for one in value for line in _lines(one)]
    if isinstance(value, list):
        return [", ".join(map(_scalar, value))] if value else []
    return [_scalar(value)]


def _under(name: str, value: Any) -> list[str]:
    lines = _lines(value)
    if len(lines) > 1 or (isinstance(value, dict) and 0 < len(value) <= _LONG):
        return [f"{name}:", *(f"  {line}" for line in lines)]
    return [f"{name}: {line}" for line in lines or ["none"]]


def _scalar(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return "none" if value is None else str(value)
