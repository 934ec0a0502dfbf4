"""A finding: one thing that was looked at, whether it is in order, and what to do where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`hint` is there whenever `state` is not "ok"."""

    check: str
    state: State
    message: str
    hint: str = ""
