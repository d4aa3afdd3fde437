"""Sets and presets whose defects a corrected preset mends."""

_TWINS = {
    "rml2016-10a": "RML2016.10a",
    "rml2016-10b": "RML2016.10b",
    "rml2016-04c": "RML2016.04C",
    "radcom-awgn": "RadComAWGN",
    "radcom-dynamic": "RadComDynamic",
}  # preset: published set
_IN_NOISE = "radcom-awgn"  # through no channel


def corrected_twin(preset: str) -> str | None:
    """Return the name of the corrected preset, or None where there is none.

    Args:
        preset: what `Dataset.preset` says: a preset, or a published set.
    """
    copy = _copy(preset)
    return None if copy is None else f"{copy}-corrected"


def has_one_channel(preset: str) -> bool:
    """Tell whether one draw of the channel lies behind all windows of a set, as published."""
    return _copy(preset) not in (None, _IN_NOISE)


def _copy(preset: str) -> str | None:
    return next((copy for copy, name in _TWINS.items() if preset in (copy, name)), None)
