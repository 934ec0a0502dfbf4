"""What is kept of an attempt that is a pod of the cluster: one file in its directory in the home.

It is there, whole, before the pod is created, and goes with the directory after the release. So whoever leads next
knows where to look for the pod, which of its containers' logs are wanted and what is to become of it. If it were
written later, a pod could run that nobody follows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tradewind.model.ids import AttemptId

FILE = "cluster-pod.json"
_SHOWN = "cluster-pod-shown.json"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt's pod. `uid` is empty until a create was answered."""

    attempt_id: AttemptId
    namespace: str
    name: str
    uid: str = ""
    base: str = "base"
    """The main container."""
    logged: tuple[str, ...] = ()
    """Containers whose output is the attempt's log."""
    skip_exit_codes: tuple[int, ...] = ()
    on_finish_action: str = "delete_pod"
    on_kill_action: str = "delete_pod"
    result: str = ""
    """Where its value comes from, one of `pods.result.WAYS`; empty: it hands over none."""
    masked: tuple[str, ...] = ()
    """Sensitive values that the task's templates used: they are in the pod's specification, and not in its log."""
    rendered_map_index: str | None = None
    notes: tuple[str, ...] = ()
    """First lines of the log."""
    prefixed: bool = True
    """People see the names of containers before their lines."""
    events_on_startup: bool = True
    events_on_failure: bool = False
    """Which of the pod's events are in its log."""
    spec_on_failure: bool = False
    """Its specification, without secrets, is in its log."""


class Records:
    """Those of a home. Each file is there whole or not at all."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "attempts"

    def folder(self, attempt_id: AttemptId) -> Path:
        """The attempt's directory, where its live log is too."""
        return self._folder / attempt_id

    def put(self, record: Record, *, lasting: bool = True) -> None:
        """Write it, or write it anew. Raises OSError where the disk is full.

        `lasting`: it is on the disk when this returns, which blocks for milliseconds.
        """
        folder = self.folder(record.attempt_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f"{FILE}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(msgspec.json.encode(record))
            file.flush()
            if lasting:
                os.fsync(descriptor)
        temporary.rename(folder / FILE)

    def put_shown(self, attempt_id: AttemptId, pod: Mapping[str, Any]) -> None:
        """Keep what people may see of the pod as it is sent. Raises OSError."""
        path = self.folder(attempt_id) / _SHOWN
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(pod))

    def find_shown(self, attempt_id: AttemptId) -> str | None:
        """What `put_shown` kept, as YAML."""
        import yaml  # for failures only

        try:
            pod = msgspec.json.decode((self.folder(attempt_id) / _SHOWN).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
        return str(yaml.safe_dump(pod, sort_keys=False))

    def list(self) -> Sequence[Record]:
        """All, by attempt id. One that nobody can read is left out: its attempt is launched again, under one name."""
        found: list[Record] = []
        for path in sorted(self._folder.glob(f"*/{FILE}")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Record))
            except (OSError, msgspec.MsgspecError):
                continue
        return found

    def remove(self, attempt_id: AttemptId) -> None:
        """Take the attempt's directory away; its log is at rest already."""
        shutil.rmtree(self.folder(attempt_id), ignore_errors=True)
