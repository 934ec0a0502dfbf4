"""From a `DAG` to its `DagSpec`: everything about it as data, checked.

What needs the DAG file (bodies, templates, callbacks) is named here, never contained. A DAG that cannot be taken raises
`DagProblem`, with the object and a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tradewind import templates
from tradewind.model import dagspec
from tradewind.model import timetable as timetables
from tradewind.model.dagspec import DagSpec, GroupSpec, Meaning, TaskSpec
from tradewind.sdk import assets, errors, kubernetes, schedule, timezone, topology
from tradewind.sdk.definition import DAG
from tradewind.sdk.operators.empty import EmptyOperator
from tradewind.sdk.operators.latest_only import LatestOnlyOperator
from tradewind.sdk.resolving import references

_UNTOLD = (
    "nothing in the file tells whether it means Airflow 2 or 3, so 3 is assumed; "
    "write `# tradewind: airflow=3` into it, or set dags.airflow, since catchup and schedules differ"
)


def to_spec(dag: DAG, *, file: str, meaning: Meaning, meaning_from: str) -> DagSpec:
    """The DAG as data. Raises `DagProblem`: a bad schedule, a cycle, parameters without values, ..."""
    zone = _zone_name(dag.timezone)
    table = schedule.timetable_of(dag.dag_id, dag.schedule, meaning=meaning, zone=zone)
    _refuse_many_runs(dag, table)
    order = topology.in_order(dag.dag_id, {task.task_id: frozenset(task.upstream_task_ids) for task in dag.tasks})
    if not isinstance(table, timetables.Never):
        dag.params.validate()
    tasks = tuple(_task(dag, dag.task_dict[name]) for name in order)
    warnings = list(dag.notes)
    if not meaning_from and not isinstance(table, timetables.Never):
        warnings.append(_UNTOLD)
    warnings += [
        f"task {one.task_id!r}: {one.body.reason}" for one in tasks if isinstance(one.body, dagspec.OpaqueBody)
    ]
    warnings += [said for one in tasks if (said := _unapplied(one))]
    watched, unwatched = _deadlines(dag)
    warnings += unwatched
    return DagSpec(
        dag_id=dag.dag_id,
        file=file,
        meaning=meaning,
        meaning_from=meaning_from,
        tasks=tasks,
        groups=tuple(_group(group) for group in dag.task_group_dict.values()),
        timetable=table,
        timezone=zone,
        start_date=_earliest(dag),
        end_date=_latest(dag),
        catchup=bool(dag.catchup),
        max_active_runs=dag.max_active_runs,
        max_active_tasks=dag.max_active_tasks,
        max_consecutive_failed_dag_runs=dag.max_consecutive_failed_dag_runs,
        dagrun_timeout_seconds=_seconds(dag.dagrun_timeout),
        fail_fast=dag.fail_fast,
        is_paused_upon_creation=dag.is_paused_upon_creation,
        callbacks=dagspec.Callbacks(on_success=bool(dag.on_success_callback), on_failure=bool(dag.on_failure_callback)),
        deadlines=watched,
        calls_on_sla_miss=bool(dag.sla_miss_callback),
        params={name: param.spec() for name, param in dag.params.raw().items()},
        render_template_as_native_obj=dag.render_template_as_native_obj,
        display_name=dag.dag_display_name if dag.dag_display_name != dag.dag_id else None,
        description=dag.description,
        doc_md=dag.doc_md,
        tags=tuple(sorted(dag.tags)),
        owners=tuple(sorted({task.owner for task in dag.tasks})),
        default_view=dag.default_view,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _refuse_many_runs(dag: DAG, table: timetables.Timetable) -> None:
    if isinstance(table, timetables.Continuous) and dag.max_active_runs > 1:
        said = f"a continuous schedule has one run at a time, and max_active_runs is {dag.max_active_runs}"
        raise errors.ValueProblem.of("continuous-runs", f"DAG {dag.dag_id!r}", said, "add max_active_runs=1")


def _deadlines(dag: DAG) -> tuple[tuple[dagspec.Deadline, ...], list[str]]:
    """Those that are watched, and what the author should know of the others."""
    if not dag.deadline and all(_attribute(task, "sla", None) is None for task in dag.tasks):
        return (), []
    from tradewind.sdk import deadlines  # few files have any, and the others load faster without

    return deadlines.specs(dag), deadlines.notes(dag)


# -- tasks ---------------------------------------------------------------------------------------------------------


def _task(dag: DAG, task: Any) -> TaskSpec:
    group = task.task_group
    edges = dag.edge_info.get(task.task_id, {})
    return TaskSpec(
        task_id=task.task_id,
        body=_body(dag, task),
        operator=task.operator_name,
        upstream=tuple(sorted(task.upstream_task_ids)),
        group_id=group.group_id if group is not None else None,
        mapping=task.expand_input.mapping() if task.is_mapped else None,
        trigger_rule=dagspec.TriggerRule(str(task.trigger_rule)),
        is_setup=task.is_setup,
        is_teardown=task.is_teardown,
        on_failure_fail_dagrun=bool(task.on_failure_fail_dagrun),
        setup_of=tuple(one.task_id for one in task.upstream_list if one.is_setup) if task.is_teardown else (),
        retries=task.retries,
        retry_delay_seconds=task.retry_delay.total_seconds(),
        retry_backoff=float(task.retry_exponential_backoff or 0),
        max_retry_delay_seconds=_seconds(task.max_retry_delay),
        execution_timeout_seconds=_seconds(task.execution_timeout),
        start_date=_utc(task.start_date),
        end_date=_utc(task.end_date),
        depends_on_past=bool(task.depends_on_past),
        wait_for_downstream=bool(task.wait_for_downstream),
        ignore_first_depends_on_past=bool(task.ignore_first_depends_on_past),
        wait_for_past_depends_before_skipping=bool(task.wait_for_past_depends_before_skipping),
        ignore_downstream_trigger_rules=bool(_attribute(task, "ignore_downstream_trigger_rules", True)),
        pool=task.pool,
        pool_slots=task.pool_slots,
        priority_weight=int(task.priority_weight),
        weight_rule=_weight_rule(task),
        queue=str(task.queue),
        executor=task.executor,
        max_active_tis_per_dag=task.max_active_tis_per_dag,
        max_active_tis_per_dagrun=task.max_active_tis_per_dagrun,
        do_xcom_push=bool(task.do_xcom_push),
        multiple_outputs=bool(_attribute(task, "multiple_outputs", False)),
        callbacks=dagspec.Callbacks(
            **{name: bool(getattr(task, f"{name}_callback")) for name in dagspec.Callbacks.__struct_fields__}
        ),
        email=_texts(task.email),
        email_on_failure=bool(task.email_on_failure),
        email_on_retry=bool(task.email_on_retry),
        owner=str(task.owner),
        display_name=task.task_display_name if task.task_display_name != task.task_id else None,
        doc_md=task.doc_md,
        ui_color=str(task.ui_color or ""),
        ui_fgcolor=str(task.ui_fgcolor or ""),
        template_fields=_fields(task),
        templated=_is_templated(dag, task),
        map_index_template=task.map_index_template,
        params=_own_params(dag, task),
        inlets=tuple(assets.data_of(one) for one in task.inlets),
        outlets=tuple(assets.data_of(one) for one in task.outlets),
        edge_labels={name: str(info["label"]) for name, info in edges.items() if info.get("label")},
        extra=_extra(task),
    )


def _extra(task: Any) -> dict[str, Any]:
    """What nothing here acts on yet: how an executor of Airflow would have run the task."""
    given = task.executor_config
    return {"executor_config": kubernetes.plain(given)} if given else {}


def _unapplied(one: TaskSpec) -> str:
    """What is said of a task whose executor would have given it a pod of its own; empty where nothing is lost."""
    given = one.extra.get("executor_config") or {}
    names = ", ".join(name for name in ("pod_override", "KubernetesExecutor") if name in given)
    if not names or not isinstance(one.body, dagspec.PythonBody):
        return ""
    return (
        f"task {one.task_id!r}: executor_config's {names} is kept and not applied, since Python tasks run in workers "
        "beside the control plane; @task.kubernetes and KubernetesPodOperator give a task a pod of its own"
    )


def _class(task: Any) -> type[Any]:
    found: type[Any] = task.operator_class if task.is_mapped else type(task)
    return found


def _body(dag: DAG, task: Any) -> dagspec.Body:
    kind = _class(task)
    own = getattr(kind, "body", None)
    if callable(own):
        body: dagspec.Body = own(task)
        return body
    if (native := _native(dag, task)) is not None:
        return native
    sensor = bool(getattr(kind, "_is_sensor", False))
    return dagspec.PythonBody(
        branch=bool(getattr(kind, "_can_skip_downstream", False)),
        sensor=sensor,
        reschedule=sensor and _attribute(task, "mode", "poke") == "reschedule",
        sensor_timeout_seconds=float(_attribute(task, "timeout", 0) or 0) or None
        if sensor and not task.is_mapped
        else None,
    )


def _native(dag: DAG, task: Any) -> dagspec.Body | None:
    """What the engine does alone; None where something is known only in a process, or is code of the user's."""
    kind = _class(task)
    if task.is_mapped or _has_code_around(task):
        return None
    if kind.execute is EmptyOperator.execute and not _fields(task):
        return dagspec.EmptyBody()
    if _is_templated(dag, task, known=("logical_date",) if getattr(task, "marks_own_date", False) else ()):
        return None
    if kind is LatestOnlyOperator:
        return dagspec.LatestOnlyBody()
    if hasattr(kind, "native") and kind.__module__.startswith("tradewind."):
        found: dagspec.Body | None = task.native(None)
        return found
    return None


