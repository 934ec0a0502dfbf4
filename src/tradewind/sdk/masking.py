"""`mask_secret`: values that user code wants hidden in the log of its task."""

from __future__ import annotations

from typing import Any

from tradewind.model import masking
from tradewind.sdk import supervision


def mask_secret(secret: Any, name: str | None = None) -> None:
    """Hide this text, or each text of a list, from now on; of a dict, what is below sensitive names.

    With a `name` only where that name is sensitive (`password`, `token` and so on), as in Airflow.
    """
    keep = getattr(supervision.current(), "keep_secret", None)
    if keep is not None:
        keep(secret, name)


def redact(value: Any, name: str | None = None, max_depth: int | None = None) -> Any:
    """The value with `***` for what lies below sensitive names, at any depth."""
    if name is not None and value and masking.is_sensitive(name):
        return "***"
    if max_depth == 0:
        return value
    below = None if max_depth is None else max_depth - 1
    if isinstance(value, dict):
        return {key: redact(one, str(key), below) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(redact(one, name, below) for one in value)
    return value
