"""Strangers' text, made safe to show."""

import os
from pathlib import Path


def printable(text: str) -> str:
    r"""Return text on one line with whatever does not print replaced by its escape, as `\x1b`.

    Terminal control sequences, line breaks, bidirectional overrides and undecodable bytes of a file
    name lose their effect; all scripts and signs that print stay as they are.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shown_path(path: str | os.PathLike[str]) -> str:
    """Return the path of a file as text that is safe to show."""
    return printable(str(Path(path)))