def _has_code_around(task: Any) -> bool:
    """Whether something of the user's runs before or after the body, so that a process is needed."""
    kind = _class(task)
    hooked = [
        task.__dict__.get(name) for name in ("_pre_execute_hook", "_post_execute_hook", "pre_execute", "post_execute")
    ]
    overridden = any(
        getattr(kind, name) is not getattr(EmptyOperator, name) for name in ("pre_execute", "post_execute")
    )
    called = task.on_execute_callback or task.on_success_callback or task.on_skipped_callback
    return overridden or any(hooked) or bool(called) or bool(task.outlets)


def _attribute(task: Any, name: str, default: Any) -> Any:
    """An argument of the operator; of a mapped one that of partial()."""
    if not task.is_mapped:
        return getattr(task, name, default)
    return task.partial_kwargs.get(name, getattr(task.operator_class, name, default))


def _fields(task: Any) -> tuple[str, ...]:
    given = task.template_fields
    return (given,) if isinstance(given, str) else tuple(given)


def _is_templated(dag: DAG, task: Any, known: Sequence[str] = ()) -> bool:
    """`known`: fields of which the engine knows what their template gives."""
    if task.is_mapped:
        return True
    markers = templates.markers_of(dag, native=task.__dict__.get("render_template_as_native_obj"))
    extensions = tuple(task.template_ext)
    return any(
        templates.has_template(
            getattr(task, name, None), extensions, markers=markers, field=True, fields_of=task.nested_template_fields
        )
        or next(references(getattr(task, name, None)), None) is not None
        for name in _fields(task)
        if name not in known
    )


