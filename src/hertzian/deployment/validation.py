"""One-line messages from pydantic's reports."""

from pydantic import ValidationError


def explain(error: ValidationError) -> str:
    """Return a report of pydantic as one line: `field: what is wrong; field: what is wrong`."""
    return "; ".join(
        ": ".join(part for part in (".".join(map(str, item["loc"])), item["msg"]) if part)
        for item in error.errors(include_url=False)
    ).replace("\n", " ")
