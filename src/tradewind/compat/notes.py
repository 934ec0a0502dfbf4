"""Where a name of the table does more than Airflow's, or something else: one sentence each, by its place in the SDK.

The reference page of names is made of the table and of these. What is not here is meant to do what Airflow's does.
"""

from __future__ import annotations

_ENGINE = "the engine waits, no process does"
_ASSETS = "held as data and shown; updates and events of assets are a later step"
_NOTHING_KEPT = "takes everything and keeps nothing"

BETTER: dict[str, str] = {
    "deadlines:DeadlineAlert": "its callback may be any function of the DAG file",
    "operators.empty:EmptyOperator": "done by the engine, without a process",
    "operators.latest_only:LatestOnlyOperator": "done by the engine, without a process",
    "operators.pod:KubernetesPodOperator": "no process waits for the pod; its end is told with the cause, as data",
    "operators.trigger_dagrun:TriggerDagRunOperator": f"also with wait_for_completion {_ENGINE}",
    "sensors.external_task:ExternalTaskSensor": f"{_ENGINE}, whatever the mode",
    "sensors.time:DateTimeSensor": f"{_ENGINE}, whatever the mode",
    "sensors.time:TimeDeltaSensor": f"{_ENGINE}, whatever the mode",
    "sensors.time:TimeSensor": f"{_ENGINE}, whatever the mode",
    "storage:ObjectStoragePath": "connections are looked up at the first use; schemes that only fsspec knows work too",
    "variable:Variable": "what a file reads at its top is remembered; a change of it loads the file anew",
}
DIFFERS: dict[str, str] = {
    "asset_decorator:asset": "the DAG and its schedule are there; running the function is a later step",
    "assets:Asset": _ASSETS,
    "deadlines:AverageRuntimeDeadline": "of the runs that ended last, since the DAG has such a deadline",
    "deadlines:BaseDeadlineReference": "a reference of one's own loads; its deadlines are not watched, which is told",
    "deadlines:SlaMiss": "a value that callbacks get; there is no table of misses to query",
    "assets:AssetAlias": _ASSETS,
    "assets:AssetAll": _ASSETS,
    "assets:AssetAny": _ASSETS,
    "assets:AssetWatcher": "held as data; nothing watches",
    "assets:Dataset": _ASSETS,
    "assets:Metadata": _ASSETS,
    "configuration:conf": "answers come from this installation's settings and from AIRFLOW__ variables; other options "
    "have no value, so give a fallback",
    "context:get_parsing_context": "a file is loaded once for all of its DAGs, so neither id is given",
    "operator_link:BaseOperatorLink": "kept with its operator; nothing shows links yet",
    "lineage:": _NOTHING_KEPT,
    "lineage:HookLineageCollector": _NOTHING_KEPT,
    "lineage:get_hook_lineage_collector": _NOTHING_KEPT,
    "old_decorators:apply_defaults": "does nothing: default_args reach every operator by themselves",
    "old_functions:apply_lineage": "does nothing: inlets and outlets tell what is read and written",
    "stats:Stats": _NOTHING_KEPT,
}