def _own_params(dag: DAG, task: Any) -> dict[str, Any]:
    shared = dag.params.raw()
    return {
        name: param.spec().value
        for name, param in task.params.raw().items()
        if name not in shared or shared[name].dump() != param.dump()
    }


def _weight_rule(task: Any) -> dagspec.WeightRule:
    text = str(getattr(task.weight_rule, "value", task.weight_rule))
    try:
        return dagspec.WeightRule(text)
    except ValueError:
        said = f"weight_rule is a strategy of its own, {type(task.weight_rule).__name__}"
        hint = "strategies from plug-ins are a later step; use downstream, upstream or absolute"
        raise errors.DagProblem.of("not-here-yet", f"task {task.task_id!r}", said, hint) from None


# -- groups, dates, small things -----------------------------------------------------------------------------------


def _group(group: Any) -> GroupSpec:
    parent = group.parent_group
    return GroupSpec(
        group_id=group.group_id,
        parent_id=parent.group_id if parent is not None else None,
        mapping=group.expand_input.mapping() if group.expand_input is not None else None,
        prefix_group_id=group.prefix_group_id,
        tooltip=group.tooltip,
        display_name=group.group_display_name or None,
        ui_color=group.ui_color,
        ui_fgcolor=group.ui_fgcolor,
        upstream_group_ids=tuple(sorted(name for name in group.upstream_group_ids if name)),
        upstream_task_ids=tuple(sorted(group.upstream_task_ids)),
    )


def _dates(dag: DAG, name: str) -> Iterator[datetime]:
    for thing in (dag, *dag.tasks):
        if (found := _utc(getattr(thing, name))) is not None:
            yield found


def _earliest(dag: DAG) -> datetime | None:
    """The earliest start date of the DAG and its tasks: from then on Airflow makes runs."""
    return min(_dates(dag, "start_date"), default=None)


def _latest(dag: DAG) -> datetime | None:
    return max(_dates(dag, "end_date"), default=None)


def _utc(value: Any) -> datetime | None:
    """The same moment as a plain datetime, which is what can be written as data."""
    if value is None:
        return None
    return timezone.to_plain(value)


def _zone_name(zone: Any) -> str:
    name = getattr(zone, "name", None) or getattr(zone, "key", None) or str(zone)
    return str(name)


def _seconds(span: Any) -> float | None:
    return None if span is None else float(span.total_seconds())


def _texts(given: Any) -> tuple[str, ...]:
    if not given:
        return ()
    if isinstance(given, str):
        return tuple(part.strip() for part in given.replace(";", ",").split(",") if part.strip())
    return tuple(str(one) for one in given)
