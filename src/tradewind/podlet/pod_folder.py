"""What the podlet and the supervisor of a pod leave for each other: `pod/` in the attempt's folder.

Each file is there whole or not at all, so either side may be killed at any moment and the other can go on.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from tradewind.podlet import child
from tradewind.protocol.podlet import Stop

NAME = "pod"


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish that the pod ends."""

    grace_seconds: float | None = None
    reason: str = ""


class PodFolder:
    """One pod's. `attempt` is the folder of its attempt."""

    def __init__(self, attempt: Path) -> None:
        self.path = attempt / NAME

    def ask_to_stop(self, stop: Stop) -> None:
        """Read by the supervisor when SIGTERM comes."""
        child.write(str(self.path / "stop"), json.dumps({"grace": stop.grace_seconds, "reason": stop.reason}).encode())

    def asked_to_stop(self) -> Asked:
        """What was asked; empty where SIGTERM came from somebody else."""
        with suppress(OSError, ValueError):
            told = json.loads((self.path / "stop").read_text())
            return Asked(grace_seconds=float(told["grace"]), reason=str(told["reason"]))
        return Asked()

    def put_grace(self, seconds: float) -> None:
        """The pod's own grace period, which a stop keeps to."""
        child.write(str(self.path / "grace"), str(seconds).encode())

    def find_grace(self) -> float | None:
        """The pod's own grace period, where it has one."""
        try:
            return float((self.path / "grace").read_text())
        except (OSError, ValueError):
            return None

    def put_detail(self, detail: dict[str, Any]) -> None:
        """What was seen of the containers, as plain JSON."""
        child.write(str(self.path / "detail"), msgspec.msgpack.encode(detail))

    def find_detail(self) -> dict[str, Any]:
        """What the supervisor saw; empty where it could not say."""
        try:
            return msgspec.msgpack.decode((self.path / "detail").read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.MsgspecError):
            return {}


def main_start(detail: dict[str, Any]) -> float | None:
    """When the main container began, by such a detail."""
    for one in detail.get("containers", ()):
        if one.get("role") == "main" and one.get("started_at"):
            return msgspec.convert(one["started_at"], datetime, strict=False).timestamp()
    return None
