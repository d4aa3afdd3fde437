"""One-line messages from pydantic's reports."""

from typing import Any

from pydantic import ValidationError


def explain(error: ValidationError) -> str:
    """Return a report of pydantic as one line: `field: what is wrong; field: what is wrong`."""
    found = map(_line, error.errors(include_url=False))
    return "; ".join(found).replace("\n", " ")


def _line(item: Any) -> str:
    where = ".".join(map(str, item["loc"]))
    # pydantic puts this before what our own validators say
    what = item["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where and what else where or what
