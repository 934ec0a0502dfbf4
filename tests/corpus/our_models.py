"""What our model of DAG files is, in the form that `oracle_models.py` tells Airflow's in.

Each file is loaded in a process of its own, forked from this one, as a zygote loads it.

usage: our_models.py FILE...
prints: {FILE: {"problems": [{"code", "message", "hint"}], "notes": [TEXT], "dags": {DAG_ID: MODEL}}}
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import Any

import msgspec

from tradewind.model import dagspec
from tradewind.protocol.work import FileRef, LoadWork
from tradewind.worker import loading, preload


def main(argv: list[str]) -> int:
    """Tell the models of the files; `--example-dags FOLDER` before them: where Airflow's package of examples is."""
    examples = ""
    paths = argv[1:]
    if paths[:1] == ["--example-dags"]:
        examples, paths = paths[1], paths[2:]
    preload()
    json.dump({path: _apart(path, examples) for path in paths}, sys.stdout)
    return 0


def _apart(path: str, examples: str) -> dict[str, Any]:
    """Load in a child and read what it tells."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as out:
            json.dump(_load(path, examples), out, default=str)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(text)
    return found


def _load(path: str, examples: str) -> dict[str, Any]:
    if examples:
        _show_examples(examples)
    folder, name = os.path.split(path)
    report = loading.load(LoadWork(file=FileRef(root=folder, file=name), timeout_seconds=60)).report
    return {
        "problems": [{"code": one.code, "message": one.message, "hint": one.hint} for one in report.problems],
        "notes": list(report.warnings),
        "meaning": next((one.meaning for one in report.specs), ""),
        "opaque": sorted({task.operator for one in report.specs for task in one.tasks if _is_opaque(task)}),
        "dags": {one.dag_id: of_spec(one) for one in report.specs},
    }


def _is_opaque(task: dagspec.TaskSpec) -> bool:
    return isinstance(task.body, dagspec.OpaqueBody)


def _show_examples(folder: str) -> None:
    """Some of Airflow's examples import others of its package `airflow.example_dags`, which no user's file does."""
    import types

    from tradewind.compat import modules, names_path

    sys.path.insert(0, str(names_path()))
    modules.install()
    package = types.ModuleType("airflow.example_dags")
    package.__path__ = [folder]
    sys.modules["airflow.example_dags"] = package


def of_spec(spec: dagspec.DagSpec) -> dict[str, Any]:
    """One DAG."""
    return {
        "catchup": spec.catchup,
        "max_active_runs": spec.max_active_runs,
        "max_active_tasks": spec.max_active_tasks,
        "max_consecutive_failed_dag_runs": spec.max_consecutive_failed_dag_runs,
        "dagrun_timeout": spec.dagrun_timeout_seconds,
        "start_date": _moment(spec.start_date),
        "end_date": _moment(spec.end_date),
        "fail_fast": spec.fail_fast,
        "is_paused_upon_creation": spec.is_paused_upon_creation,
        "render_template_as_native_obj": spec.render_template_as_native_obj,
        "description": spec.description,
        "doc_md": spec.doc_md,
        "tags": sorted(spec.tags),
        "timetable": _timetable(spec.timetable),
        "params": {name: {"value": one.value, "schema": one.schema} for name, one in spec.params.items()},
        "tasks": {task.task_id: _task(task, spec) for task in spec.tasks},
        "groups": {group.group_id: _group(group) for group in spec.groups},
        "labels": {
            f"{task.task_id} > {below}": label for task in spec.tasks for below, label in task.edge_labels.items()
        },
    }


def _timetable(table: Any) -> Any:
    data = msgspec.to_builtins(table)
    return [type(table).__name__, {name: value for name, value in data.items() if name != "type"}]


def _task(task: dagspec.TaskSpec, spec: dagspec.DagSpec) -> dict[str, Any]:
    return {
        "trigger_rule": task.trigger_rule.value,
        "retries": task.retries,
        "retry_delay": task.retry_delay_seconds,
        "retry_exponential_backoff": task.retry_backoff,
        "max_retry_delay": task.max_retry_delay_seconds,
        "execution_timeout": task.execution_timeout_seconds,
        "start_date": _moment(task.start_date),
        "end_date": _moment(task.end_date),
        "depends_on_past": task.depends_on_past,
        "wait_for_downstream": task.wait_for_downstream,
        "ignore_first_depends_on_past": task.ignore_first_depends_on_past,
        "wait_for_past_depends_before_skipping": task.wait_for_past_depends_before_skipping,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority_weight": task.priority_weight,
        "weight_rule": task.weight_rule.value,
        "queue": task.queue,
        "executor": task.executor,
        "max_active_tis_per_dag": task.max_active_tis_per_dag,
        "max_active_tis_per_dagrun": task.max_active_tis_per_dagrun,
        "is_setup": task.is_setup,
        "is_teardown": task.is_teardown,
        "on_failure_fail_dagrun": task.on_failure_fail_dagrun,
        "multiple_outputs": task.multiple_outputs,
        "email": list(task.email),
        "email_on_failure": task.email_on_failure,
        "email_on_retry": task.email_on_retry,
        "owner": task.owner,
        "doc_md": task.doc_md,
        "template_fields": list(task.template_fields),
        "map_index_template": task.map_index_template,
        "ui_color": task.ui_color,
        "operator": task.operator,
        "upstream": sorted(task.upstream),
        "group": task.group_id,
        "mapping": _mapping(task.mapping),
        "params": {**{name: one.value for name, one in spec.params.items()}, **task.params},
        "inlets": [_asset(one) for one in task.inlets],
        "outlets": [_asset(one) for one in task.outlets],
    }


def _mapping(mapping: dagspec.Mapping | None) -> Any:
    if mapping is None:
        return None
    lengths = {
        name: length.n if isinstance(length, dagspec.ConstLength) else "XCom" for name, length in mapping.arguments
    }
    return lengths if mapping.kind == "expand" else next(iter(lengths.values()))


def _group(group: dagspec.GroupSpec) -> dict[str, Any]:
    return {
        "parent": group.parent_id,
        "prefix": group.prefix_group_id,
        "tooltip": group.tooltip,
        "mapping": _mapping(group.mapping),
        "upstream_groups": sorted(group.upstream_group_ids),
        "upstream_tasks": sorted(group.upstream_task_ids),
        "ui_color": group.ui_color,
    }


def _asset(value: Any) -> str:
    known = value if isinstance(value, dict) else {}
    return str(known.get("uri") or known.get("alias") or known.get("text") or value)


def _moment(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
