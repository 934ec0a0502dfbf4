"""What real Airflow's model of DAG files is: each DAG serialised, read back, and told as plain data.

Runs by an interpreter that `scripts/airflow-env` makes, of Airflow 3 or 2, never by ours, and imports nothing of this
project. The form is the one that `models.py` brings our own model into.

usage: oracle_models.py HOME FILE...      HOME: an empty folder to work in
prints: {"airflow": "3.3.2", "files": {FILE: {"error": TEXT or null, "dags": {DAG_ID: MODEL}}}}
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

TASK_FIELDS = (
    "trigger_rule", "retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay", "execution_timeout",
    "start_date", "end_date", "depends_on_past", "wait_for_downstream", "ignore_first_depends_on_past",
    "wait_for_past_depends_before_skipping", "pool", "pool_slots", "priority_weight", "queue", "executor",
    "max_active_tis_per_dag", "max_active_tis_per_dagrun", "is_setup", "is_teardown", "on_failure_fail_dagrun",
    "multiple_outputs", "email", "email_on_failure", "email_on_retry", "owner", "doc_md", "template_fields",
    "map_index_template", "ui_color",
)  # fmt: skip
DAG_FIELDS = (
    "catchup", "max_active_runs", "max_active_tasks", "max_consecutive_failed_dag_runs", "dagrun_timeout", "start_date",
    "end_date", "fail_fast", "is_paused_upon_creation", "render_template_as_native_obj", "description", "doc_md",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Tell the models of the files."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    home = Path(argv[1])
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__UNIT_TEST_MODE="False",
        AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT="120",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(home / "logs"),
        PYTHONWARNINGS="ignore",
        TZ="UTC",
    )
    from airflow import __version__

    found = {path: of_file(path, __version__) for path in argv[2:]}
    with out:
        json.dump({"airflow": __version__, "files": found}, out, sort_keys=True, default=str)
    return 0


def of_file(path: str, version: str) -> dict[str, Any]:
    """The models of one file, or why it does not load."""
    sys.path.insert(0, os.path.dirname(path))
    try:
        if version.startswith("3"):
            from airflow.dag_processing.dagbag import BundleDagBag
            from airflow.serialization.serialized_objects import DagSerialization as Serialization

            bag = BundleDagBag(dag_folder=Path(path), bundle_path=Path(path).parent, bundle_name="dags-folder")
        else:
            from airflow.models import DagBag
            from airflow.serialization.serialized_objects import SerializedDAG as Serialization

            bag = DagBag(path, include_examples=False, read_dags_from_db=False)
        if bag.import_errors:
            return {"error": str(next(iter(bag.import_errors.values()))).strip().splitlines()[-1], "dags": {}}
        dags = {}
        for dag_id, dag in bag.dags.items():
            data = json.loads(json.dumps(Serialization.to_dict(dag)))
            dags[dag_id] = of_dag(Serialization.from_dict(data), data["dag"])
        return {"error": None, "dags": dags}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is Airflow's answer
        return {"error": f"{type(error).__name__}: {error}", "dags": {}}
    finally:
        sys.path.pop(0)


def of_dag(dag: Any, data: dict[str, Any]) -> dict[str, Any]:
    """One DAG."""
    found = {name: plain(getattr(dag, name, None)) for name in DAG_FIELDS}
    if found["fail_fast"] is None:
        found["fail_fast"] = bool(getattr(dag, "fail_stop", False))
    groups = dict(dag.task_group.get_task_group_dict())
    return {
        **found,
        "tags": sorted(dag.tags or ()),
        "timetable": timetable(data),
        "params": {name: param(value) for name, value in raw(dag.params).items()},
        "tasks": {task.task_id: of_task(task) for task in dag.tasks},
        "groups": {name: of_group(group) for name, group in groups.items() if name},
        "labels": {
            f"{above} > {below}": info["label"]
            for above, edges in (dag.edge_info or {}).items()
            for below, info in edges.items()
            if info.get("label")
        },
    }


def timetable(data: dict[str, Any]) -> Any:
    """The schedule: a class's name with what it holds; Airflow 2 has some in a field of their own."""
    if "timetable" in data:
        kind = data["timetable"]["__type"].rpartition(".")[2]
        return [kind, data["timetable"]["__var"]]
    return ["schedule_interval", data.get("schedule_interval")]


def of_task(task: Any) -> dict[str, Any]:
    """One task, mapped or not."""
    found = {name: plain(getattr(task, name, None)) for name in TASK_FIELDS}
    group = task.task_group
    return {
        **found,
        "type": task.task_type,
        "operator": task.operator_name,
        "upstream": sorted(task.upstream_task_ids),
        "group": group.group_id if group is not None else None,
        "weight_rule": weight_rule(task.weight_rule),
        "mapping": mapping(task) if hasattr(task, "_get_specified_expand_input") else None,
        "params": {name: param(value)["value"] for name, value in raw(task.params).items()},
        "inlets": [asset(one) for one in task.inlets or ()],
        "outlets": [asset(one) for one in task.outlets or ()],
    }


def weight_rule(value: Any) -> str:
    """Its name; Airflow reads it back as a strategy of a class like `_DownstreamPriorityWeightStrategy`."""
    return type(value).__name__.strip("_").replace("PriorityWeightStrategy", "").lower()


def mapping(node: Any) -> Any:
    """By what a task or group is multiplied: names, and lengths of literals; "XCom" for a reference."""
    expand = node._get_specified_expand_input() if hasattr(node, "_get_specified_expand_input") else node._expand_input
    value = expand.value
    if isinstance(value, dict):
        return {name: length(one) for name, one in value.items()}
    return length(value)


def length(value: Any) -> Any:
    """The length of a literal, "XCom" of anything else."""
    return len(value) if isinstance(value, (list, tuple, dict, set)) else "XCom"


def of_group(group: Any) -> dict[str, Any]:
    """One group."""
    expand = getattr(group, "_expand_input", None)
    return {
        "parent": group.task_group.group_id if group.task_group is not None else None,
        "prefix": group.prefix_group_id,
        "tooltip": group.tooltip or "",
        "mapping": mapping(group) if expand is not None else None,
        "upstream_groups": sorted(name for name in group.upstream_group_ids if name),
        "upstream_tasks": sorted(group.upstream_task_ids),
        "ui_color": group.ui_color,
    }


def raw(params: Any) -> dict[str, Any]:
    """Params without resolving them."""
    inner = getattr(params, "_ParamsDict__dict", None) or getattr(params, "_dict", None)
    if inner is None:
        inner = dict(params.items()) if hasattr(params, "items") else {}
    return dict(inner)


def param(value: Any) -> dict[str, Any]:
    """A param's value and schema."""
    if not hasattr(value, "schema"):
        return {"value": plain(value), "schema": {}}
    held = value.value
    is_set = type(held).__name__ not in ("ArgNotSet", "type", "_ArgNotSet")
    return {"value": plain(held) if is_set else None, "schema": plain(value.schema)}


def asset(value: Any) -> str:
    """What an inlet or outlet is known by."""
    return str(getattr(value, "uri", None) or getattr(value, "name", None) or value)


def plain(value: Any) -> Any:
    """As JSON."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value))
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {"null" if key is None else str(key): plain(one) for key, one in value.items()}
    if type(value).__module__ == "builtins" or value is None:
        return value
    return str(getattr(value, "value", value))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
