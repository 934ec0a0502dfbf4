"""The terminal, as every command writes to it: what users named is printed as it is."""

from __future__ import annotations

from rich.console import Console


def console(*, stderr: bool = False, soft_wrap: bool = False, width: int | None = None) -> Console:
    """A console that colours nothing by itself and takes no `:name:` for a picture, whose table takes 18 ms to load."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, width=width, highlight=False, emoji=False)
