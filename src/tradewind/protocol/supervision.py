"""Worker → control plane: what user code asks while it runs. A worker connects when it first asks, and reconnects.

The first frame is `Introduce`; then requests and answers alternate. While the control plane is away the worker waits.
Every request can be sent again after a reconnect: answers to reads are reads, writes are idempotent by (attempt, n).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Union

import msgspec

from tradewind.model.outcome import Result
from tradewind.model.problem import Problem


class Introduce(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="introduce"):
    """Who asks. `attempt_id` "" while a file is being loaded."""

    version: int
    attempt_id: str = ""
    purpose: str = "attempt"
    """attempt, load, render or callback."""


class GetVariable(msgspec.Struct, frozen=True, kw_only=True, tag="get_variable"):
    """Answer: Value with a text, or absent."""

    key: str


class SetVariable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="set_variable"):
    """Answer: Done."""

    key: str
    value: str
    description: str = ""


class DeleteVariable(msgspec.Struct, frozen=True, kw_only=True, tag="delete_variable"):
    """Answer: Done."""

    key: str


class GetConnection(msgspec.Struct, frozen=True, kw_only=True, tag="get_connection"):
    """Answer: Value with a connection's fields as an object (conn_type, host, …), or absent."""

    conn_id: str


class GetXCom(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="get_xcom"):
    """One value. Answer: Value whose `value` is JSON bytes, or absent."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    key: str = "return_value"
    include_prior_dates: bool = False


class ListXComs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="list_xcoms"):
    """Values of a (mapped) task in order of map index, sliced. Answer: Values."""

    dag_id: str
    run_id: str
    task_id: str
    key: str = "return_value"
    start: int = 0
    stop: int | None = None


class CountXComs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="count_xcoms"):
    """How many values a mapped task has. Answer: Value with a number."""

    dag_id: str
    run_id: str
    task_id: str
    key: str = "return_value"


class SetXCom(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="set_xcom"):
    """A value pushed before the end. Answer: Done."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    key: str
    value: bytes
    kind: str = "other"
    length: int | None = None


class GetTasks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="get_tasks"):
    """Task instances of a run: states, map indexes, try numbers. Answer: Value with a list of objects."""

    dag_id: str
    run_id: str
    task_ids: tuple[str, ...] = ()


class GetRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="get_run"):
    """A run by id, or the last one before a date (optionally only a successful one). Answer: Value or absent."""

    dag_id: str
    run_id: str | None = None
    before: datetime | None = None
    state: str | None = None


class CountRuns(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="count_runs"):
    """How many runs match. Answer: Value with a number."""

    dag_id: str
    logical_dates: tuple[datetime, ...] = ()
    run_ids: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


class SendCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="send_command"):
    """A command for the inbox, as JSON of `model.commands.Command`. Answer: Value with its result as an object."""

    command: bytes
    number: int = 0


class Handover(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="handover"):
    """An operator's own `execute` gives its pod to the control plane, or its Job. Answer: PodTold when it is created.

    It is the attempt's only one: asked again after a reconnect it is the same one.
    """

    dag_id: str
    run_id: str
    manifest: dict[str, Any]
    options: dict[str, Any] = {}
    """The operator's arguments that are no part of the manifest: how long to wait, which logs, what becomes of it."""
    masked: tuple[str, ...] = ()
    """Sensitive values that the worker knows: they are hidden in the pod's log too."""
    relays: bool = False
    """The worker prints the pod's lines into its own log: they are not to be there by themselves."""
    number: int = 1
    """Which pod of this worker it is. A second one is refused."""
    act: str = ""
    """`start_job`: it is no pod but a Job, made of the operator's arguments, which `options` are all of."""


class AwaitPod(msgspec.Struct, frozen=True, kw_only=True, tag="await_pod"):
    """Wait for the pod that was handed over. Answer: PodTold when its main container began, or it has ended."""

    phase: Literal["started", "ended"]


class ReadPodLog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="read_pod_log"):
    """What the pod printed after a position, or what it prints next. Answer: PodLines."""

    position: int = 0
    relays: bool = False
    """As of the handover; what is before `position` is printed."""


class StopPod(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="stop_pod"):
    """End the pod that was handed over. Answer: Done, before it has ended."""

    reason: str = ""


class GetCluster(msgspec.Struct, frozen=True, kw_only=True, tag="get_cluster"):
    """How the cluster of the pods is reached. Answer: Value with an object, absent where pods are processes."""


Ask = Union[
    Introduce,
    GetVariable,
    SetVariable,
    DeleteVariable,
    GetConnection,
    GetXCom,
    ListXComs,
    CountXComs,
    SetXCom,
    GetTasks,
    GetRun,
    CountRuns,
    SendCommand,
    Handover,
    AwaitPod,
    ReadPodLog,
    StopPod,
    GetCluster,
]
OfPod = (Handover, AwaitPod, ReadPodLog, StopPod, GetCluster)
"""Asked by a worker about its own pod."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="value"):
    """A value, or none there."""

    value: Any = None
    absent: bool = False


class Values(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="values"):
    """(map index, JSON bytes) in order."""

    values: tuple[tuple[int, bytes], ...] = ()


class Done(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="done"):
    """It was done."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="refused"):
    """It was refused."""

    problem: Problem


class PodTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="pod"):
    """What is known of the pod that the worker handed over."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    node: str = ""
    started: bool = False
    result: Result | None = None
    """How it ended, with the values that it gave back; None while it has not."""
    verdict: str = ""
    detail: dict[str, Any] = {}
    """Container statuses and conditions at its end."""


class PodLines(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="pod_lines"):
    """(container, time, text) of whole lines; `ended`: nothing comes after them."""

    lines: tuple[tuple[str, str, str], ...] = ()
    position: int = 0
    ended: bool = False


Answer = Union[Value, Values, Done, Refused, PodTold, PodLines]
