"""`mask_secret`: values that user code wants hidden in the log of its task."""

from __future__ import annotations

from typing import Any

from tradewind.sdk import supervision


def mask_secret(secret: Any, name: str | None = None) -> None:  # noqa: ARG001 - Airflow's signature
    """Hide this text (each text inside a list or dict) from now on."""
    keep = getattr(supervision.current(), "keep_secret", None)
    if keep is not None:
        keep(secret)
