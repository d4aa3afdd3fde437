"""Model cards: what a model says of itself, as JSON beside its file."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hertzian.deployment.metadata import ModelError, ModelMetadata
from hertzian.deployment.validation import explain

LARGEST_CARD_BYTES = 1_000_000


def card_of(model: Path) -> Path:
    """Return the file that describes a model whose own format has no place for it."""
    return model.with_name(f"{model.name}.json")


def read_described(model: Path) -> ModelMetadata:
    """Return the description of a model whose own format has no place for it.

    Raises:
        ModelError: it is missing, or no description.
    """
    card = card_of(model)
    if not card.is_file():
        raise ModelError(f"{card}: no such file; it describes {model.name}, and lies beside it")
    return metadata_in(card, read_card(card))


def read_card(path: Path) -> dict[str, Any]:
    """Return what a model's card says.

    Raises:
        ModelError: it is none, or larger than 1 MB.
    """
    size = path.stat().st_size
    if size > LARGEST_CARD_BYTES:
        raise ModelError(f"{path}: {size / 1e6:.0f} MB, but a card may have 1 MB")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ModelError(f"{path}: not a model card ({reason})") from None
    if not isinstance(card, dict):
        raise ModelError(f"{path}: not a model card")
    return card


def metadata_in(path: Path, card: dict[str, Any]) -> ModelMetadata:
    """Return the description that a card holds.

    Raises:
        ModelError: it is incomplete or contradicts itself.
    """
    fields = {key: card[key] for key in ModelMetadata.model_fields if key in card}
    try:
        return ModelMetadata.model_validate(fields)
    except ValidationError as error:
        raise ModelError(f"{path}: not a model card: {explain(error)}") from None
