"""An attempt that does something in a cluster and is no pod: what is kept of it, what it needs, how it ends.

Its record is there before anything is asked of the cluster and goes with its release. So whoever leads next does the
same again from the record; every act is made so that being done twice is being done once, or says that it was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Outcome, Success, XComPush
from tradewind.model.states import EndReason
from tradewind.pods.identity import Identity
from tradewind.pods.view import PodView
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import results
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.cluster_choice import HOME, Choice
from tradewind.runtime.kubernetes.job_watching import JobWatches
from tradewind.runtime.kubernetes.log_file import LogFile
from tradewind.runtime.kubernetes.log_following import ContainerLog
from tradewind.runtime.kubernetes.patience import Patience
from tradewind.runtime.kubernetes.record_files import RecordFiles

FILE = "cluster-act.json"
Json = dict[str, Any]


class Ending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an act ended: outcome, sentence, values, and what was seen as plain JSON."""

    outcome: Outcome
    said: str
    xcoms: tuple[XComPush, ...] = ()
    detail: Json = {}


class ActRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt's. `arguments` are rendered; `manifest` is that of the Job it starts."""

    attempt_id: AttemptId
    act: str
    identity: Identity
    namespace: str
    cluster: Choice = HOME
    arguments: Json = {}
    manifest: Json = {}
    uid: str = ""
    """Of the object that it began or is to end, once that is known."""
    result: str = ""
    """How the pods of its Job hand values over, one of `pods.result.WAYS`; empty: they do not."""
    done: tuple[str, ...] = ()
    """What of several things is done already."""
    masked: tuple[str, ...] = ()
    rendered_map_index: str | None = None
    ending: Ending | None = None
    """It is over, and nobody has released it yet."""


class ActRecords(RecordFiles[ActRecord]):
    """Those of a home."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, name=FILE, kind=ActRecord)


def push(key: str, value: Any) -> XComPush:
    """A value of plain JSON under a key."""
    kind = "list" if isinstance(value, list) else "dict" if isinstance(value, dict) else "other"
    data = json.dumps(value).encode()
    return XComPush(key=key, value=data, kind=kind, length=None if kind == "other" else len(value))


def success(said: str, *xcoms: XComPush, **detail: Any) -> Ending:
    """It was done."""
    return Ending(outcome=Success(), said=said, xcoms=xcoms, detail=detail)


def failure(said: str, *xcoms: XComPush, reason: EndReason = EndReason.ERROR, **detail: Any) -> Ending:
    """It was not, and another try may do better."""
    return Ending(outcome=Failed(message=said, reason=reason), said=said, xcoms=xcoms, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an act needs of its runtime, for one attempt."""

    client: ClusterClient
    patience: Patience
    watches: JobWatches
    results: results.Reader
    clock: clock_port.Clock
    random: clock_port.Random
    log: LogFile
    keep: Callable[[ActRecord], Coroutine[Any, Any, None]]
    """Write the record anew."""
    container_log: Callable[[PodView, str, str], ContainerLog]
    """A follower of a container's log: its pod, its name, and how its lines are marked."""

    def note(self, text: str) -> None:
        """A line of ours in the attempt's log."""
        self.log.note(text)

    def print(self, lines: Sequence[bytes]) -> None:
        """Lines of output that were just read, without their ends."""
        at = self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode()
        self.log.append("", [at + line for line in lines])


class Act(Protocol):
    """Of one attempt. `run` may be called again after an error that passes, and by the next leader."""

    record: ActRecord

    async def run(self) -> Ending:
        """Do it, and wait as long as it takes. Raises `errors.TradewindError`."""
        ...

    async def undo(self) -> None:
        """The attempt is stopped: end what it began. Raises `errors.TradewindError`; it is called again then."""
        ...

    async def tidy(self) -> None:
        """Its log is sealed: take away what is not to stay. As `undo`."""
        ...
