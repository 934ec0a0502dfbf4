"""DagSpec: a DAG as data, immutable, with a canonical hash.

It can hold what Airflow's serialised DAG holds, so that DAGs parsed elsewhere arrive in the same form. Nothing in it
needs the DAG file to be read again; what needs the file (Python bodies, templates, callbacks) is named, not contained.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import Enum
from typing import Any, Literal, Union

import msgspec

from tradewind.model.timetable import Never, Timetable

Meaning = Literal["2", "3"]
"""Which major version of Airflow a file means."""


class TriggerRule(str, Enum):
    """When a task runs, given its direct upstreams. All 13 of Airflow."""

    ALL_SUCCESS = "all_success"
    """All of them succeeded. A failed one fails it, a skipped one skips it."""
    ALL_FAILED = "all_failed"
    """All of them failed."""
    ALL_DONE = "all_done"
    """All of them ended, however."""
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    """All of them ended, none was skipped, and at least one succeeded."""
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    """All of them ended, and a setup among them succeeded. The rule of teardowns."""
    ALL_SKIPPED = "all_skipped"
    """All of them were skipped."""
    ONE_SUCCESS = "one_success"
    """One succeeded; it does not wait for the others."""
    ONE_FAILED = "one_failed"
    """One failed; it does not wait for the others."""
    ONE_DONE = "one_done"
    """One succeeded or failed; it does not wait for the others."""
    NONE_FAILED = "none_failed"
    """All of them ended, and none failed."""
    NONE_SKIPPED = "none_skipped"
    """All of them ended, and none was skipped."""
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    """All of them ended, none failed, and at least one succeeded."""
    ALWAYS = "always"
    """At once, whatever they do."""


class WeightRule(str, Enum):
    """How a task's priority weight is made into its effective one."""

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"
    ABSOLUTE = "absolute"


# -- lengths of mappings -------------------------------------------------------------------------------------------


class ConstLength(msgspec.Struct, frozen=True, kw_only=True, tag="const"):
    """A literal list or dict of known length."""

    n: int


class XComLength(msgspec.Struct, frozen=True, kw_only=True, tag="xcom"):
    """The length of an upstream's value. A mapped upstream counts its non-skipped, successful elements with a value."""

    task_id: str
    key: str = "return_value"


class ZipLength(msgspec.Struct, frozen=True, kw_only=True, tag="zip"):
    """Shortest of the parts, or the longest when a fill value was given."""

    parts: tuple[Length, ...]
    longest: bool = False


class ConcatLength(msgspec.Struct, frozen=True, kw_only=True, tag="concat"):
    """Sum of the parts."""

    parts: tuple[Length, ...]


Length = Union[ConstLength, XComLength, ZipLength, ConcatLength]


class Mapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often a task or group is multiplied: the product of the lengths of its arguments.

    `kind` "expand": one length per mapped argument, in order of definition, the last changing fastest in the map
    index (Airflow's order); "expand_kwargs": exactly one length.
    """

    kind: Literal["expand", "expand_kwargs"]
    arguments: tuple[tuple[str, Length], ...]

    def upstream_task_ids(self) -> frozenset[str]:
        """Tasks whose values decide the length."""
        found: set[str] = set()
        pending: list[Length] = [length for _, length in self.arguments]
        while pending:
            length = pending.pop()
            if isinstance(length, XComLength):
                found.add(length.task_id)
            elif isinstance(length, (ZipLength, ConcatLength)):
                pending.extend(length.parts)
        return frozenset(found)


# -- what a task does ----------------------------------------------------------------------------------------------


class PythonBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="python"):
    """Needs a worker: any operator with an `execute` of its own; the worker finds it in its DAG file.

    `branch`: its result may hold a decision which downstream tasks to skip. `sensor` tells what a reschedule means.
    """

    branch: bool = False
    sensor: bool = False
    reschedule: bool = False
    sensor_timeout_seconds: float | None = None
    pod: bool = False
    """A subclass of the pod operator with an execute of its own: hands a pod over while it waits."""


class PodBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="pod"):
    """A plain pod operator: pure data, no worker waits.

    `arguments` are the operator's arguments as plain JSON (API objects already plain). When `templated` is true a
    worker renders them first; the manifest is then built from the rendered ones by `tradewind.pods`.
    """

    arguments: dict[str, Any]
    templated: bool = False
    do_xcom_push: bool = False
    skip_on_exit_code: tuple[int, ...] = ()
    startup_timeout_seconds: float = 120
    schedule_timeout_seconds: float | None = None
    on_finish_action: str = "delete_pod"
    termination_grace_seconds: float | None = None


Act = Literal["start_job", "delete_job", "patch_job", "create_resources", "delete_resources", "exec"]


class ClusterBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="cluster"):
    """Something to do in a cluster that is no pod of ours: start a Job, make or delete objects, run a command in a pod
    that is there. Pure data, as a plain pod operator is; the control plane does it and nothing waits in a process.

    `arguments` are the operator's, as plain JSON; where `templated`, a worker renders them first.
    """

    act: Act
    arguments: dict[str, Any]
    templated: bool = False


class EmptyBody(msgspec.Struct, frozen=True, kw_only=True, tag="empty"):
    """EmptyOperator: succeeds at once, in the engine (unless it has callbacks or templates: then PythonBody)."""


class LatestOnlyBody(msgspec.Struct, frozen=True, kw_only=True, tag="latest_only"):
    """LatestOnlyOperator: skips direct downstreams unless the run is the latest scheduled one (or manual)."""


class WaitTimeBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="wait_time"):
    """Waits in the engine until a moment, then succeeds.

    `at` is a fixed moment; `clock` a time of day ("HH:MM:SS") in the DAG's time zone, of the day on which the try
    begins; else `after_seconds` counts from `anchor`: the end of the data interval (or the run's run_after where there
    is none), or the try's start.
    """

    at: datetime | None = None
    clock: str = ""
    after_seconds: float = 0
    anchor: Literal["data_interval_end", "start"] = "data_interval_end"
    timeout_seconds: float | None = None
    """Longer than that after the try's start it does not wait: it fails for good, or with `soft_fail` is skipped."""
    soft_fail: bool = False


class TriggerRunBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="trigger_run"):
    """TriggerDagRunOperator: the engine creates the run, and may wait for its end."""

    dag_id: str
    run_id: str | None = None
    conf: dict[str, Any] | None = None
    logical_date: str | None = None
    run_after: str | None = None
    note: str = ""
    wait: bool = False
    allowed_states: tuple[str, ...] = ("success",)
    failed_states: tuple[str, ...] = ("failed",)
    reset: bool = False
    skip_if_exists: bool = False
    fail_when_paused: bool = False


class WaitTaskBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="wait_task"):
    """ExternalTaskSensor: waits for tasks, a group or the whole run of another DAG at a logical date, or at several."""

    dag_id: str
    task_ids: tuple[str, ...] = ()
    group_id: str | None = None
    delta_seconds: float = 0
    dates: tuple[datetime, ...] = ()
    """Logical dates that the task's code chose; where there are none it is the run's own less the delta."""
    allowed_states: tuple[str, ...] = ("success",)
    skipped_states: tuple[str, ...] = ()
    failed_states: tuple[str, ...] = ()
    check_existence: bool = False
    timeout_seconds: float | None = None
    soft_fail: bool = False


class MarkTaskBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="mark_task"):
    """ExternalTaskMarker: succeeds at once; who clears it clears that task of another DAG too, and what is below it."""

    dag_id: str
    task_id: str
    date: datetime | None = None
    """Logical date of the other DAG's run; None is that of its own run."""
    recursion_depth: int = 10


class OpaqueBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="opaque"):
    """An operator that we do not have: it keeps its place in the graph; running it is an error with this text."""

    classpath: str
    reason: str
    arguments: dict[str, Any] = {}


NativeBody = Union[WaitTimeBody, TriggerRunBody, WaitTaskBody, MarkTaskBody]
"""What the engine does itself, also for a worker that left the rest of its task to it."""

Body = Union[
    PythonBody, PodBody, ClusterBody, EmptyBody, LatestOnlyBody, WaitTimeBody, TriggerRunBody, WaitTaskBody,
    MarkTaskBody, OpaqueBody,
]  # fmt: skip


