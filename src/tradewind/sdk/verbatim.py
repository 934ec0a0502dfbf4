"""`literal`: a value that Jinja leaves alone."""

from __future__ import annotations

from tradewind.templates import literal

__all__ = ["literal"]
