"""What the scheduler and the bundles need of a runtime: attempts, and work with DAG files.

`AttemptRuntime` has two implementations: pods and Python attempts on this machine (`runtime.local`), and later pods
of a cluster. `FileRuntime` works with DAG files in child processes; DAG code never runs in the caller's process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tradewind.model.dagspec import Body, DagSpec
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Skipped
from tradewind.model.problem import Problem
from tradewind.model.rows import Attempt, DagRun, TaskInstance
from tradewind.model.states import EndReason


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A DAG file in a snapshot of its bundle."""

    bundle: str
    tree: str
    root: str
    """Absolute directory of the snapshot; the first entry of the worker's import path."""
    file: str
    """Relative to root."""
    isolated: bool = False


class Launch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything a runtime needs to begin an attempt. The attempt's row is committed before this is handed over."""

    attempt: Attempt
    task: TaskInstance
    run: DagRun
    body: Body
    source: Source
    dag_start_date: datetime | None = None
    do_xcom_push: bool = True
    templated: bool = False
    """A pod's arguments or a native body's fields need rendering first."""
    max_tries: int = 0
    priority_weight: int = 1
    """As its `weight_rule` makes it: of launches that must wait for one another, the highest goes first."""
    execution_timeout_seconds: float | None = None
    masked: tuple[str, ...] = ()
    """Sensitive values that whoever made the pod knows, beside those that rendering reports."""


class Observed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt that the runtime knows: alive, or ended and not yet released."""

    attempt_id: AttemptId
    ended: bool = False


class AttemptRuntime(Protocol):
    """Launches attempts and tells how they go. All calls are idempotent by attempt id."""

    def lead(self, epoch: int) -> None:
        """We hold the lease with this epoch; nobody with an older one is obeyed from now on."""
        ...

    async def launch(self, launches: Sequence[Launch]) -> None:
        """Begin them. A refusal of one arrives as its `AttemptEnded` (Rejected), never as an exception.

        Raises `errors.Transient` when nothing was handed over (the podlet is away): the same call again later.
        """
        ...

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """Ask it to end (SIGTERM, then SIGKILL after the grace). Its end arrives as an event."""
        ...

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """Their ends are committed and their logs sealed: what the runtime keeps of them may go."""
        ...

    async def observe(self) -> Sequence[Observed]:
        """What exists now: for reconciling after a restart. Ends not yet released are told again as events."""
        ...

    def events(self) -> AsyncIterator[Sequence[AttemptProgress | AttemptEnded]]:
        """What happens, in batches, at least once. Raises `errors.Conflict` when a newer epoch took over."""
        ...


class PodDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pod as it would be sent."""

    manifest: dict[str, Any]
    masked: tuple[str, ...] = ()
    """Sensitive values in it."""
    cluster: str = ""
    """Where it goes, for people; empty: the cluster of the settings."""


class PodDrafts(Protocol):
    """Shows pods that are not launched."""

    async def draft(self, launch: Launch) -> PodDraft:
        """The pod that the launch would send. Nothing begins. Raises `errors.Rejected` where it would be refused."""
        ...

    async def try_out(self, draft: PodDraft) -> dict[str, Any]:
        """What the API server makes of it (a dry run): the pod with its defaults. Raises `errors.TradewindError`."""


