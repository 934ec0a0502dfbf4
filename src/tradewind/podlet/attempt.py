"""One attempt, while the podlet knows it: its directory, its process, and what was said about it.

Invariant: what it wrote as its result is its end, whatever else is known of its process.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import datetime, timezone

import msgspec

from tradewind.model.outcome import Result
from tradewind.podlet import endings, limits
from tradewind.podlet.output import Output
from tradewind.podlet.stamping import Stamper
from tradewind.protocol import podlet as protocol
from tradewind.worker import secrets

_FILES = ("out", "log", "fence", "result", "exit", "out.cursor", "relayed")
_result = msgspec.msgpack.Decoder(Result)


class Attempt:
    """State, and its directory."""

    __slots__ = (
        "ended",
        "entered_at",
        "folder",
        "group",
        "id",
        "is_adopted",
        "is_pod",
        "is_tidy",
        "killed",
        "memory_bytes",
        "output",
        "over",
        "pid",
        "stop",
        "unwritten",
    )

    def __init__(self, attempt_id: str, folder: str, log_quota: int) -> None:
        self.id = attempt_id
        self.folder = folder
        self.pid = 0
        self.entered_at: float | None = None
        self.stop: protocol.Stop | None = None
        self.killed = False
        self.unwritten = ""
        self.memory_bytes = 0
        self.group: limits.MemoryGroup | None = None
        self.output = Output(f"{folder}/out", Stamper(f"{folder}/out", f"{folder}/log", log_quota))
        self.is_adopted = False
        """A podlet before us began it."""
        self.is_pod = False
        """Its process supervises a pod."""
        self.is_tidy = False
        """It wrote its result, so it ended all that it had started: nobody writes into its directory any more."""
        self.over = False
        """Its process is gone; its output may still be on its way."""
        self.ended: protocol.Ended | None = None

    def started_at(self) -> datetime | None:
        """When its code began."""
        return None if self.entered_at is None else datetime.fromtimestamp(self.entered_at, timezone.utc)

    def read_result(self) -> Result | None:
        """What it wrote down."""
        try:
            with open(f"{self.folder}/result", "rb") as file:
                return _result.decode(file.read())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            return Result(outcome=endings.lost(f"its result cannot be read: {error}"))

    def has_secrets(self) -> bool:
        """Whether it was given secrets."""
        return os.path.lexists(f"{self.folder}/{secrets.FILE}")

    def remove_folder(self) -> None:
        """Remove its directory, and all that is in it."""
        secrets.remove(self.folder)
        for name in _FILES:
            with suppress(OSError):
                os.unlink(f"{self.folder}/{name}")
        try:
            os.rmdir(self.folder)
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
