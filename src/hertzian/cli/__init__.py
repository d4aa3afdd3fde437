"""The `hertzian` command: one thin file per verb."""

from hertzian.cli.app import main

__all__ = ["main"]
