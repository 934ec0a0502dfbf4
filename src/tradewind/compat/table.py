"""The table of Airflow's names: module → name → where it is in the SDK.

An entry is "module:name" below `tradewind.sdk` ("" for the SDK itself), or one of these: "operator|reason" for an
operator that keeps its place and cannot run yet; "later|reason" for another thing that loads and says so when it is
used; "refused|way out" for one that says so and will not come; "moved|dotted path" for what lies in a provider;
"value|text". Names and paths are Airflow's, of 1.10, 2.x and 3.x; what only older ones had is in `former`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from tradewind.compat import former, kubernetes_table
from tradewind.compat.entries import Table
from tradewind.compat.entries import at as _at
from tradewind.compat.entries import operators as _operators
from tradewind.compat.entries import refused as _refused
from tradewind.compat.entries import things as _things

_LATER = "it is a later step of this program"
_ASSETS = "assets and partitions are a later step of this program"
_TRIGGERS = "triggers and deferrable operators are a later step of this program; use mode='reschedule'"


_CONSTANTS = _at(
    "constants",
    "DEFAULT_EXECUTOR", "DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST", "DEFAULT_OWNER", "DEFAULT_POOL_NAME",
    "DEFAULT_POOL_SLOTS", "DEFAULT_PRIORITY_WEIGHT", "DEFAULT_QUEUE", "DEFAULT_RETRIES", "DEFAULT_RETRY_DELAY",
    "DEFAULT_TASK_EXECUTION_TIMEOUT", "DEFAULT_TRIGGER_RULE", "DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING",
    "DEFAULT_WEIGHT_RULE", "MAXIMUM_PRIORITY_WEIGHT", "MAX_RETRY_DELAY", "MINIMUM_PRIORITY_WEIGHT",
    "DEFAULT_EMAIL_ON_FAILURE", "DEFAULT_EMAIL_ON_RETRY",
)  # fmt: skip
_BOUNDS = _at("constants", "DB_SAFE_MAXIMUM", "DB_SAFE_MINIMUM", "db_safe_priority")
_DAG = _at("definition", "DAG", "dag")
_TASKS = {**_at("task_decorator", "task", "setup", "teardown"), **_at("group_decorator", "task_group")}
_EDGES = _at("edges", "Label", "EdgeModifier", "chain", "chain_linear", "cross_downstream")
_PARAMS = _at("params", "Param", "ParamsDict", "DagParam")
_STATES = _at("states", "TaskInstanceState", "DagRunState", "State")
_XCOM = _at("xcom", "XCom", "BaseXCom", "XCOM_RETURN_KEY", "LazyXComAccess", "LazyXComSequence")
_XCOM_ARG = _at("xcom_arg", "XComArg", "ConcatXComArg", "MapXComArg", "PlainXComArg", "ZipXComArg")
_BASE = {
    **_at("operator", "BaseOperator"), **_at("abstract_operator", "AbstractOperator"),
    **_at("operator_construction", "BaseOperatorMeta"), **_at("mapped", "MappedOperator"),
    **_EDGES, **_BOUNDS,
}  # fmt: skip
_BASH = _at("operators.bash", "BashOperator")
_EMPTY = _at("operators.empty", "EmptyOperator", DummyOperator="EmptyOperator")
_PYTHON = {
    **_at("operators.python", "PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"),
    **_at(
        "operators.environments",
        "PythonVirtualenvOperator", "ExternalPythonOperator", "BranchPythonVirtualenvOperator",
        "BranchExternalPythonOperator",
    ),
    **_at("context", "get_current_context"),
    **_at("task_decorator", "task"),
}  # fmt: skip
_LATEST = _at("operators.latest_only", "LatestOnlyOperator")
_BRANCH = _at(
    "branching",
    "BaseBranchOperator", "BranchMixIn", "SkipMixin",
    "XCOM_SKIPMIXIN_FOLLOWED", "XCOM_SKIPMIXIN_KEY", "XCOM_SKIPMIXIN_SKIPPED",
)  # fmt: skip
_DECORATED = {
    **_at(
        "decorated",
        "DecoratedOperator",
        get_unique_task_id="unique_task_id", unique_task_id="unique_task_id",
        DecoratedSensorOperator="SensorDecorated",
    ),
    **_at("task_decorator", "task_decorator_factory", TaskDecoratorCollection="TaskDecorators"),
    **_at("mapped", DecoratedMappedOperator="MappedOperator"),
    **_at("callables", "determine_kwargs"),
    **_things("a type", "ExpandableFactory", "KeywordParameters", "Task", "TaskDecorator"),
}  # fmt: skip
_KINDS_OF_TASK = {
    "bash": _at("task_functions", "bash_task"),
    "branch_external_python": _at("task_functions", "branch_external_python_task"),
    "branch_python": _at("task_functions", "branch_task"),
    "branch_virtualenv": _at("task_functions", "branch_virtualenv_task"),
    "external_python": _at("task_functions", "external_python_task"),
    "python": _at("task_functions", "python_task"),
    "python_virtualenv": _at("task_functions", "virtualenv_task"),
    "sensor": {**_DECORATED, **_at("task_functions", "sensor_task")},
    "short_circuit": _at("task_functions", "short_circuit_task"),
}
_CONDITIONS = _at("conditions", "run_if", "skip_if")
_SENSOR = _at("sensors.sensor", "BaseSensorOperator", "PokeReturnValue", "poke_mode_only")
_PYTHON_SENSOR = _at("sensors.function", "PythonSensor")
_SDK_LATER = "it is a later step of this program"
_TRIGGER_RUN = {
    **_at("operators.trigger_dagrun", "TriggerDagRunOperator", "XCOM_RUN_ID", "XCOM_LOGICAL_DATE_ISO"),
    **_things(_LATER, "DagIsPaused", "TriggerDagRunLink"),
}
_EXTERNAL_ERRORS = _at(
    "sensors.external_task",
    "DuplicateStateError", "ExternalDagDeletedError", "ExternalDagFailedError", "ExternalDagNotFoundError",
    "ExternalTaskFailedError", "ExternalTaskGroupFailedError", "ExternalTaskGroupNotFoundError",
    "ExternalTaskNotFoundError",
)  # fmt: skip
_STANDARD_ERRORS = _at(
    "standard_errors",
    "AirflowExternalTaskSensorException", "HITLRejectException", "HITLTimeoutError", "HITLTriggerEventError",
)  # fmt: skip
_EXTERNAL = {
    **_at("sensors.external_task", "ExternalTaskSensor", "ExternalTaskMarker"),
    **_EXTERNAL_ERRORS,
    **_things(_LATER, "ExternalTaskSensorLink", "ExternalDagLink"),
}
_WEEKDAY = _at("states", "WeekDay")
_BRANCH_DATES = _at("operators.branch_dates", "BranchDateTimeOperator", "BranchDayOfWeekOperator")
_BASH_SENSOR = _at("sensors.bash", "BashSensor")
_FILE_SENSOR = _at("sensors.filesystem", "FileSensor")
_FS_HOOK = _at("hooks.filesystem", "FSHook")
_TIME_SENSORS = _at(
    "sensors.time",
    "TimeSensor", "TimeSensorAsync", "TimeDeltaSensor", "TimeDeltaSensorAsync", "DateTimeSensor",
    "DateTimeSensorAsync", "DayOfWeekSensor", "WaitSensor",
)  # fmt: skip
_SUBDAG = {
    **_operators("SubDAGs are a later step; use a TaskGroup", "SubDagOperator"),
    **_things("a type", "SkippedStatePropagationOptions"),
}
_PACKAGE_INDEX = _things(_LATER, "PackageIndexHook")
_SUBPROCESS = _at("hooks.subprocess", "SubprocessHook", "SubprocessResult", "working_directory")
_DATES = _at(
    "dates",
    "cron_presets", "date_range", "datetime_to_nano", "days_ago", "infer_time_unit", "parse_execution_date",
    "round_time", "scale_time_units",
)  # fmt: skip
_MACROS = ("datetime_diff_for_humans", "ds_add", "ds_format", "ds_format_locale", "random")
_VERSIONS = _at(
    "constants",
    "AIRFLOW_V_3_0_PLUS", "AIRFLOW_V_3_1_3_PLUS", "AIRFLOW_V_3_1_PLUS", "AIRFLOW_V_3_2_PLUS", "AIRFLOW_V_3_3_PLUS",
    "AIRFLOW_V_3_4_PLUS", "get_base_airflow_version_tuple",
)  # fmt: skip
_EMAIL = _at("operators.email", "EmailOperator")
_TRIGGER = _things(
    _TRIGGERS, "BaseTrigger", "BaseEventTrigger", "StartTriggerArgs", "TaskFailedEvent", "TaskSkippedEvent",
    "TaskSuccessEvent", "TriggerEvent",
)  # fmt: skip
_TRIGGERS_OF_FILES = _things(_TRIGGERS, "DirectoryFileDeleteTrigger", "FileDeleteTrigger", "FileTrigger")
_TRIGGERS_OF_TIME = _things(_TRIGGERS, "DateTimeTrigger", "TimeDeltaTrigger")
_TRIGGERS_OF_RUNS = _things(_TRIGGERS, "DagStateTrigger", "TaskStateTrigger", "WorkflowTrigger")
_HITL = "asking people is a later step of this program"
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
    "WaitForAll", "WaitPolicy", "WeekWindow", "Window", "YearWindow",
)  # fmt: skip
_ASSET_DECORATOR = _at("asset_decorator", "AssetDefinition", "MultiAssetDefinition", "asset")
_RETRY_POLICY = _at(
    "retry_policy",
    "ExceptionRetryPolicy", "RetryAction", "RetryDecision", "RetryPolicy", "RetryRule",
)  # fmt: skip
_DEADLINES = _things(
    _LATER,
    "AsyncCallback", "AverageRuntimeDeadline", "BaseDeadlineReference", "Callback", "DagRunLogicalDateDeadline",
    "DagRunQueuedAtDeadline", "DeadlineAlert", "DeadlineReference", "FixedDatetimeDeadline", "SyncCallback",
    "VariableInterval", "deadline_reference",
)  # fmt: skip
_SDK_OTHERS = _things(
    _SDK_LATER,
    "AsyncCallback", "BaseAsyncOperator", "BaseDeadlineReference", "BaseOperatorLink", "DeadlineAlert",
    "DeadlineReference", "NEVER_EXPIRE", "ResumableJobMixin", "SyncCallback", "deadline_reference",
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
_EXCEPTIONS = {
    **_EXCEPTIONS,
    **_at(
        "old_errors",
        "AirflowClusterPolicyError", "AirflowClusterPolicySkipDag", "AirflowDagInconsistent",
        "AirflowFileParseException", "AirflowInternalRuntimeError", "AirflowWebServerTimeout", "BackfillUnfinished",
        "ConnectionNotUnique", "DagCodeNotFound", "DagConcurrencyLimitReached", "DagFileExists",
        "DeprecatedImportWarning", "FailStopDagInvalidTriggerRule", "FileSyntaxError", "InvalidStatsNameException",
        "NoAvailablePoolSlot", "TaskConcurrencyLimitReached", "UnknownExecutorException", "UnmappableOperator",
        "UnmappableXComLengthPushed",
    ),
}  # fmt: skip
_SDK_EXCEPTIONS = {**_EXCEPTIONS, **_things("asking people is a later step of this program", "TaskAwaitingInput")}
_ENVIRONMENT = {
    **_at("operators.bash", context_to_airflow_vars="context_environment"),
    **_at("constants", "AIRFLOW_VAR_NAME_FORMAT_MAPPING", "DEFAULT_FORMAT_PREFIX", "ENV_VAR_FORMAT_PREFIX"),
}
_CONTEXT = {
    **_at("context", "ConnectionAccessor", "Context", "VariableAccessor", "get_current_context", "get_parsing_context"),
    **_at("context", AirflowParsingContext="ParsingContext"),
    **_at("callables", "context_merge", KNOWN_CONTEXT_KEYS="CONTEXT_KEYS"),
    **_ENVIRONMENT,
    **_at("old_errors", "AirflowContextDeprecationWarning"),
}
_SETUP_TEARDOWN = _at("setup_teardown", "SetupTeardownContext", BaseSetupTeardownContext="SetupTeardownContext")
_LINEAGE = {
    **_at("lineage", "HookLineageCollector", "NoOpCollector", "get_hook_lineage_collector"),
    **_things("lineage is not collected here", "AssetLineageInfo", "HookLineage", "HookLineageReader"),
}
_MASKER = {**_at("masking", "mask_secret", "redact"), **_things("a type", "SecretsMasker")}
_STORAGE = _at("storage", "ObjectStoragePath")
_STORES = {
    **_at("storage.store", "ObjectStore", "attach"),
    **_at("storage.file_systems", "Properties", "get_fs", "has_fs"),
    **_at("storage.stat_result", "stat_result"),
}
_FUNCTIONS = {
    **_EDGES,
    **_at(
        "old_functions",
        "as_flattened_list", "as_tuple", "at_most_one", "chunks", "convert_camel_to_snake", "exactly_one",
        "is_container", "merge_dicts", "parse_template_string", "partition", "prevent_duplicates", "prune_dict",
        "reduce_in_chunks", "render_template_as_native", "render_template_to_string", "validate_group_key",
        "validate_key",
    ),
    **_refused("a DAG file has nobody to ask", "ask_yesno", "prompt_with_timeout"),
    **_refused("DAG files do not reach the database here", "alchemy_to_dict"),
    **_refused("there is no web application to link to here", "build_airflow_url_with_query"),
    **_refused("logs are read with `tradewind tasks logs`", "render_log_filename"),
}  # fmt: skip
_PLUGIN = _at("plugin", "AirflowPlugin")
_LOADING = _at("old_functions", "import_string", "is_valid_dotpath", "iter_namespace", "qualname")
_HOOK_MARK = _at("plugin", "hookimpl")
_ROWS = "the database's models are not read from DAG files; ask the command line or the API"
_OF_TASKS = {
    **_at("constants", PAST_DEPENDS_MET="PAST_DEPENDS_MET"),
    **_things("it is the type of a task instance", "SimpleTaskInstance", "TaskInstance", "TaskInstanceKey"),
    **_refused("see `tradewind tasks clear`", "clear_task_instances"),
    **_at("context", set_current_context="set_current"),
}
_MODELS = {
    **_DAG, **_BASE, **_PARAMS, **_XCOM, **_XCOM_ARG, **_BRANCH,
    **_at("variable", "Variable"), **_at("connection", "Connection"),
    **_OF_TASKS,
    **_things(_LATER, "BaseOperatorLink"), **_things("it is the type of a run", "DagRun"),
    **_things("a type", "Operator"),
    **_refused(_ROWS, "Base", "DagBag", "DagCode", "DagModel", "DagPickle", "DagTag", "DagWarning", "DbCallbackRequest",
               "ImportError", "Log", "Pool", "RenderedTaskInstanceFields", "SlaMiss", "TaskFail", "TaskReschedule",
               "Trigger"),
}  # fmt: skip
_TIMEZONE = _at(
    "timezone",
    "utcnow", "utc", "is_localized", "is_naive", "convert_to_utc", "make_aware", "make_naive", "coerce_datetime",
    "datetime", "parse", "parse_timezone", "local_timezone", "from_timestamp", "td_format",
)  # fmt: skip
_SDK = {
    **_DAG, **_TASKS, **_EDGES, **_PARAMS,
    **_at("states", "TaskInstanceState", "DagRunState", "TriggerRule", "WeightRule"),
    **_ASSET, **_TIMETABLES, **_PARTITIONS, **_SDK_OTHERS, **_STORAGE, **_BRANCH, **_SENSOR, **_NOTIFIER, **_HOOK,
    **_at("operator", "BaseOperator"), **_at("mapped", "MappedOperator"), **_at("group", "TaskGroup"),
    **_at("xcom_arg", "XComArg"),
    **_at("xcom", "BaseXCom", "XCom"), **_at("variable", "Variable"), **_at("connection", "Connection"), **_CONTEXT,
    **_ASSET_DECORATOR, **_RETRY_POLICY, "lineage": "lineage:",
    **_at("configuration", "conf"), **_things("it is the type of a task instance", "TaskInstance"),
    **_at("task_decorator", "result"), "literal": "verbatim:literal", "macros": "macros:", "timezone": "timezone:",
    "__version__": "value|1.3.2",
}  # fmt: skip
_SDK.pop("DagParam", None)
TABLE: Table = {
    "airflow": {
        **_at("definition", "DAG"),
        **_at("assets", "Dataset", "Asset"),
        **_at("xcom_arg", "XComArg"),
        **_at("errors", "AirflowException"),
        "conf": "configuration:conf",
        "settings": "airflow_settings:",
    },
    "airflow.version": {"version": "version|"},
    "airflow.typing_compat": _at("typing_names", "Literal", "Protocol", "TypedDict"),
    "airflow.sdk": _SDK,
    "airflow.sdk.exceptions": _SDK_EXCEPTIONS,
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.sdk.types": {
        **_at("unset", "NOTSET", "ArgNotSet"),
        **_things(
            "a type",
            "DagRunProtocol",
            "Operator",
            "RuntimeTaskInstanceProtocol",
            "TaskInstanceKey",
            "WeightRuleParam",
            "TaskInstance",
        ),
    },
    "airflow.sdk.bases.operator": _BASE,
    "airflow.sdk.bases.sensor": _SENSOR,
    "airflow.sdk.bases.hook": _HOOK,
    "airflow.sdk.bases.notifier": _NOTIFIER,
    "airflow.sdk.bases.xcom": _XCOM,
    "airflow.sdk.bases.branch": _BRANCH,
    "airflow.sdk.bases.skipmixin": _BRANCH,
    "airflow.sdk.bases.timetable": {**_TIMETABLES, **_at("timetables", "BaseTimetable")},
    "airflow.sdk.bases.operatorlink": _things(_LATER, "BaseOperatorLink"),
    "airflow.sdk.bases.decorator": _DECORATED,
    "airflow.sdk.definitions.dag": _DAG,
    "airflow.sdk.definitions.decorators": {**_DAG, **_TASKS},
    "airflow.sdk.definitions.param": _PARAMS,
    "airflow.sdk.definitions.context": _CONTEXT,
    "airflow.sdk.definitions.taskgroup": _at("group", "TaskGroup"),
    "airflow.sdk.definitions.xcom_arg": _XCOM_ARG,
    "airflow.sdk.definitions.asset": {**_ASSET, **_PARTITIONS, **_at("assets", "BaseAsset")},
    "airflow.sdk.definitions.asset.metadata": _at("assets", "Metadata"),
    "airflow.sdk.definitions.asset.access_control": _at("assets", "AssetAccessControl"),
    "airflow.sdk.definitions.asset.decorators": _ASSET_DECORATOR,
    "airflow.sdk.definitions.callback": _DEADLINES,
    "airflow.sdk.definitions.decorators.condition": _CONDITIONS,
    "airflow.sdk.definitions.decorators.task_group": _at("group_decorator", "task_group"),
    "airflow.sdk.definitions.retry_policy": _RETRY_POLICY,
    "airflow.sdk.definitions.operator_resources": _things(_LATER, "Resources"),
    "airflow.sdk.definitions.timetables.assets": {**_TIMETABLES, **_PARTITIONS},
    "airflow.sdk.definitions.timetables.events": _TIMETABLES,
    "airflow.sdk.definitions.timetables.interval": _TIMETABLES,
    "airflow.sdk.definitions.timetables.simple": _TIMETABLES,
    "airflow.sdk.definitions.timetables.trigger": {**_TIMETABLES, **_PARTITIONS},
    **{
        f"airflow.sdk.definitions.partition_mappers.{name}": _PARTITIONS
        for name in (
            "allowed_key",
            "base",
            "chain",
            "fixed_key",
            "identity",
            "product",
            "temporal",
            "wait_policy",
            "window",
        )
    },
    "airflow.sdk.definitions._internal.abstractoperator": {
        **_at("abstract_operator", "AbstractOperator"),
        **_CONSTANTS,
        **_things("a type", "TaskStateChangeCallback"),
    },
    "airflow.sdk.definitions._internal.contextmanager": _at("scope", "DagContext", "TaskGroupContext"),
    "airflow.sdk.definitions._internal.expandinput": _at(
        "expansion", "DictOfListsExpandInput", "ListOfDictsExpandInput", "MappedArgument", "is_mappable"
    ),
    "airflow.sdk.definitions._internal.node": _at("node", DAGNode="Node"),
    "airflow.sdk.definitions._internal.setup_teardown": _SETUP_TEARDOWN,
    "airflow.sdk.definitions._internal.types": _at("unset", "NOTSET", "ArgNotSet", "is_arg_set"),
    "airflow.sdk.configuration": _at("configuration", "conf"),
    "airflow.sdk.io": {**_STORAGE, **_STORES},
    "airflow.sdk.io.fs": _STORES,
    "airflow.sdk.io.path": _STORAGE,
    "airflow.sdk.io.stat": _STORES,
    "airflow.sdk.io.store": _STORES,
    "airflow.sdk.io.typedef": _STORES,
    "airflow.sdk.lineage": _LINEAGE,
    "airflow.sdk.observability.stats": _at("stats", "Stats"),
    "airflow.sdk.plugins_manager": _PLUGIN,
    "airflow.sdk.listener": _refused("listeners are called by the worker", "get_listener_manager"),
    "airflow.sdk.serde": _at("serde", serialize="to_plain", deserialize="from_plain"),
    "airflow.sdk.bases.resumablejobmixin": _things(_LATER, "ResumableJobMixin"),
    "airflow.sdk.bases.secrets_backend": _things(_LATER, "BaseSecretsBackend"),
    "airflow.sdk.execution_time.macros": _at("macros", *_MACROS),
    "airflow.sdk.execution_time.timeout": {"timeout": "time_limit:timeout", "TimeoutPosix": "time_limit:timeout"},
    "airflow.sdk.execution_time.cache": _refused("values of secrets are not cached in files", "SecretCache"),
    "airflow.sdk.execution_time.hitl": _things(_HITL, "HITLUser", "upsert_hitl_detail"),
    "airflow.sdk.execution_time.task_runner": _things("it is the type of a task instance", "RuntimeTaskInstance"),
    "airflow.sdk.definitions.edges": _EDGES,
    "airflow.sdk.definitions.variable": _at("variable", "Variable"),
    "airflow.sdk.definitions.connection": _at("connection", "Connection"),
    "airflow.sdk.definitions.baseoperator": _BASE,
    "airflow.sdk.definitions.mappedoperator": _at("mapped", "MappedOperator"),
    "airflow.sdk.definitions.notifier": _NOTIFIER,
    "airflow.sdk.definitions.template": {"literal": "verbatim:literal"},
    "airflow.sdk.definitions.deadline": _DEADLINES,
    "airflow.sdk.execution_time.context": {**_CONTEXT, **_things(_LATER, "NEVER_EXPIRE")},
    "airflow.sdk.execution_time.xcom": _XCOM,
    "airflow.sdk.execution_time.lazy_sequence": _XCOM,
    "airflow.sdk.log": _MASKER,
    "airflow.sdk.execution_time.secrets_masker": _MASKER,
    "airflow.decorators": {**_DAG, **_TASKS, **_at("task_decorator", TaskDecoratorCollection="TaskDecorators")},
    "airflow.decorators.base": _DECORATED,
    **{f"airflow.decorators.{name}": names for name, names in _KINDS_OF_TASK.items()},
    "airflow.decorators.condition": _CONDITIONS,
    "airflow.decorators.setup_teardown": _at("task_decorator", setup_task="setup", teardown_task="teardown"),
    "airflow.decorators.task_group": _at("group_decorator", "task_group"),
    "airflow.models": _MODELS,
    "airflow.models.dag": {
        **_DAG,
        **_at("scope", "DagContext"),
        **_at("constants", "TAG_MAX_LEN"),
        **_refused(_ROWS, "DagModel", "DagOwnerAttributes", "DagTag", "get_last_dagrun"),
        **_things("a type", "DagStateChangeCallback", "ScheduleArg", "ScheduleInterval", "ScheduleIntervalArg"),
    },
    "airflow.models.baseoperator": _BASE,
    "airflow.models.abstractoperator": {
        **_at("abstract_operator", "AbstractOperator"),
        **_CONSTANTS,
        **_things("a type", "NotMapped", "TaskStateChangeCallback"),
    },
    "airflow.models.operator": {**_at("operator", "BaseOperator"), **_things("a type", "Operator")},
    "airflow.models.expandinput": _at(
        "expansion", "DictOfListsExpandInput", "ListOfDictsExpandInput", "MappedArgument", "is_mappable"
    ),
    "airflow.models.dagparam": _at("params", "DagParam"),
    "airflow.models.taskinstancekey": _things("it is the type of a task instance", "TaskInstanceKey"),
    "airflow.models.baseoperatorlink": _things(_LATER, "BaseOperatorLink"),
    "airflow.models.mappedoperator": _at("mapped", "MappedOperator"),
    "airflow.models.variable": _at("variable", "Variable"),
    "airflow.models.connection": _at("connection", "Connection"),
    "airflow.models.param": _PARAMS,
    "airflow.models.xcom": _XCOM,
    "airflow.models.xcom_arg": _XCOM_ARG,
    "airflow.models.skipmixin": _BRANCH,
    "airflow.models.taskinstance": {**_OF_TASKS, **_at("context", "Context")},
    "airflow.models.dagrun": {**_things("it is the type of a run", "DagRun"), **_at("states", "DagRunType")},
    "airflow.models.taskmixin": _at("node", "DependencyMixin", DAGNode="Node", TaskMixin="DependencyMixin"),
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
    "airflow.operators.smooth": _operators(_LATER, "SmoothOperator"),
    "airflow.operators.subdag": _SUBDAG,
    "airflow.operators.subdag_operator": _SUBDAG,
    "airflow.operators.sensors": {**_SENSOR, **_EXTERNAL, **_TIME_SENSORS},
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
    "airflow.sensors.date_time_sensor": _TIME_SENSORS,
    "airflow.sensors.time_delta_sensor": _TIME_SENSORS,
    "airflow.sensors.weekday": _TIME_SENSORS,
    "airflow.hooks": {},
    "airflow.hooks.base": _HOOK,
    "airflow.hooks.base_hook": _HOOK,
    "airflow.hooks.filesystem": _FS_HOOK,
    "airflow.hooks.package_index": _PACKAGE_INDEX,
    "airflow.hooks.subprocess": _SUBPROCESS,
    "airflow.utils": {},
    "airflow.utils.code_utils": _at("old_functions", "get_python_source"),
    "airflow.utils.dag_parsing_context": _CONTEXT,
    "airflow.utils.dates": _DATES,
    "airflow.utils.deprecation_tools": _at("old_errors", "DeprecatedImportWarning"),
    "airflow.utils.file": _at("old_functions", "TemporaryDirectory", "mkdirs"),
    "airflow.utils.json": _at("serde", "XComDecoder", "XComEncoder"),
    "airflow.utils.log.task_handler_with_custom_formatter": _refused(
        "where logs go is a setting: see the reference of settings", "TaskHandlerWithCustomFormatter"
    ),
    "airflow.utils.mixins": _at("resolving", "ResolveMixin"),
    "airflow.utils.module_loading": _LOADING,
    "airflow.sdk.module_loading": _LOADING,
    "airflow.providers.common.compat.module_loading": _LOADING,
    "airflow.utils.net": _at("old_functions", "get_hostname", getfqdn="get_hostname"),
    "airflow.utils.operator_helpers": {
        **_at("callables", "determine_kwargs"),
        **_at("old_functions", "make_kwargs_callable"),
        **_ENVIRONMENT,
        **_things("a type", "KeywordParameters"),
    },
    "airflow.utils.operator_resources": _things(_LATER, "Resources"),
    "airflow.utils.platform": _at("old_functions", "getuser"),
    "airflow.utils.process_utils": _at(
        "processes", "execute_in_subprocess", "execute_in_subprocess_with_kwargs", "patch_environ"
    ),
    "airflow.utils.setup_teardown": _SETUP_TEARDOWN,
    "airflow.utils.strings": _at("old_functions", "get_random_string", "to_boolean"),
    "airflow.utils.template": {"literal": "verbatim:literal"},
    "airflow.utils.timeout": {"timeout": "time_limit:timeout", "TimeoutPosix": "time_limit:timeout"},
    "airflow.utils.yaml": _at("old_functions", dump="yaml_dump", safe_load="yaml_load"),
    "airflow.utils.timezone": _TIMEZONE,
    "airflow.utils.trigger_rule": _at("states", "TriggerRule"),
    "airflow.utils.weight_rule": {**_at("states", "WeightRule"), **_BOUNDS},
    "airflow.task.trigger_rule": _at("states", "TriggerRule"),
    "airflow.task.weight_rule": _at("states", "WeightRule"),
    "airflow.task.priority_strategy": _things(_LATER, "PriorityWeightStrategy"),
    "airflow.ti_deps.deps.base_ti_dep": _things(_LATER, "BaseTIDep", "TIDepStatus"),
    "airflow.ti_deps.deps.trigger_rule_dep": _at("states", "TriggerRule"),
    "airflow.utils.state": _STATES,
    "airflow.utils.types": {
        **_at("states", "DagRunType"),
        **_at("unset", "NOTSET", "ArgNotSet"),
        **_things("a type", "DagRunTriggeredByType", "EdgeInfoType"),
    },
    "airflow.utils.task_group": {**_at("group", "TaskGroup"), **_at("scope", "TaskGroupContext")},
    "airflow.utils.edgemodifier": _EDGES,
    "airflow.utils.helpers": _FUNCTIONS,
    "airflow.utils.weekday": _WEEKDAY,
    "airflow.utils.xcom": {**_at("xcom", "XCOM_RETURN_KEY"), **_at("constants", "MAX_XCOM_SIZE")},
    "airflow.utils.context": {**_CONTEXT, **_at("callables", context_copy_partial="context_copy_partial")},
    "airflow.utils.decorators": _at(
        "old_decorators", "apply_defaults", "fixup_decorator_warning_stack", "remove_task_decorator"
    ),
    "airflow.utils.log.logging_mixin": _at("hook", "LoggingMixin"),
    "airflow.utils.log.secrets_masker": _MASKER,
    "airflow.utils.email": {
        **_at("mail", "get_email_address_list", "send_email", send_email_smtp="send_email"),
        **_at("mail_message", "build_mime_message"),
    },
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.macros": _at("macros", *_MACROS),
    "airflow.configuration": _at(
        "configuration",
        "conf",
        "get",
        "getboolean",
        "getfloat",
        "getint",
        "has_option",
        AirflowConfigParser="Configuration",
    ),
    "airflow.settings": {
        **{name: f"airflow_settings:{name}" for name in ("AIRFLOW_HOME", "DAGS_FOLDER", "PLUGINS_FOLDER", "TIMEZONE")},
        **_at("configuration", "conf"),
        **_refused(
            "DAG files and tasks have no session of the database here; ask the command line or the API",
            "Session",
            "create_session",
            "engine",
            "SQL_ALCHEMY_CONN",
            "NonScopedSession",
        ),
        **_refused("what the web interface shows is a setting", "STATE_COLORS", "DASHBOARD_UIALERTS"),
    },
    "airflow.stats": _at("stats", "Stats"),
    "airflow.observability.stats": _at("stats", "Stats"),
    "airflow.plugins_manager": _PLUGIN,
    "airflow.policies": _HOOK_MARK,
    "airflow.listeners": _HOOK_MARK,
    "airflow.listeners.listener": _refused("listeners are called by the worker", "get_listener_manager"),
    "airflow.lineage": {
        "AUTO": "value|auto",
        **_at("old_functions", "apply_lineage", prepare_lineage="apply_lineage"),
        "hook": "lineage:",
    },
    "airflow.lineage.entities": _at("lineage", "Column", "File", "Table", "Tag", "User"),
    "airflow.lineage.hook": _LINEAGE,
    "airflow.serialization.serde": _at("serde", serialize="to_plain", deserialize="from_plain"),
    "airflow.secrets": _things(_LATER, "BaseSecretsBackend"),
    "airflow.secrets.base_secrets": _things(_LATER, "BaseSecretsBackend"),
    "airflow.secrets.cache": _refused("values of secrets are not cached in files", "SecretCache"),
    "airflow.templates": _things(_LATER, "NativeEnvironment", "SandboxedEnvironment"),
    "airflow.providers_manager": _refused("providers are found on the import path", "ProvidersManager"),
    "airflow.datasets": {**_ASSET, **_at("assets", BaseDataset="BaseAsset")},
    "airflow.datasets.metadata": _at("assets", "Metadata"),
    "airflow.assets": {**_ASSET},
    "airflow.assets.metadata": _at("assets", "Metadata"),
    **{
        f"airflow.partition_mappers.{name}": _PARTITIONS
        for name in (
            "allowed_key",
            "base",
            "chain",
            "fixed_key",
            "identity",
            "product",
            "temporal",
            "wait_policy",
            "window",
        )
    },
    "airflow.timetables": {},
    "airflow.timetables.base": {**_TIMETABLES, **_things(_LATER, "DagRunInfo", "DataInterval", "TimeRestriction")},
    "airflow.timetables.interval": _TIMETABLES,
    "airflow.timetables.trigger": _TIMETABLES,
    "airflow.timetables.simple": _TIMETABLES,
    "airflow.timetables.events": _TIMETABLES,
    "airflow.timetables.assets": _TIMETABLES,
    "airflow.timetables.datasets": _TIMETABLES,
    "airflow.notifications.basenotifier": _NOTIFIER,
    "airflow.io": _STORES,
    "airflow.io.path": _STORAGE,
    "airflow.io.storage": _STORES,
    "airflow.io.store": _STORES,
    "airflow.io.typedef": _STORES,
    "airflow.io.utils.stat": _STORES,
    "airflow.triggers": {},
    "airflow.triggers.base": _TRIGGER,
    "airflow.triggers.external_task": _TRIGGERS_OF_RUNS,
    "airflow.triggers.file": _TRIGGERS_OF_FILES,
    "airflow.triggers.temporal": _TRIGGERS_OF_TIME,
    "airflow.triggers.testing": _things(_TRIGGERS, "FailureTrigger", "SuccessTrigger"),
    "airflow.providers": {},
    "airflow.providers.smtp.hooks.smtp": _at("hooks.smtp", "SmtpHook"),
    "airflow.providers.smtp.notifications.smtp": _at(
        "mail_notifier", "SmtpNotifier", send_smtp_notification="SmtpNotifier"
    ),
    "airflow.providers.smtp.operators.smtp": _EMAIL,
    "airflow.providers.standard": {},
    **{f"airflow.providers.standard.decorators.{name}": names for name, names in _KINDS_OF_TASK.items()},
    "airflow.providers.standard.decorators.stub": _things("tasks in other languages are a later step", "stub"),
    "airflow.providers.standard.exceptions": {**_EXTERNAL_ERRORS, **_STANDARD_ERRORS},
    "airflow.providers.standard.hooks.filesystem": _FS_HOOK,
    "airflow.providers.standard.hooks.package_index": _PACKAGE_INDEX,
    "airflow.providers.standard.hooks.subprocess": _SUBPROCESS,
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
        _HITL, "HITLOperator", "HITLEntryOperator", "HITLBranchOperator", "ApprovalOperator"
    ),
    "airflow.providers.standard.triggers.external_task": _TRIGGERS_OF_RUNS,
    "airflow.providers.standard.triggers.file": _TRIGGERS_OF_FILES,
    "airflow.providers.standard.triggers.hitl": _things(
        _HITL, "HITLTrigger", "HITLTriggerEventFailurePayload", "HITLTriggerEventSuccessPayload"
    ),
    "airflow.providers.standard.triggers.temporal": _TRIGGERS_OF_TIME,
    "airflow.providers.standard.utils.openlineage": _things(
        "lineage is not collected here",
        "OPENLINEAGE_PROVIDER_MIN_VERSION",
        "safe_inject_openlineage_properties_into_dagrun_conf",
    ),
    "airflow.providers.standard.utils.python_virtualenv": _things(_LATER, "prepare_virtualenv", "write_python_script"),
    "airflow.providers.standard.version_compat": _VERSIONS,
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
    "airflow.providers.common.compat.assets": {**_ASSET, **_things("a type", "AssetAliasEvent")},
    "airflow.providers.common.compat.check": _at("old_decorators", "require_provider_version"),
    "airflow.providers.common.compat.lineage.entities": _at("lineage", "Column", "File", "Table", "Tag", "User"),
    "airflow.providers.common.compat.lineage.hook": _LINEAGE,
    "airflow.providers.common.compat.notifier": _NOTIFIER,
    "airflow.providers.common.compat.sdk": {
        **_SDK,
        **_EXCEPTIONS,
        **_TIMEZONE,
        **_XCOM,
        **_DECORATED,
        **_MASKER,
        **_LINEAGE,
        **_CONSTANTS,
        **_PLUGIN,
        **_HOOK_MARK,
        **_refused("listeners are called by the worker", "get_listener_manager"),
        **_at("stats", "Stats"),
        **_things(_LATER, "BaseOperatorLink", "ChainRetryPolicy", "ResumableJobMixin", "SET_DURING_EXECUTION"),
        **_things("it is the type of a task instance", "TaskInstanceKey"),
        "timeout": "time_limit:timeout",
        "conf": "configuration:conf",
        "io": "moved|airflow.sdk.io",
    },
    "airflow.providers.common.compat.standard.operators": _PYTHON,
    "airflow.providers.common.compat.standard.triggers": _TRIGGERS_OF_TIME,
    "airflow.providers.common.compat.standard.utils": _things(_LATER, "prepare_virtualenv", "write_python_script"),
    "airflow.providers.common.compat.version_compat": _VERSIONS,
    "airflow.providers.common.io.version_compat": _VERSIONS,
    "airflow.providers.common.sql.hooks.handlers": _at(
        "sql_handlers", "fetch_all_handler", "fetch_one_handler", "get_row_count", "return_single_query_results"
    ),
    "airflow.providers.common.sql.version_compat": _VERSIONS,
    **kubernetes_table.TABLE,
    **former.TABLE,
}


@functools.cache
def packages() -> frozenset[str]:
    """Every module of the table and those above."""
    found: set[str] = set()
    for name in TABLE:
        parts = name.split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return frozenset(found)


def has_module(name: str) -> bool:
    """Whether the table has the module, or one below it."""
    return name in packages()


def find(module: str, name: str) -> str | None:
    """The entry of a name, None where there is none."""
    return TABLE.get(module, {}).get(name)


def names_of(module: str) -> list[str]:
    """The names of a module."""
    known: Mapping[str, str] = TABLE.get(module, {})
    return sorted(known)