class Callbacks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which callbacks exist (they are code, and stay in the file)."""

    on_execute: bool = False
    on_success: bool = False
    on_failure: bool = False
    on_retry: bool = False
    on_skipped: bool = False


class Deadline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By when a run of a DAG, or a task in it, is to have ended. Its callback is code, and stays in the file."""

    reference: Literal["logical_date", "queued_at", "fixed_datetime", "average_runtime", "run_after"]
    """What it counts from; `average_runtime`: the run's creation and how long runs took of late.

    `run_after` is what an `sla` counts from: when a scheduled run is due; runs by hand have none.
    """
    interval_seconds: float
    fixed: datetime | None = None
    max_runs: int = 0
    """How many successful runs an average is taken of at most."""
    min_runs: int = 0
    """With fewer there is no deadline."""
    name: str = ""
    task_id: str | None = None
    """The task that it is about: an `sla`."""


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task. Defaults are Airflow 3's; durations are seconds."""

    task_id: str
    """With its groups' prefixes, as Airflow shows it."""
    body: Body
    operator: str = ""
    """Name of the operator's class, as the user knows it."""
    upstream: tuple[str, ...] = ()
    """Direct upstream task ids, sorted."""
    group_id: str | None = None
    """The innermost group, None at the top."""
    mapping: Mapping | None = None
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False
    setup_of: tuple[str, ...] = ()
    """Only for teardowns: their setups."""
    retries: int = 0
    retry_delay_seconds: float = 300
    retry_backoff: float = 0
    """0: constant delay; otherwise the multiplier of exponential back-off (True in Airflow 2 means 2)."""
    retry_jitter: bool = True
    """With back-off Airflow adds a jitter derived from the task instance; here drawn."""
    max_retry_delay_seconds: float | None = None
    execution_timeout_seconds: float | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    depends_on_past: bool = False
    wait_for_downstream: bool = False
    ignore_first_depends_on_past: bool = True
    wait_for_past_depends_before_skipping: bool = False
    ignore_downstream_trigger_rules: bool = True
    """Short circuit: skip everything below, not only the direct downstreams."""
    pool: str = "default_pool"
    pool_slots: int = 1
    priority_weight: int = 1
    weight_rule: WeightRule = WeightRule.DOWNSTREAM
    queue: str = "default"
    executor: str | None = None
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    infrastructure_retries: int | None = None
    """None: the site's setting (3)."""
    rerun_after_infrastructure_loss: bool | None = None
    """None: exactly when `retries` > 0."""
    do_xcom_push: bool = True
    multiple_outputs: bool = False
    callbacks: Callbacks = Callbacks()
    email: tuple[str, ...] = ()
    email_on_failure: bool = True
    email_on_retry: bool = True
    owner: str = "airflow"
    display_name: str | None = None
    doc_md: str | None = None
    ui_color: str = ""
    ui_fgcolor: str = ""
    template_fields: tuple[str, ...] = ()
    templated: bool = False
    """Some field holds a template."""
    map_index_template: str | None = None
    params: dict[str, Any] = {}
    inlets: tuple[Any, ...] = ()
    outlets: tuple[Any, ...] = ()
    edge_labels: dict[str, str] = {}
    """Downstream task id → label."""
    extra: dict[str, Any] = {}
    """Fields of Airflow's serialisation that nothing here acts on yet, kept as they came."""


class GroupSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task group. Membership is told by the members (`group_id`, `parent_id`)."""

    group_id: str
    parent_id: str | None = None
    mapping: Mapping | None = None
    prefix_group_id: bool = True
    tooltip: str = ""
    display_name: str | None = None
    ui_color: str = ""
    ui_fgcolor: str = ""
    upstream_group_ids: tuple[str, ...] = ()
    upstream_task_ids: tuple[str, ...] = ()


class ParamSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A DAG parameter: default and JSON schema. `has_default` False: a value must be given with the run."""

    value: Any = None
    has_default: bool = True
    schema: dict[str, Any] = {}
    description: str | None = None


class DagSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A DAG. Tasks are in topological order (ties by definition order); groups parents first."""

    dag_id: str
    file: str
    """Path of its file inside the bundle."""
    meaning: Meaning = "3"
    meaning_from: str = ""
    """How the meaning was found: "file" (a comment says it), "setting", "imports", "arguments", or "" where
    nothing told (a warning is shown).
    """
    tasks: tuple[TaskSpec, ...] = ()
    groups: tuple[GroupSpec, ...] = ()
    timetable: Timetable = msgspec.field(default_factory=Never)
    timezone: str = "UTC"
    start_date: datetime | None = None
    end_date: datetime | None = None
    catchup: bool = False
    max_active_runs: int = 16
    max_active_tasks: int = 16
    max_consecutive_failed_dag_runs: int = 0
    dagrun_timeout_seconds: float | None = None
    fail_fast: bool = False
    is_paused_upon_creation: bool | None = None
    callbacks: Callbacks = Callbacks()
    params: dict[str, ParamSpec] = {}
    render_template_as_native_obj: bool = False
    display_name: str | None = None
    description: str | None = None
    doc_md: str | None = None
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    default_view: str = ""
    deadlines: tuple[Deadline, ...] = ()
    calls_on_sla_miss: bool = False
    """Whether it has a `sla_miss_callback`, for those of its deadlines that are about tasks."""
    warnings: tuple[str, ...] = ()
    """What the author should know: ignored arguments, wrong places, opaque operators."""
    extra: dict[str, Any] = {}

    def canonical(self) -> bytes:
        """The specification as canonical JSON: keys sorted, defaults left out."""
        return msgspec.json.encode(self, order="sorted")

    def fingerprint(self, tree: str) -> str:
        """Hex SHA-256 over the canonical form and the hash of the sources that its workers load."""
        return hashlib.sha256(self.canonical() + b"\0" + tree.encode()).hexdigest()