class ClusterState(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster that attempts go to. `name` is for people; empty: that of the settings."""

    name: str
    attempts: int
    """That are followed there."""
    problem: str = ""
    """Why what is known of its pods may be old; empty: it is watched."""


class ClusterStates(Protocol):
    """Shows the clusters."""

    def clusters(self) -> Sequence[ClusterState]:
        """All that are open, that of the settings first."""
        ...


class PodRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pod that the worker of an attempt built, or an act of a cluster, to run as that attempt's."""

    attempt: Attempt
    run: DagRun
    manifest: dict[str, Any]
    options: dict[str, Any] = {}
    """The operator's arguments that are no part of the manifest."""
    masked: tuple[str, ...] = ()
    relays: bool = False
    """The worker prints the pod's lines itself."""
    act: str = ""
    """Not empty: what is to be done in place of a pod; `options` are its arguments then."""


class PodNews(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of such a pod."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    node: str = ""
    started: bool = False
    end: AttemptEnded | None = None


class PodLog(msgspec.Struct, frozen=True, kw_only=True):
    """Whole lines of such a pod's log: (container, time, text), and where the next ones begin."""

    lines: tuple[tuple[str, str, str], ...]
    position: int
    ended: bool


class PodHandovers(Protocol):
    """Takes pods from workers. An attempt's worker has one pod at most; every call can be made again."""

    async def hand_over(self, request: PodRequest) -> PodNews:
        """Have it begun; returns when it is created (or has ended). Raises `errors.Rejected`."""
        ...

    async def await_pod(self, attempt_id: AttemptId, *, started: bool) -> PodNews:
        """When its main container began, or (not `started`) when it ended. Raises `errors.NotFound`."""
        ...

    async def read_log(self, attempt_id: AttemptId, position: int, *, relays: bool) -> PodLog:
        """What comes after a position, as soon as anything does. `relays`: the worker prints it itself."""
        ...

    async def stop_pod(self, attempt_id: AttemptId, reason: str) -> None:
        """Ask it to end. Raises `errors.NotFound`."""
        ...

    def cluster(self) -> dict[str, Any] | None:
        """How the worker reaches the cluster itself; None where pods are processes of this machine."""
        ...


class ParseRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Load a DAG file and tell its DAGs."""

    source: Source
    meaning: str | None = None
    """Set by bundle or file; None: detect."""
    timeout_seconds: float = 30


class ParseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a file gave: DAGs, or problems, or both (one broken DAG of several)."""

    specs: tuple[DagSpec, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    """Files inside the bundle's root that loading imported, read or listed (relative paths; folders end in /)."""
    variables: tuple[str, ...] = ()
    """Variables and connections that loading asked for ("variable:KEY", "connection:ID")."""
    seconds: float = 0
    isolated: bool = False
    meaning: str = ""
    """Which Airflow the file means, also where it could not be loaded; "" where that was not found out."""
    meaning_from: str = ""
    """As in `DagSpec`."""


class RenderRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Render one task's fields in a child with its file loaded."""

    source: Source
    run: DagRun
    task: TaskInstance
    attempt_id: AttemptId | None = None
    timeout_seconds: float = 30
    pod: dict[str, Any] | None = None
    """For the `pod_mutation_hook` of the source, which is the site's file then; `fields` are what it made of it."""
    options: tuple[tuple[str, str], ...] = ()
    """Of the loaded file, beside those of every file."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rendered fields as plain JSON, or a problem."""

    fields: dict[str, Any] = {}
    masked: tuple[str, ...] = ()
    """Sensitive values that the templates used."""
    rendered_map_index: str | None = None
    problem: Problem | None = None
    outcome: Failed | Skipped | None = None
    """Beside a problem: how its attempt ends where the user's code said so, by AirflowSkipException for one."""

    def end(self) -> Failed | Skipped | None:
        """How an attempt ends that cannot begin without the fields; None where they are there."""
        if self.problem is None or self.outcome is not None:
            return self.outcome
        # As any failure of the user's code: a template may have asked for what is there at the next try.
        return Failed(message=str(self.problem), reason=EndReason.REJECTED, entered=False)


class CallbackRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Run a callback of a task or (without a task) of the DAG."""

    source: Source
    run: DagRun
    which: str
    """on_success, on_failure, on_retry, on_skipped, on_execute; of a DAG, deadline and sla_miss too."""
    task: TaskInstance | None = None
    reason: str = ""
    deadlines: tuple[int, ...] = ()
    """Positions of those that were missed."""
    timeout_seconds: float = 300


class FileRuntime(Protocol):
    """Work with DAG files in child processes, with limits on time and memory."""

    async def parse(self, request: ParseRequest) -> ParseResult:
        """Never raises for what the file does: that is a problem in the result. Raises `errors.Transient`."""
        ...

    async def render(self, request: RenderRequest) -> Rendered:
        """As parse."""
        ...

    async def callback(self, request: CallbackRequest) -> Problem | None:
        """None when it returned."""
        ...


class Snapshots(Protocol):
    """Whole bundle trees, content-addressed."""

    async def keep(self, root: Path, paths: Sequence[str]) -> str:
        """Copy these files (relative to root) as one tree; its hash. Unchanged contents are shared."""
        ...

    def path(self, tree: str) -> Path:
        """The directory of a kept tree."""
        ...

    async def drop_unused(self, in_use: frozenset[str]) -> int:
        """Delete other trees; how many."""
        ...
