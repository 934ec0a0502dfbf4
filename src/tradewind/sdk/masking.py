"""`mask_secret`: values that user code wants hidden in the log of its task."""

from __future__ import annotations

from typing import Any

from tradewind.sdk import supervision


def mask_secret(secret: Any, name: str | None = None) -> None:
    """Hide this text, or each text of a list, from now on; of a dict, what is below sensitive names.

    With a `name` only where that name is sensitive (`password`, `token` and so on), as in Airflow.
    """
    keep = getattr(supervision.current(), "keep_secret", None)
    if keep is not None:
        keep(secret, name)
