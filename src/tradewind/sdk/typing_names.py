"""Names of `typing` that files of Airflow 2 import from `airflow.typing_compat`."""

from __future__ import annotations

from typing import Literal, Protocol, TypedDict

__all__ = ["Literal", "Protocol", "TypedDict"]
