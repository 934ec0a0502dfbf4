"""Groups of Airflow's names that several of its modules have: entries as `table` explains them."""

from __future__ import annotations

from tradewind.compat.entries import at, operators, refused, things

LATER = "it is a later step of this program"
ASSETS = "assets and partitions are a later step of this program"
TRIGGERS = "triggers and deferrable operators are a later step of this program; use mode='reschedule'"


CONSTANTS = at(
    "constants",
    "DEFAULT_EXECUTOR", "DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST", "DEFAULT_OWNER", "DEFAULT_POOL_NAME",
    "DEFAULT_POOL_SLOTS", "DEFAULT_PRIORITY_WEIGHT", "DEFAULT_QUEUE", "DEFAULT_RETRIES", "DEFAULT_RETRY_DELAY",
    "DEFAULT_TASK_EXECUTION_TIMEOUT", "DEFAULT_TRIGGER_RULE", "DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING",
    "DEFAULT_WEIGHT_RULE", "MAXIMUM_PRIORITY_WEIGHT", "MAX_RETRY_DELAY", "MINIMUM_PRIORITY_WEIGHT",
    "DEFAULT_EMAIL_ON_FAILURE", "DEFAULT_EMAIL_ON_RETRY",
)  # fmt: skip
BOUNDS = at("constants", "DB_SAFE_MAXIMUM", "DB_SAFE_MINIMUM", "db_safe_priority")
DAG = at("definition", "DAG", "dag")
TASKS = {**at("task_decorator", "task", "setup", "teardown"), **at("group_decorator", "task_group")}
EDGES = at("edges", "Label", "EdgeModifier", "chain", "chain_linear", "cross_downstream")
PARAMS = at("params", "Param", "ParamsDict", "DagParam")
STATES = at("states", "TaskInstanceState", "DagRunState", "State")
XCOM = at("xcom", "XCom", "BaseXCom", "XCOM_RETURN_KEY", "LazyXComAccess", "LazyXComSequence")
XCOM_ARG = at("xcom_arg", "XComArg", "ConcatXComArg", "MapXComArg", "PlainXComArg", "ZipXComArg")
BASE = {
    **at("operator", "BaseOperator"), **at("abstract_operator", "AbstractOperator"),
    **at("operator_construction", "BaseOperatorMeta"), **at("mapped", "MappedOperator"),
    **EDGES, **BOUNDS,
}  # fmt: skip
BASH = at("operators.bash", "BashOperator")
EMPTY = at("operators.empty", "EmptyOperator", DummyOperator="EmptyOperator")
PYTHON = {
    **at("operators.python", "PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"),
    **at(
        "operators.environments",
        "PythonVirtualenvOperator", "ExternalPythonOperator", "BranchPythonVirtualenvOperator",
        "BranchExternalPythonOperator",
    ),
    **at("context", "get_current_context"),
    **at("task_decorator", "task"),
}  # fmt: skip
LATEST = at("operators.latest_only", "LatestOnlyOperator")
BRANCH = at(
    "branching",
    "BaseBranchOperator", "BranchMixIn", "SkipMixin",
    "XCOM_SKIPMIXIN_FOLLOWED", "XCOM_SKIPMIXIN_KEY", "XCOM_SKIPMIXIN_SKIPPED",
)  # fmt: skip
DECORATED = {
    **at(
        "decorated",
        "DecoratedOperator",
        get_unique_task_id="unique_task_id", unique_task_id="unique_task_id",
        DecoratedSensorOperator="SensorDecorated",
    ),
    **at("task_decorator", "task_decorator_factory", TaskDecoratorCollection="TaskDecorators"),
    **at("mapped", DecoratedMappedOperator="MappedOperator"),
    **at("callables", "determine_kwargs"),
    **things("a type", "ExpandableFactory", "KeywordParameters", "Task", "TaskDecorator"),
}  # fmt: skip
KINDS_OF_TASK = {
    "bash": at("task_functions", "bash_task"),
    "branch_external_python": at("task_functions", "branch_external_python_task"),
    "branch_python": at("task_functions", "branch_task"),
    "branch_virtualenv": at("task_functions", "branch_virtualenv_task"),
    "external_python": at("task_functions", "external_python_task"),
    "python": at("task_functions", "python_task"),
    "python_virtualenv": at("task_functions", "virtualenv_task"),
    "sensor": {**DECORATED, **at("task_functions", "sensor_task")},
    "short_circuit": at("task_functions", "short_circuit_task"),
}
CONDITIONS = at("conditions", "run_if", "skip_if")
SENSOR = at("sensors.sensor", "BaseSensorOperator", "PokeReturnValue", "poke_mode_only")
PYTHON_SENSOR = at("sensors.function", "PythonSensor")
TRIGGER_RUN = {
    **at("operators.trigger_dagrun", "TriggerDagRunOperator", "XCOM_RUN_ID", "XCOM_LOGICAL_DATE_ISO"),
    **at("standard_errors", "DagIsPaused"),
    **things(LATER, "TriggerDagRunLink"),
}
EXTERNAL_ERRORS = at(
    "sensors.external_task",
    "DuplicateStateError", "ExternalDagDeletedError", "ExternalDagFailedError", "ExternalDagNotFoundError",
    "ExternalTaskFailedError", "ExternalTaskGroupFailedError", "ExternalTaskGroupNotFoundError",
    "ExternalTaskNotFoundError",
)  # fmt: skip
STANDARD_ERRORS = at(
    "standard_errors",
    "AirflowExternalTaskSensorException", "HITLRejectException", "HITLTimeoutError", "HITLTriggerEventError",
)  # fmt: skip
EXTERNAL = {
    **at("sensors.external_task", "ExternalTaskSensor", "ExternalTaskMarker"),
    **EXTERNAL_ERRORS,
    **things(LATER, "ExternalTaskSensorLink", "ExternalDagLink"),
}
WEEKDAY = at("states", "WeekDay")
BRANCH_DATES = at("operators.branch_dates", "BranchDateTimeOperator", "BranchDayOfWeekOperator")
BASH_SENSOR = at("sensors.bash", "BashSensor")
FILE_SENSOR = at("sensors.filesystem", "FileSensor")
FS_HOOK = at("hooks.filesystem", "FSHook")
TIME_SENSORS = at(
    "sensors.time",
    "TimeSensor", "TimeSensorAsync", "TimeDeltaSensor", "TimeDeltaSensorAsync", "DateTimeSensor",
    "DateTimeSensorAsync", "DayOfWeekSensor", "WaitSensor",
)  # fmt: skip
SUBDAG = {
    **operators("SubDAGs are a later step; use a TaskGroup", "SubDagOperator"),
    **things("a type", "SkippedStatePropagationOptions"),
}
PACKAGE_INDEX = at("hooks.package_index", "PackageIndexHook")
LINK = at("operator_link", "BaseOperatorLink")
SMOOTH = at("operators.smooth", "SmoothOperator")
SUBPROCESS = at("hooks.subprocess", "SubprocessHook", "SubprocessResult", "working_directory")
DATES = at(
    "dates",
    "cron_presets", "date_range", "datetime_to_nano", "days_ago", "infer_time_unit", "parse_execution_date",
    "round_time", "scale_time_units",
)  # fmt: skip
MACROS = ("datetime_diff_for_humans", "ds_add", "ds_format", "ds_format_locale", "random")
VERSIONS = at(
    "constants",
    "AIRFLOW_V_3_0_PLUS", "AIRFLOW_V_3_1_3_PLUS", "AIRFLOW_V_3_1_PLUS", "AIRFLOW_V_3_2_PLUS", "AIRFLOW_V_3_3_PLUS",
    "AIRFLOW_V_3_4_PLUS", "get_base_airflow_version_tuple",
)  # fmt: skip
EMAIL = at("operators.email", "EmailOperator")
TRIGGER = things(
    TRIGGERS, "BaseTrigger", "BaseEventTrigger", "StartTriggerArgs", "TaskFailedEvent", "TaskSkippedEvent",
    "TaskSuccessEvent", "TriggerEvent",
)  # fmt: skip
TRIGGERS_OF_FILES = things(TRIGGERS, "DirectoryFileDeleteTrigger", "FileDeleteTrigger", "FileTrigger")
TRIGGERS_OF_TIME = things(TRIGGERS, "DateTimeTrigger", "TimeDeltaTrigger")
TRIGGERS_OF_RUNS = things(TRIGGERS, "DagStateTrigger", "TaskStateTrigger", "WorkflowTrigger")
HITL = "asking people is a later step of this program"
NOTIFIER = at("notifier", "BaseNotifier")
HOOK = at("hook", "BaseHook")
TIMETABLES = at(
    "timetables",
    "CronDataIntervalTimetable", "CronTriggerTimetable", "MultipleCronTriggerTimetable", "DeltaDataIntervalTimetable",
    "DeltaTriggerTimetable", "EventsTimetable", "NullTimetable", "OnceTimetable", "ContinuousTimetable",
    "AssetOrTimeSchedule", Timetable="BaseTimetable", DatasetOrTimeSchedule="AssetOrTimeSchedule",
)  # fmt: skip
ASSET = at(
    "assets",
    "Asset", "AssetAlias", "AssetAll", "AssetAny", "AssetWatcher", "AssetAccessControl", "Metadata", "Model",
    "Dataset", DatasetAlias="AssetAlias", DatasetAll="AssetAll", DatasetAny="AssetAny",
)  # fmt: skip
PARTITIONS = things(
    ASSETS,
    "AllowedKeyMapper", "ChainMapper", "CronPartitionTimetable", "DayWindow", "FanOutMapper", "FixedKeyMapper",
    "HourWindow", "IdentityMapper", "MinimumCount", "MonthWindow", "PartitionedAtRuntime", "PartitionedAssetTimetable",
    "PartitionMapper", "ProductMapper", "QuarterWindow", "RollupMapper", "SegmentWindow", "StartOfDayMapper",
    "StartOfHourMapper", "StartOfMonthMapper", "StartOfQuarterMapper", "StartOfWeekMapper", "StartOfYearMapper",
    "WaitForAll", "WaitPolicy", "WeekWindow", "Window", "YearWindow",
)  # fmt: skip
PARTITION_MODULES = (
    "allowed_key", "base", "chain", "fixed_key", "identity", "product", "temporal", "wait_policy", "window",
)  # fmt: skip
ASSET_DECORATOR = at("asset_decorator", "AssetDefinition", "MultiAssetDefinition", "asset")
RETRY_POLICY = at(
    "retry_policy",
    "ExceptionRetryPolicy", "RetryAction", "RetryDecision", "RetryPolicy", "RetryRule",
)  # fmt: skip
DEADLINES = at(
    "deadlines",
    "AsyncCallback", "AverageRuntimeDeadline", "BaseDeadlineReference", "Callback", "DagRunLogicalDateDeadline",
    "DagRunQueuedAtDeadline", "DeadlineAlert", "DeadlineReference", "FixedDatetimeDeadline", "SyncCallback",
    "VariableInterval", "deadline_reference",
)  # fmt: skip
PERMISSIONS = at(
    "permissions",
    "ACTION_CAN_ACCESS_MENU", "ACTION_CAN_CREATE", "ACTION_CAN_DELETE", "ACTION_CAN_EDIT", "ACTION_CAN_READ",
    "DEPRECATED_ACTION_CAN_DAG_EDIT", "DEPRECATED_ACTION_CAN_DAG_READ", "RESOURCE_ACTION", "RESOURCE_ADMIN_MENU",
    "RESOURCE_ASSET", "RESOURCE_ASSET_ALIAS", "RESOURCE_AUDIT_LOG", "RESOURCE_BACKFILL", "RESOURCE_BROWSE_MENU",
    "RESOURCE_CLUSTER_ACTIVITY", "RESOURCE_CONFIG", "RESOURCE_CONNECTION", "RESOURCE_DAG", "RESOURCE_DAG_CODE",
    "RESOURCE_DAG_DEPENDENCIES", "RESOURCE_DAG_PREFIX", "RESOURCE_DAG_RUN", "RESOURCE_DAG_RUN_PREFIX",
    "RESOURCE_DAG_VERSION", "RESOURCE_DAG_WARNING", "RESOURCE_DATASET", "RESOURCE_DOCS", "RESOURCE_DOCS_MENU",
    "RESOURCE_HITL_DETAIL", "RESOURCE_IMPORT_ERROR", "RESOURCE_JOB", "RESOURCE_MY_PASSWORD",
    "RESOURCE_MY_PROFILE", "RESOURCE_PASSWORD", "RESOURCE_PERMISSION", "RESOURCE_PLUGIN", "RESOURCE_POOL",
    "RESOURCE_PROVIDER", "RESOURCE_RESOURCE", "RESOURCE_ROLE", "RESOURCE_SLA_MISS", "RESOURCE_TASK_INSTANCE",
    "RESOURCE_TASK_LOG", "RESOURCE_TASK_RESCHEDULE", "RESOURCE_TRIGGER", "RESOURCE_USER",
    "RESOURCE_USER_STATS_CHART", "RESOURCE_VARIABLE", "RESOURCE_WEBSITE", "RESOURCE_XCOM",
)  # fmt: skip
RESUMABLE = at("resumable", "ResumableJobMixin")
SDK_OTHERS = {
    **things(LATER, "BaseAsyncOperator", "NEVER_EXPIRE"),
    **at(
        "deadlines",
        "AsyncCallback", "BaseDeadlineReference", "DeadlineAlert", "DeadlineReference", "SyncCallback",
        "deadline_reference",
    ),
}  # fmt: skip
EXCEPTIONS = at(
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
EXCEPTIONS = {
    **EXCEPTIONS,
    **at(
        "old_errors",
        "AirflowClusterPolicyError", "AirflowClusterPolicySkipDag", "AirflowDagInconsistent",
        "AirflowFileParseException", "AirflowInternalRuntimeError", "AirflowWebServerTimeout", "BackfillUnfinished",
        "ConnectionNotUnique", "DagCodeNotFound", "DagConcurrencyLimitReached", "DagFileExists",
        "DeprecatedImportWarning", "FailStopDagInvalidTriggerRule", "FileSyntaxError", "InvalidStatsNameException",
        "NoAvailablePoolSlot", "TaskConcurrencyLimitReached", "UnknownExecutorException", "UnmappableOperator",
        "UnmappableXComLengthPushed",
    ),
}  # fmt: skip
SDK_EXCEPTIONS = {**EXCEPTIONS, **things("asking people is a later step of this program", "TaskAwaitingInput")}
ENVIRONMENT = {
    **at("operators.bash", context_to_airflow_vars="context_environment"),
    **at("constants", "AIRFLOW_VAR_NAME_FORMAT_MAPPING", "DEFAULT_FORMAT_PREFIX", "ENV_VAR_FORMAT_PREFIX"),
}
CONTEXT = {
    **at("context", "ConnectionAccessor", "Context", "VariableAccessor", "get_current_context", "get_parsing_context"),
    **at("context", AirflowParsingContext="ParsingContext"),
    **at("callables", "context_merge", KNOWN_CONTEXT_KEYS="CONTEXT_KEYS"),
    **ENVIRONMENT,
    **at("old_errors", "AirflowContextDeprecationWarning"),
}
SETUP_TEARDOWN = at("setup_teardown", "SetupTeardownContext", BaseSetupTeardownContext="SetupTeardownContext")
LINEAGE = {
    **at("lineage", "HookLineageCollector", "NoOpCollector", "get_hook_lineage_collector"),
    **things("lineage is not collected here", "AssetLineageInfo", "HookLineage", "HookLineageReader"),
}
MASKER = {**at("masking", "mask_secret", "redact"), **things("a type", "SecretsMasker")}
STORAGE = at("storage", "ObjectStoragePath")
STORES = {
    **at("storage.store", "ObjectStore", "attach"),
    **at("storage.file_systems", "Properties", "get_fs", "has_fs"),
    **at("storage.stat_result", "stat_result"),
}
FUNCTIONS = {
    **EDGES,
    **at(
        "old_functions",
        "as_flattened_list", "as_tuple", "at_most_one", "chunks", "convert_camel_to_snake", "exactly_one",
        "is_container", "merge_dicts", "parse_template_string", "partition", "prevent_duplicates", "prune_dict",
        "reduce_in_chunks", "render_template_as_native", "render_template_to_string", "validate_group_key",
        "validate_key",
    ),
    **refused("a DAG file has nobody to ask", "ask_yesno", "prompt_with_timeout"),
    **refused("DAG files do not reach the database here", "alchemy_to_dict"),
    **refused("there is no web application to link to here", "build_airflow_url_with_query"),
    **refused("logs are read with `tradewind tasks logs`", "render_log_filename"),
}  # fmt: skip
PLUGIN = at("plugin", "AirflowPlugin")
LOADING = at("old_functions", "import_string", "is_valid_dotpath", "iter_namespace", "qualname")
HOOK_MARK = at("plugin", "hookimpl")
ROWS = "the database's models are not read from DAG files; ask the command line or the API"
OF_TASKS = {
    **at("constants", PAST_DEPENDS_MET="PAST_DEPENDS_MET"),
    **things("it is the type of a task instance", "SimpleTaskInstance", "TaskInstance", "TaskInstanceKey"),
    **refused("see `tradewind tasks clear`", "clear_task_instances"),
    **at("context", set_current_context="set_current"),
}
MODELS = {
    **DAG, **BASE, **PARAMS, **XCOM, **XCOM_ARG, **BRANCH,
    **at("variable", "Variable"), **at("connection", "Connection"),
    **OF_TASKS,
    **at("operator_link", "BaseOperatorLink"), **things("it is the type of a run", "DagRun"),
    **things("a type", "Operator"),
    **refused(ROWS, "Base", "DagBag", "DagCode", "DagModel", "DagPickle", "DagTag", "DagWarning", "DbCallbackRequest",
               "ImportError", "Log", "Pool", "RenderedTaskInstanceFields", "TaskFail", "TaskReschedule",
               "Trigger"),
    **at("deadlines", "SlaMiss"),
}  # fmt: skip
TIMEZONE = at(
    "timezone",
    "utcnow", "utc", "is_localized", "is_naive", "convert_to_utc", "make_aware", "make_naive", "coerce_datetime",
    "datetime", "parse", "parse_timezone", "local_timezone", "from_timestamp", "td_format",
)  # fmt: skip
SDK = {
    **DAG, **TASKS, **EDGES, **PARAMS,
    **at("states", "TaskInstanceState", "DagRunState", "TriggerRule", "WeightRule"),
    **ASSET, **TIMETABLES, **PARTITIONS, **SDK_OTHERS, **RESUMABLE, **STORAGE, **LINK, **BRANCH, **SENSOR, **NOTIFIER,
    **HOOK,
    **at("operator", "BaseOperator"), **at("mapped", "MappedOperator"), **at("group", "TaskGroup"),
    **at("xcom_arg", "XComArg"),
    **at("xcom", "BaseXCom", "XCom"), **at("variable", "Variable"), **at("connection", "Connection"), **CONTEXT,
    **ASSET_DECORATOR, **RETRY_POLICY, "lineage": "lineage:",
    **at("configuration", "conf"), **things("it is the type of a task instance", "TaskInstance"),
    **at("task_decorator", "result"), "literal": "verbatim:literal", "macros": "macros:", "timezone": "timezone:",
    "__version__": "value|1.3.2",
}  # fmt: skip
SDK.pop("DagParam", None)
