"""What is kept of an attempt that is a pod of the cluster: one file in its directory in the home.

It is there, whole, before the pod is created, and goes with the directory after the release. So whoever leads next
knows where to look for the pod, which of its containers' logs are wanted and what is to become of it. If it were
written later, a pod could run that nobody follows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tradewind.model.ids import AttemptId
from tradewind.runtime.kubernetes.cluster_choice import HOME, Choice
from tradewind.runtime.kubernetes.record_files import RecordFiles
from tradewind.runtime.kubernetes.syncing import Syncing

FILE = "cluster-pod.json"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt's pod. `uid` is empty until a create was answered."""

    attempt_id: AttemptId
    namespace: str
    name: str
    cluster: Choice = HOME
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


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Of a line, what is not kept in memory."""

    shown: dict[str, Any] | None = None


class _First(Record, frozen=True, kw_only=True):
    """The first line: the record, and what people may see of the pod as it is sent."""

    shown: Mapping[str, Any]


class Records(RecordFiles[Record]):
    """Those of a home, and what people may see of the pods."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, name=FILE, kind=Record)
        self._syncing = Syncing()

    async def begin(self, record: Record, shown: Mapping[str, Any] | None) -> None:
        """Write a new one, to the disk; `shown`: what people may see of its pod, if they are to. Raises as `put`."""
        first = record if shown is None else _First(**msgspec.structs.asdict(record), shown=shown)
        await self._syncing.close(self.write(first))

    def find_shown(self, attempt_id: AttemptId) -> str | None:
        """What `begin` was told that people may see, as YAML."""
        import yaml  # for failures only

        for line in self._lines(attempt_id):
            with contextlib.suppress(msgspec.MsgspecError):
                if (pod := msgspec.json.decode(line, type=_Shown).shown) is not None:
                    return str(yaml.safe_dump(pod, sort_keys=False))
        return None
