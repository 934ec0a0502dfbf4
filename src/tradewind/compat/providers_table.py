"""Names of the providers that are here without a package: standard, smtp, common (`kubernetes_table`: Kubernetes)."""

from __future__ import annotations

from tradewind.compat import shared_names as shared
from tradewind.compat.entries import Table, at, operators, refused, things

TABLE: Table = {
    "airflow.providers.common.compat.module_loading": shared.LOADING,
    "airflow.providers": {},
    "airflow.providers.smtp.hooks.smtp": at("hooks.smtp", "SmtpHook"),
    "airflow.providers.smtp.notifications.smtp": at(
        "mail_notifier", "SmtpNotifier", send_smtp_notification="SmtpNotifier"
    ),
    "airflow.providers.smtp.operators.smtp": shared.EMAIL,
    "airflow.providers.standard": {},
    **{f"airflow.providers.standard.decorators.{name}": names for name, names in shared.KINDS_OF_TASK.items()},
    "airflow.providers.standard.decorators.stub": things("tasks in other languages are a later step", "stub"),
    "airflow.providers.standard.exceptions": {**shared.EXTERNAL_ERRORS, **shared.STANDARD_ERRORS},
    "airflow.providers.standard.hooks.filesystem": shared.FS_HOOK,
    "airflow.providers.standard.hooks.package_index": shared.PACKAGE_INDEX,
    "airflow.providers.standard.hooks.subprocess": shared.SUBPROCESS,
    "airflow.providers.standard.operators.bash": shared.BASH,
    "airflow.providers.standard.operators.empty": shared.EMPTY,
    "airflow.providers.standard.operators.python": shared.PYTHON,
    "airflow.providers.standard.operators.branch": shared.BRANCH,
    "airflow.providers.standard.operators.latest_only": shared.LATEST,
    "airflow.providers.standard.operators.smooth": shared.SMOOTH,
    "airflow.providers.standard.operators.trigger_dagrun": shared.TRIGGER_RUN,
    "airflow.providers.standard.operators.datetime": shared.BRANCH_DATES,
    "airflow.providers.standard.operators.weekday": shared.BRANCH_DATES,
    "airflow.providers.standard.operators.hitl": operators(
        shared.HITL, "HITLOperator", "HITLEntryOperator", "HITLBranchOperator", "ApprovalOperator"
    ),
    "airflow.providers.standard.triggers.external_task": shared.TRIGGERS_OF_RUNS,
    "airflow.providers.standard.triggers.file": shared.TRIGGERS_OF_FILES,
    "airflow.providers.standard.triggers.hitl": things(
        shared.HITL, "HITLTrigger", "HITLTriggerEventFailurePayload", "HITLTriggerEventSuccessPayload"
    ),
    "airflow.providers.standard.triggers.temporal": shared.TRIGGERS_OF_TIME,
    "airflow.providers.standard.utils.openlineage": things(
        "lineage is not collected here",
        "OPENLINEAGE_PROVIDER_MIN_VERSION",
        "safe_inject_openlineage_properties_into_dagrun_conf",
    ),
    "airflow.providers.standard.utils.python_virtualenv": things(
        shared.LATER, "prepare_virtualenv", "write_python_script"
    ),
    "airflow.providers.standard.version_compat": shared.VERSIONS,
    "airflow.providers.standard.sensors.python": shared.PYTHON_SENSOR,
    "airflow.providers.standard.sensors.external_task": shared.EXTERNAL,
    "airflow.providers.standard.sensors.bash": shared.BASH_SENSOR,
    "airflow.providers.standard.sensors.filesystem": shared.FILE_SENSOR,
    "airflow.providers.standard.sensors.time": shared.TIME_SENSORS,
    "airflow.providers.standard.sensors.time_delta": shared.TIME_SENSORS,
    "airflow.providers.standard.sensors.date_time": shared.TIME_SENSORS,
    "airflow.providers.standard.sensors.weekday": shared.TIME_SENSORS,
    "airflow.providers.standard.utils.weekday": shared.WEEKDAY,
    "airflow.providers.standard.utils.skipmixin": shared.BRANCH,
    "airflow.providers.common.compat.assets": {**shared.ASSET, **things("a type", "AssetAliasEvent")},
    "airflow.providers.common.compat.check": at("old_decorators", "require_provider_version"),
    "airflow.providers.common.compat.lineage.entities": at("lineage", "Column", "File", "Table", "Tag", "User"),
    "airflow.providers.common.compat.lineage.hook": shared.LINEAGE,
    "airflow.providers.common.compat.notifier": shared.NOTIFIER,
    "airflow.providers.common.compat.sdk": {
        **shared.SDK,
        **shared.EXCEPTIONS,
        **shared.TIMEZONE,
        **shared.XCOM,
        **shared.DECORATED,
        **shared.MASKER,
        **shared.LINEAGE,
        **shared.CONSTANTS,
        **shared.PLUGIN,
        **shared.HOOK_MARK,
        **refused("listeners are called by the worker", "get_listener_manager"),
        **at("stats", "Stats"),
        **shared.LINK,
        **at("retry_policy", "ChainRetryPolicy"),
        **at("unset", "SET_DURING_EXECUTION"),
        **shared.RESUMABLE,
        **at("constants", "AIRFLOW_V_3_0_PLUS", "AIRFLOW_V_3_3_PLUS"),
        **things("it is the type of a task instance", "TaskInstanceKey"),
        "timeout": "time_limit:timeout",
        "conf": "configuration:conf",
        "io": "moved|airflow.sdk.io",
    },
    "airflow.providers.common.compat.standard.operators": shared.PYTHON,
    "airflow.providers.common.compat.standard.triggers": shared.TRIGGERS_OF_TIME,
    "airflow.providers.common.compat.standard.utils": things(shared.LATER, "prepare_virtualenv", "write_python_script"),
    "airflow.providers.common.compat.version_compat": shared.VERSIONS,
    "airflow.providers.common.io.version_compat": shared.VERSIONS,
    "airflow.providers.common.sql.hooks.handlers": at(
        "sql_handlers", "fetch_all_handler", "fetch_one_handler", "get_row_count", "return_single_query_results"
    ),
    "airflow.providers.common.sql.version_compat": shared.VERSIONS,
}
