"""The table of Airflow's names: module → name → where it is in the SDK.

An entry is "module:name" below `tradewind.sdk` ("" for the SDK itself), "operator|reason" for an operator that keeps
its place and cannot run yet, "later|reason" for another thing that loads and says so when it is used, or
"value|text". Names and paths are Airflow's, of 1.10, 2.x and 3.x.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from tradewind.compat import kubernetes_table
from tradewind.compat.entries import Table
from tradewind.compat.entries import at as _at
from tradewind.compat.entries import operators as _operators
from tradewind.compat.entries import things as _things

_LATER = "it is a later step of this program"
_ASSETS = "assets and partitions are a later step of this program"
_TRIGGERS = "triggers and deferrable operators are a later step of this program; use mode='reschedule'"


_DAG = _at("definition", "DAG", "dag")
_TASKS = {**_at("task_decorator", "task", "setup", "teardown"), **_at("group_decorator", "task_group")}
_EDGES = _at("edges", "Label", "EdgeModifier", "chain", "chain_linear", "cross_downstream")
_PARAMS = _at("params", "Param", "ParamsDict", "DagParam")
_STATES = _at("states", "TaskInstanceState", "DagRunState", "State")
_XCOM = _at("xcom", "XCom", "BaseXCom", "XCOM_RETURN_KEY", "LazyXComAccess", "LazyXComSequence")
_XCOM_ARG = _at("xcom_arg", "XComArg", "MapXComArg", "ZipXComArg", PlainXComArg="PlainXComArg")
_BASE = {
    **_at("operator", "BaseOperator"), **_at("abstract_operator", "AbstractOperator"),
    **_at("operator_construction", "BaseOperatorMeta"), **_at("mapped", "MappedOperator"),
    **_EDGES,
}  # fmt: skip
_BASH = _at("operators.bash", "BashOperator")
_EMPTY = _at("operators.empty", "EmptyOperator", DummyOperator="EmptyOperator")
_PYTHON = {
    **_at(
        "operators.python",
        "PythonOperator", "BranchPythonOperator", "ShortCircuitOperator", "PythonVirtualenvOperator",
        "ExternalPythonOperator", "BranchPythonVirtualenvOperator", "BranchExternalPythonOperator",
    ),
    **_at("context", "get_current_context"),
    **_at("task_decorator", "task"),
}  # fmt: skip
_LATEST = _at("operators.latest_only", "LatestOnlyOperator")
_BRANCH = _at("branching", "BaseBranchOperator", "BranchMixIn", "SkipMixin")
_SENSOR = _at("sensors.sensor", "BaseSensorOperator", "PokeReturnValue", "poke_mode_only")
_PYTHON_SENSOR = _at("sensors.function", "PythonSensor")
_SDK_LATER = "it is a later step of this program"
_TRIGGER_RUN = {
    **_at("operators.trigger_dagrun", "TriggerDagRunOperator", "XCOM_RUN_ID", "XCOM_LOGICAL_DATE_ISO"),
    **_things(_LATER, "TriggerDagRunLink"),
}
_EXTERNAL_ERRORS = _at(
    "sensors.external_task",
    "DuplicateStateError", "ExternalDagDeletedError", "ExternalDagFailedError", "ExternalDagNotFoundError",
    "ExternalTaskFailedError", "ExternalTaskGroupFailedError", "ExternalTaskGroupNotFoundError",
    "ExternalTaskNotFoundError",
)  # fmt: skip
_EXTERNAL = {
    **_at("sensors.external_task", "ExternalTaskSensor", "ExternalTaskMarker"),
    **_EXTERNAL_ERRORS,
    **_things(_LATER, "ExternalTaskSensorLink", "ExternalDagLink"),
}
_WEEKDAY = _at("states", "WeekDay")
_BRANCH_DATES = _operators("branching by date is a later step", "BranchDateTimeOperator", "BranchDayOfWeekOperator")
_BASH_SENSOR = _at("sensors.bash", "BashSensor")
_FILE_SENSOR = _at("sensors.filesystem", "FileSensor")
_FS_HOOK = _at("file_hook", "FSHook")
_TIME_SENSORS = _at(
    "sensors.time",
    "TimeSensor", "TimeSensorAsync", "TimeDeltaSensor", "TimeDeltaSensorAsync", "DateTimeSensor",
    "DateTimeSensorAsync", "DayOfWeekSensor", "WaitSensor",
)  # fmt: skip
_EMAIL = _operators("mail is a later step of this program", "EmailOperator")
_NOTIFIER = _at("notifier", "BaseNotifier")
_HOOK = _at("hook", "BaseHook")
_TIMETABLES = _at(
    "timetables",
    "CronDataIntervalTimetable", "CronTriggerTimetable", "MultipleCronTriggerTimetable", "DeltaDataIntervalTimetable",
    "DeltaTriggerTimetable", "EventsTimetable", "NullTimetable", "OnceTimetable", "ContinuousTimetable",
    "AssetOrTimeSchedule", Timetable="BaseTimetable", DatasetOrTimeSchedule="AssetOrTimeSchedule",
)  # fmt: skip
_ASSET = _at(
    "assets",
    "Asset", "AssetAlias", "AssetAll", "AssetAny", "AssetWatcher", "AssetAccessControl", "Metadata", "Model",
    "Dataset", DatasetAlias="AssetAlias", DatasetAll="AssetAll", DatasetAny="AssetAny",
)  # fmt: skip
_PARTITIONS = _things(
    _ASSETS,
    "AllowedKeyMapper", "ChainMapper", "CronPartitionTimetable", "DayWindow", "FanOutMapper", "FixedKeyMapper",
    "HourWindow", "IdentityMapper", "MinimumCount", "MonthWindow", "PartitionedAtRuntime", "PartitionedAssetTimetable",
    "PartitionMapper", "ProductMapper", "QuarterWindow", "RollupMapper", "SegmentWindow", "StartOfDayMapper",
    "StartOfHourMapper", "StartOfMonthMapper", "StartOfQuarterMapper", "StartOfWeekMapper", "StartOfYearMapper",
    "WaitForAll", "WeekWindow", "Window", "YearWindow", "asset",
)  # fmt: skip
_SDK_OTHERS = _things(
    _SDK_LATER,
    "AsyncCallback", "BaseAsyncOperator", "BaseDeadlineReference", "BaseOperatorLink", "DeadlineAlert",
    "DeadlineReference", "deadline_reference", "ExceptionRetryPolicy", "NEVER_EXPIRE", "ObjectStoragePath",
    "ResumableJobMixin", "RetryAction", "RetryDecision", "RetryPolicy", "RetryRule", "SyncCallback", "lineage",
)  # fmt: skip
_EXCEPTIONS = _at(
    "errors",
    "AirflowException", "AirflowBadRequest", "AirflowNotFoundException", "AirflowConfigException",
    "AirflowFailException", "AirflowSkipException", "AirflowRescheduleException", "AirflowSensorTimeout",
    "AirflowPokeFailException", "AirflowTaskTimeout", "AirflowTaskTerminated", "TaskDeferred", "TaskDeferralError",
    "TaskDeferralTimeout", "DownstreamTasksSkipped", "DagRunTriggerException", "XComNotFound",
    "XComForMappingNotPushed", "UnmappableXComTypePushed", "AirflowRuntimeError",
    "AirflowOptionalProviderFeatureException", "AirflowInactiveAssetInInletOrOutletException",
    "AirflowTimetableInvalid", "AirflowClusterPolicyViolation", "AirflowDagDuplicatedIdException",
    "SerializationError", "TaskNotFound", "NodeNotFound", "DagNotFound", "DagRunNotFound", "TaskInstanceNotFound",
    "PoolNotFound", "DagRunAlreadyExists", "DuplicateTaskIdFound", "AirflowDagCycleException",
    "TaskAlreadyInTaskGroup", "FailFastDagInvalidTriggerRule", "ParamValidationError", "RemovedInAirflow3Warning",
    "RemovedInAirflow4Warning", "AirflowProviderDeprecationWarning", "DeserializingResultError",
    "TaskAlreadyRunningError", "AirflowSecretsBackendAccessDenied",
)  # fmt: skip
_SDK_EXCEPTIONS = {**_EXCEPTIONS, **_things("asking people is a later step of this program", "TaskAwaitingInput")}
_CONTEXT = _at("context", "Context", "get_current_context", "get_parsing_context")
_MODELS = {
    **_DAG, **_BASE, **_PARAMS, **_XCOM, **_XCOM_ARG, **_BRANCH,
    **_at("variable", "Variable"), **_at("connection", "Connection"),
    **_things("the database's models are not read from DAG files; ask the command line or the API",
              "DagRun", "TaskInstance", "DagModel", "DagBag", "Pool", "Log", "Trigger", "SlaMiss", "DagTag",
              "TaskReschedule", "RenderedTaskInstanceFields", "BaseOperatorLink", "TaskInstanceKey", "DagCode"),
}  # fmt: skip
_TIMEZONE = _at(
    "timezone",
    "utcnow", "utc", "is_localized", "is_naive", "convert_to_utc", "make_aware", "make_naive", "coerce_datetime",
    "datetime", "parse", "parse_timezone", "local_timezone", "from_timestamp", "td_format",
)  # fmt: skip
_SDK = {
    **_DAG, **_TASKS, **_EDGES, **_PARAMS,
    **_at("states", "TaskInstanceState", "DagRunState", "TriggerRule", "WeightRule"),
    **_ASSET, **_TIMETABLES, **_PARTITIONS, **_SDK_OTHERS, **_BRANCH, **_SENSOR, **_NOTIFIER, **_HOOK,
    **_at("operator", "BaseOperator"), **_at("mapped", "MappedOperator"), **_at("group", "TaskGroup"),
    **_at("xcom_arg", "XComArg"),
    **_at("xcom", "BaseXCom", "XCom"), **_at("variable", "Variable"), **_at("connection", "Connection"), **_CONTEXT,
    **_at("configuration", "conf"), **_things("it is the type of a task instance", "TaskInstance"),
    **_at("task_decorator", "result"), "literal": "verbatim:literal", "macros": "macros:", "timezone": "timezone:",
    "__version__": "value|1.3.2",
}  # fmt: skip
_SDK.pop("DagParam", None)
_SLACK = "its provider is not among those that run here"

TABLE: Table = {
    "airflow": {
        **_at("definition", "DAG"),
        **_at("assets", "Dataset", "Asset"),
        **_at("xcom_arg", "XComArg"),
        **_at("errors", "AirflowException"),
    },
    "airflow.version": {"version": "version|"},
    "airflow.typing_compat": {},
    "airflow.sdk": _SDK,
    "airflow.sdk.exceptions": _SDK_EXCEPTIONS,
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.sdk.types": {
        **_at("unset", "NOTSET"),
        **_things("a type", "RuntimeTaskInstanceProtocol", "DagRunProtocol"),
    },
    "airflow.sdk.bases.operator": _BASE,
    "airflow.sdk.bases.sensor": _SENSOR,
    "airflow.sdk.bases.hook": _HOOK,
    "airflow.sdk.bases.notifier": _NOTIFIER,
    "airflow.sdk.bases.xcom": _XCOM,
    "airflow.sdk.bases.branch": _BRANCH,
    "airflow.sdk.bases.skipmixin": _BRANCH,
    "airflow.sdk.bases.timetable": _TIMETABLES,
    "airflow.sdk.bases.operatorlink": _things(_LATER, "BaseOperatorLink"),
    "airflow.sdk.bases.decorator": {
        **_at("decorated", "DecoratedOperator"),
        **_at("task_decorator", "task_decorator_factory"),
        **_things("a type", "TaskDecorator"),
    },
    "airflow.sdk.definitions.dag": _DAG,
    "airflow.sdk.definitions.decorators": {**_DAG, **_TASKS},
    "airflow.sdk.definitions.param": _PARAMS,
    "airflow.sdk.definitions.context": _CONTEXT,
    "airflow.sdk.definitions.taskgroup": _at("group", "TaskGroup"),
    "airflow.sdk.definitions.xcom_arg": _XCOM_ARG,
    "airflow.sdk.definitions.asset": {**_ASSET, **_PARTITIONS},
    "airflow.sdk.definitions.asset.metadata": _at("assets", "Metadata"),
    "airflow.sdk.definitions.asset.decorators": {"asset": f"later|{_ASSETS}"},
    "airflow.sdk.definitions.edges": _EDGES,
    "airflow.sdk.definitions.variable": _at("variable", "Variable"),
    "airflow.sdk.definitions.connection": _at("connection", "Connection"),
    "airflow.sdk.definitions.baseoperator": _BASE,
    "airflow.sdk.definitions.mappedoperator": _at("mapped", "MappedOperator"),
    "airflow.sdk.definitions.notifier": _NOTIFIER,
    "airflow.sdk.definitions.template": {"literal": "verbatim:literal"},
    "airflow.sdk.definitions.deadline": _things(_LATER, "DeadlineAlert", "DeadlineReference"),
    "airflow.sdk.execution_time.context": {**_CONTEXT, **_things(_LATER, "NEVER_EXPIRE")},
    "airflow.sdk.execution_time.xcom": _XCOM,
    "airflow.sdk.execution_time.lazy_sequence": _XCOM,
    "airflow.sdk.log": {"mask_secret": "masking:mask_secret"},
    "airflow.sdk.execution_time.secrets_masker": {"mask_secret": "masking:mask_secret"},
    "airflow.decorators": {**_DAG, **_TASKS},
    "airflow.decorators.base": {
        **_at("decorated", "DecoratedOperator"),
        **_at("task_decorator", "task_decorator_factory"),
        **_things("a type", "TaskDecorator"),
        **_at("decorated", "unique_task_id"),
    },
    "airflow.decorators.task_group": _at("group_decorator", "task_group"),
    "airflow.models": _MODELS,
    "airflow.models.dag": {
        **_DAG,
        **_things("the database's models are not read from DAG files", "DagModel", "DagTag"),
    },
    "airflow.models.baseoperator": _BASE,
    "airflow.models.abstractoperator": _at("abstract_operator", "AbstractOperator"),
    "airflow.models.baseoperatorlink": _things(_LATER, "BaseOperatorLink"),
    "airflow.models.mappedoperator": _at("mapped", "MappedOperator"),
    "airflow.models.variable": _at("variable", "Variable"),
    "airflow.models.connection": _at("connection", "Connection"),
    "airflow.models.param": _PARAMS,
    "airflow.models.xcom": _XCOM,
    "airflow.models.xcom_arg": _XCOM_ARG,
    "airflow.models.skipmixin": _BRANCH,
    "airflow.models.taskinstance": _things("it is the type of a task instance", "TaskInstance", "TaskInstanceKey"),
    "airflow.models.dagrun": {**_things("it is the type of a run", "DagRun"), **_at("states", "DagRunType")},
    "airflow.models.taskmixin": _at("node", "DependencyMixin", TaskMixin="DependencyMixin"),
    "airflow.operators": {},
    "airflow.operators.bash": _BASH,
    "airflow.operators.bash_operator": _BASH,
    "airflow.operators.empty": _EMPTY,
    "airflow.operators.dummy": _EMPTY,
    "airflow.operators.dummy_operator": _EMPTY,
    "airflow.operators.python": _PYTHON,
    "airflow.operators.python_operator": _PYTHON,
    "airflow.operators.branch": _BRANCH,
    "airflow.operators.branch_operator": _BRANCH,
    "airflow.operators.latest_only": _LATEST,
    "airflow.operators.latest_only_operator": _LATEST,
    "airflow.operators.trigger_dagrun": _TRIGGER_RUN,
    "airflow.operators.dagrun_operator": _TRIGGER_RUN,
    "airflow.operators.datetime": _BRANCH_DATES,
    "airflow.operators.weekday": _BRANCH_DATES,
    "airflow.operators.email": _EMAIL,
    "airflow.operators.email_operator": _EMAIL,
    "airflow.operators.subdag": _operators("SubDAGs are a later step; use a TaskGroup", "SubDagOperator"),
    "airflow.operators.postgres_operator": _operators(_SLACK, "PostgresOperator"),
    "airflow.sensors": {},
    "airflow.sensors.base": _SENSOR,
    "airflow.sensors.base_sensor_operator": _SENSOR,
    "airflow.sensors.python": _PYTHON_SENSOR,
    "airflow.sensors.external_task": _EXTERNAL,
    "airflow.sensors.external_task_sensor": _EXTERNAL,
    "airflow.sensors.bash": _BASH_SENSOR,
    "airflow.sensors.filesystem": _FILE_SENSOR,
    "airflow.sensors.time_sensor": _TIME_SENSORS,
    "airflow.sensors.time_delta": _TIME_SENSORS,
    "airflow.sensors.date_time": _TIME_SENSORS,
    "airflow.sensors.weekday": _TIME_SENSORS,
    "airflow.hooks": {},
    "airflow.hooks.base": _HOOK,
    "airflow.hooks.base_hook": _HOOK,
    "airflow.hooks.filesystem": _FS_HOOK,
    "airflow.utils": {},
    "airflow.utils.dates": _at("timezone", "days_ago"),
    "airflow.utils.timezone": _TIMEZONE,
    "airflow.utils.trigger_rule": _at("states", "TriggerRule"),
    "airflow.utils.weight_rule": _at("states", "WeightRule"),
    "airflow.utils.state": _STATES,
    "airflow.utils.types": {**_at("states", "DagRunType"), **_at("unset", "NOTSET", "ArgNotSet")},
    "airflow.utils.task_group": _at("group", "TaskGroup"),
    "airflow.utils.edgemodifier": _EDGES,
    "airflow.utils.helpers": _EDGES,
    "airflow.utils.weekday": _WEEKDAY,
    "airflow.utils.xcom": _at("xcom", "XCOM_RETURN_KEY"),
    "airflow.utils.context": _CONTEXT,
    "airflow.utils.decorators": _at("old_decorators", "apply_defaults"),
    "airflow.utils.log.logging_mixin": _at("hook", "LoggingMixin"),
    "airflow.utils.log.secrets_masker": {"mask_secret": "masking:mask_secret"},
    "airflow.utils.email": _things("mail is a later step of this program", "send_email"),
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.macros": {
        **_at("macros", "ds_add", "ds_format", "ds_format_locale", "datetime_diff_for_humans", "random"),
    },
    "airflow.configuration": _at("configuration", "conf"),
    "airflow.datasets": {**_ASSET},
    "airflow.assets": {**_ASSET},
    "airflow.timetables": {},
    "airflow.timetables.base": {**_TIMETABLES, **_things(_LATER, "DagRunInfo", "DataInterval", "TimeRestriction")},
    "airflow.timetables.interval": _TIMETABLES,
    "airflow.timetables.trigger": _TIMETABLES,
    "airflow.timetables.simple": _TIMETABLES,
    "airflow.timetables.events": _TIMETABLES,
    "airflow.timetables.assets": _TIMETABLES,
    "airflow.timetables.datasets": _TIMETABLES,
    "airflow.notifications.basenotifier": _NOTIFIER,
    "airflow.io.path": _things(_LATER, "ObjectStoragePath"),
    "airflow.triggers.base": _things(_TRIGGERS, "BaseTrigger", "TriggerEvent"),
    "airflow.providers": {},
    "airflow.providers.standard": {},
    "airflow.providers.standard.operators.bash": _BASH,
    "airflow.providers.standard.operators.empty": _EMPTY,
    "airflow.providers.standard.operators.python": _PYTHON,
    "airflow.providers.standard.operators.branch": _BRANCH,
    "airflow.providers.standard.operators.latest_only": _LATEST,
    "airflow.providers.standard.operators.smooth": _operators(_LATER, "SmoothOperator"),
    "airflow.providers.standard.operators.trigger_dagrun": _TRIGGER_RUN,
    "airflow.providers.standard.operators.datetime": _BRANCH_DATES,
    "airflow.providers.standard.operators.weekday": _BRANCH_DATES,
    "airflow.providers.standard.operators.hitl": _operators(
        _LATER, "HITLOperator", "HITLEntryOperator", "HITLBranchOperator", "ApprovalOperator"
    ),
    "airflow.providers.standard.exceptions": _EXTERNAL_ERRORS,
    "airflow.providers.standard.hooks.filesystem": _FS_HOOK,
    "airflow.providers.standard.sensors.python": _PYTHON_SENSOR,
    "airflow.providers.standard.sensors.external_task": _EXTERNAL,
    "airflow.providers.standard.sensors.bash": _BASH_SENSOR,
    "airflow.providers.standard.sensors.filesystem": _FILE_SENSOR,
    "airflow.providers.standard.sensors.time": _TIME_SENSORS,
    "airflow.providers.standard.sensors.time_delta": _TIME_SENSORS,
    "airflow.providers.standard.sensors.date_time": _TIME_SENSORS,
    "airflow.providers.standard.sensors.weekday": _TIME_SENSORS,
    "airflow.providers.standard.utils.weekday": _WEEKDAY,
    "airflow.providers.standard.utils.skipmixin": _BRANCH,
    "airflow.providers.common.compat.sdk": {**_SDK, **_EXCEPTIONS, **_TIMEZONE, **_XCOM},
    **kubernetes_table.TABLE,
}


@functools.cache
def _packages() -> frozenset[str]:
    """Every module of the table and those above."""
    found: set[str] = set()
    for name in TABLE:
        parts = name.split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return frozenset(found)


def has_module(name: str) -> bool:
    """Whether the table has the module, or one below it."""
    return name in _packages()


def find(module: str, name: str) -> str | None:
    """The entry of a name, None where there is none."""
    return TABLE.get(module, {}).get(name)


def names_of(module: str) -> list[str]:
    """The names of a module."""
    known: Mapping[str, str] = TABLE.get(module, {})
    return sorted(known)
