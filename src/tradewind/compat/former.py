"""Names that Airflow took away or moved: the modules of 1.10 and 2.x that have no successor under their own name.

Where a name went to a provider, it is looked for there ("moved|dotted path"): the provider's own class where it is
installed, an operator that keeps its place where it is not. What gave a file the database, the webserver or another
part of Airflow's inside is refused, with the way out ("refused|way out"), when it is used and not when it is imported.
"""

from __future__ import annotations

from collections.abc import Mapping

from tradewind.compat.entries import at as _at
from tradewind.compat.entries import moved as _moved
from tradewind.compat.entries import refused as _refused

Names = dict[str, str]

_COMMAND = "ask the command line (`tradewind runs`, `tradewind tasks`) or the control plane's API instead"
_SESSION = f"DAG files and tasks have no session of the database here; {_COMMAND}"
_DATABASE = f"DAG files and tasks do not reach the database here; {_COMMAND}"
_WEB = "there is no web application to extend here; what it showed is in the API"
_INSIDE = "it is a part of Airflow's own inside; nothing in a DAG file needs it here"
_EXECUTOR = "tasks are run by the control plane itself; there is no executor to choose"
_PODS = "pods are built by KubernetesPodOperator here; see its reference page"
_DEAD = "nothing took its place in Airflow either; take the import away"


_P = "airflow.providers."
_SQL = _P + "common.sql.operators.sql"
_CHECKS = ("SQLCheckOperator", "SQLIntervalCheckOperator", "SQLThresholdCheckOperator", "SQLValueCheckOperator")

OPERATORS: dict[str, Names] = {
    "check_operator": _moved(
        _SQL,
        *_CHECKS,
        CheckOperator="SQLCheckOperator",
        IntervalCheckOperator="SQLIntervalCheckOperator",
        ThresholdCheckOperator="SQLThresholdCheckOperator",
        ValueCheckOperator="SQLValueCheckOperator",
    ),
    "docker_operator": _moved(_P + "docker.operators.docker", "DockerOperator"),
    "druid_check_operator": _moved(_P + "apache.druid.operators.druid_check", "DruidCheckOperator"),
    "gcs_to_s3": _moved(_P + "amazon.aws.transfers.gcs_to_s3", "GCSToS3Operator"),
    "generic_transfer": _moved(_P + "common.sql.operators.generic_transfer", "GenericTransfer"),
    "google_api_to_s3_transfer": _moved(
        _P + "amazon.aws.transfers.google_api_to_s3",
        "GoogleApiToS3Operator",
        GoogleApiToS3Transfer="GoogleApiToS3Operator",
    ),
    "hive_operator": _moved(_P + "apache.hive.operators.hive", "HiveOperator"),
    "hive_stats_operator": _moved(_P + "apache.hive.operators.hive_stats", "HiveStatsCollectionOperator"),
    "hive_to_druid": _moved(
        _P + "apache.druid.transfers.hive_to_druid", "HiveToDruidOperator", HiveToDruidTransfer="HiveToDruidOperator"
    ),
    "hive_to_mysql": _moved(
        _P + "apache.hive.transfers.hive_to_mysql", "HiveToMySqlOperator", HiveToMySqlTransfer="HiveToMySqlOperator"
    ),
    "hive_to_samba_operator": _moved(_P + "apache.hive.transfers.hive_to_samba", "HiveToSambaOperator"),
    "http_operator": _moved(_P + "http.operators.http", SimpleHttpOperator="HttpOperator"),
    "jdbc_operator": _moved(_P + "jdbc.operators.jdbc", "JdbcOperator"),
    "mssql_operator": _moved(_P + "microsoft.mssql.operators.mssql", "MsSqlOperator"),
    "mssql_to_hive": _moved(
        _P + "apache.hive.transfers.mssql_to_hive", "MsSqlToHiveOperator", MsSqlToHiveTransfer="MsSqlToHiveOperator"
    ),
    "mysql_operator": _moved(_P + "mysql.operators.mysql", "MySqlOperator"),
    "mysql_to_hive": _moved(
        _P + "apache.hive.transfers.mysql_to_hive", "MySqlToHiveOperator", MySqlToHiveTransfer="MySqlToHiveOperator"
    ),
    "oracle_operator": _moved(_P + "oracle.operators.oracle", "OracleOperator"),
    "papermill_operator": _moved(_P + "papermill.operators.papermill", "PapermillOperator"),
    "pig_operator": _moved(_P + "apache.pig.operators.pig", "PigOperator"),
    "postgres_operator": _moved(_P + "postgres.operators.postgres", "PostgresOperator"),
    "presto_check_operator": _moved(
        _SQL,
        *_CHECKS,
        PrestoCheckOperator="SQLCheckOperator",
        PrestoIntervalCheckOperator="SQLIntervalCheckOperator",
        PrestoValueCheckOperator="SQLValueCheckOperator",
    ),
    "presto_to_mysql": _moved(
        _P + "mysql.transfers.presto_to_mysql",
        "PrestoToMySqlOperator",
        PrestoToMySqlTransfer="PrestoToMySqlOperator",
    ),
    "redshift_to_s3_operator": _moved(
        _P + "amazon.aws.transfers.redshift_to_s3", "RedshiftToS3Operator", RedshiftToS3Transfer="RedshiftToS3Operator"
    ),
    "s3_file_transform_operator": _moved(_P + "amazon.aws.operators.s3_file_transform", "S3FileTransformOperator"),
    "s3_to_hive_operator": _moved(
        _P + "apache.hive.transfers.s3_to_hive", "S3ToHiveOperator", S3ToHiveTransfer="S3ToHiveOperator"
    ),
    "s3_to_redshift_operator": _moved(
        _P + "amazon.aws.transfers.s3_to_redshift", "S3ToRedshiftOperator", S3ToRedshiftTransfer="S3ToRedshiftOperator"
    ),
    "slack_operator": _moved(_P + "slack.operators.slack", "SlackAPIOperator", "SlackAPIPostOperator"),
    "sql": {
        **_moved(_SQL, *_CHECKS, "BaseSQLOperator", "BranchSQLOperator", "SQLColumnCheckOperator"),
        **_moved(_SQL, "SQLTableCheckOperator", "SQLExecuteQueryOperator", "parse_boolean"),
    },
    "sql_branch_operator": _moved(_SQL, "BranchSQLOperator", BranchSqlOperator="BranchSQLOperator"),
    "sqlite_operator": _moved(_P + "sqlite.operators.sqlite", "SqliteOperator"),
}
"""Modules below `airflow.operators`."""

HOOKS: dict[str, Names] = {
    "S3_hook": _moved(_P + "amazon.aws.hooks.s3", "S3Hook", "provide_bucket_name"),
    "dbapi": _moved(_P + "common.sql.hooks.sql", "DbApiHook", "ConnectorProtocol"),
    "dbapi_hook": _moved(_P + "common.sql.hooks.sql", "DbApiHook"),
    "docker_hook": _moved(_P + "docker.hooks.docker", "DockerHook"),
    "druid_hook": _moved(_P + "apache.druid.hooks.druid", "DruidDbApiHook", "DruidHook"),
    "hive_hooks": _moved(
        _P + "apache.hive.hooks.hive", "HIVE_QUEUE_PRIORITIES", "HiveCliHook", "HiveMetastoreHook", "HiveServer2Hook"
    ),
    "http_hook": _moved(_P + "http.hooks.http", "HttpHook"),
    "jdbc_hook": _moved(_P + "jdbc.hooks.jdbc", "JdbcHook"),
    "mssql_hook": _moved(_P + "microsoft.mssql.hooks.mssql", "MsSqlHook"),
    "mysql_hook": _moved(_P + "mysql.hooks.mysql", "MySqlHook"),
    "oracle_hook": _moved(_P + "oracle.hooks.oracle", "OracleHook"),
    "pig_hook": _moved(_P + "apache.pig.hooks.pig", "PigCliHook"),
    "postgres_hook": _moved(_P + "postgres.hooks.postgres", "PostgresHook"),
    "presto_hook": _moved(_P + "presto.hooks.presto", "PrestoHook"),
    "samba_hook": _moved(_P + "samba.hooks.samba", "SambaHook"),
    "slack_hook": _moved(_P + "slack.hooks.slack", "SlackHook"),
    "sqlite_hook": _moved(_P + "sqlite.hooks.sqlite", "SqliteHook"),
    "webhdfs_hook": _moved(_P + "apache.hdfs.hooks.webhdfs", "WebHDFSHook"),
    "zendesk_hook": _moved(_P + "zendesk.hooks.zendesk", "ZendeskHook"),
}
"""Modules below `airflow.hooks`."""

SENSORS: dict[str, Names] = {
    "hive_partition_sensor": _moved(_P + "apache.hive.sensors.hive_partition", "HivePartitionSensor"),
    "http_sensor": _moved(_P + "http.sensors.http", "HttpSensor"),
    "metastore_partition_sensor": _moved(_P + "apache.hive.sensors.metastore_partition", "MetastorePartitionSensor"),
    "named_hive_partition_sensor": _moved(_P + "apache.hive.sensors.named_hive_partition", "NamedHivePartitionSensor"),
    "s3_key_sensor": _moved(_P + "amazon.aws.sensors.s3", "S3KeySensor"),
    "sql": _moved(_P + "common.sql.sensors.sql", "SqlSensor"),
    "sql_sensor": _moved(_P + "common.sql.sensors.sql", "SqlSensor"),
    "web_hdfs_sensor": _moved(_P + "apache.hdfs.sensors.web_hdfs", "WebHdfsSensor"),
}
"""Modules below `airflow.sensors`."""

LOG_HANDLERS = {
    "cloudwatch_task_handler": "CloudwatchTaskHandler",
    "es_task_handler": "ElasticsearchTaskHandler",
    "gcs_task_handler": "GCSTaskHandler",
    "s3_task_handler": "S3TaskHandler",
    "stackdriver_task_handler": "StackdriverTaskHandler",
    "wasb_task_handler": "WasbTaskHandler",
}
"""Modules below `airflow.utils.log` that carried logs to a place outside."""

_INSIDES: Mapping[str, Names] = {
    "airflow.config_templates.default_celery": _refused(_EXECUTOR, "DEFAULT_CELERY_CONFIG"),
    "airflow.executors.base_executor": _refused(_EXECUTOR, "BaseExecutor"),
    "airflow.executors.celery_executor": _refused(_EXECUTOR, "CeleryExecutor", "app"),
    "airflow.executors.celery_kubernetes_executor": _refused(_EXECUTOR, "CeleryKubernetesExecutor"),
    "airflow.executors.dask_executor": _refused(_EXECUTOR, "DaskExecutor"),
    "airflow.executors.kubernetes_executor": _refused(_EXECUTOR, "KubernetesExecutor"),
    "airflow.executors.kubernetes_executor_types": _refused(_EXECUTOR, "ALL_NAMESPACES", "POD_EXECUTOR_DONE_KEY"),
    "airflow.executors.kubernetes_executor_utils": _refused(
        _EXECUTOR, "AirflowKubernetesScheduler", "KubernetesJobWatcher", "ResourceVersion"
    ),
    "airflow.executors.local_executor": _refused(_EXECUTOR, "LocalExecutor"),
    "airflow.executors.local_kubernetes_executor": _refused(_EXECUTOR, "LocalKubernetesExecutor"),
    "airflow.executors.sequential_executor": _refused(_EXECUTOR, "SequentialExecutor"),
    "airflow.kubernetes.kubernetes_helper_functions": _refused(
        _PODS,
        "add_pod_suffix",
        "annotations_for_logging_task_metadata",
        "annotations_to_key",
        "create_pod_id",
        "get_logs_task_metadata",
        "rand_str",
    ),
    "airflow.kubernetes.pod_generator": _refused(
        _PODS,
        "PodDefaults",
        "PodGenerator",
        "PodGeneratorDeprecated",
        "add_pod_suffix",
        "datetime_to_label_safe_datestring",
        "extend_object_field",
        "label_safe_datestring_to_datetime",
        "make_safe_label_value",
        "merge_objects",
        "rand_str",
    ),
    "airflow.kubernetes.pod_generator_deprecated": _refused(
        _PODS, "PodDefaults", "PodGenerator", "make_safe_label_value"
    ),
    "airflow.kubernetes.pod_launcher": _refused(_PODS, "PodLauncher", "PodStatus"),
    "airflow.kubernetes.pod_launcher_deprecated": _refused(
        _PODS, "PodDefaults", "PodLauncher", "PodStatus", "get_kube_client"
    ),
    "airflow.macros.hive": _moved(_P + "apache.hive.macros.hive", "closest_ds_partition", "max_partition"),
    "airflow.jobs.base_job": _refused(_INSIDE, "BaseJob"),
    "airflow.jobs.job": _refused(_INSIDE, "Job"),
    "airflow.jobs.scheduler_job": _refused(_INSIDE, "SchedulerJob"),
    "airflow.lineage.backend": _refused(_DEAD, "LineageBackend"),
    "airflow.api.common.experimental.get_task_instance": _refused(_DATABASE, "get_task_instance"),
    "airflow.api.common.experimental.trigger_dag": _refused("use TriggerDagRunOperator", "trigger_dag"),
    "airflow.api.common.trigger_dag": _refused("use TriggerDagRunOperator", "trigger_dag"),
    "airflow.api.client.local_client": _refused(_COMMAND, "Client"),
    "airflow.models.base": _refused(_DATABASE, "Base", "ID_LEN"),
    "airflow.models.crypto": _refused("secrets are encrypted by the control plane alone", "get_fernet"),
    "airflow.models.dagbag": _refused("load files with the pytest fixtures or `tradewind lint`", "DagBag"),
    "airflow.models.dagcode": _refused(_DATABASE, "DagCode"),
    "airflow.models.dagpickle": _refused(_DEAD, "DagPickle"),
    "airflow.models.dataset": _refused(_DATABASE, "DatasetModel", "DatasetEvent", "DatasetDagRunQueue"),
    "airflow.models.errors": _refused(_DATABASE, "ImportError", "ParseImportError"),
    "airflow.models.log": _refused(_DATABASE, "Log"),
    "airflow.models.pool": _refused("see `tradewind pools`", "Pool", "PoolStats"),
    "airflow.models.renderedtifields": _refused(_DATABASE, "RenderedTaskInstanceFields"),
    "airflow.models.serialized_dag": _refused(_DATABASE, "SerializedDagModel"),
    "airflow.models.slamiss": _at("deadlines", "SlaMiss"),
    "airflow.models.taskfail": _refused(_DATABASE, "TaskFail"),
    "airflow.models.taskreschedule": _refused(_DATABASE, "TaskReschedule"),
    "airflow.models.trigger": _refused(_DATABASE, "Trigger"),
    "airflow.utils.airflow_flask_app": _refused(_WEB, "get_airflow_app"),
    "airflow.utils.cli": _refused(_COMMAND, "get_dag", "get_dags", "process_subdir"),
    "airflow.utils.dag_cycle_tester": _refused("cycles are refused when the file loads", "check_cycle", "test_cycle"),
    "airflow.utils.db": _refused(_SESSION, "provide_session", "create_session", "initdb", "resetdb", "merge_conn"),
    "airflow.utils.session": _refused(_SESSION, "provide_session", "create_session", "NEW_SESSION"),
    "airflow.utils.sqlalchemy": _refused(_DATABASE, "UtcDateTime", "ExtendedJSON"),
    "airflow.www.app": _refused(_WEB, "create_app", "cached_app"),
    "airflow.www.auth": _refused(_WEB, "has_access"),
    "airflow.www.utils": _refused(_WEB, "UIAlert"),
    "airflow.www.views": _refused(_WEB, "AirflowBaseView"),
    "airflow.www_rbac.decorators": _refused(_WEB, "has_dag_access", "action_logging"),
}

_ALIASES_OF_CONTRIB = {
    "hooks.aws_hook": _moved(_P + "amazon.aws.hooks.base_aws", AwsHook="AwsBaseHook"),
    "hooks.bigquery_hook": _moved(_P + "google.cloud.hooks.bigquery", "BigQueryHook"),
    "hooks.fs_hook": {"FSHook": "hooks.filesystem:FSHook"},
    "hooks.gcs_hook": _moved(_P + "google.cloud.hooks.gcs", GoogleCloudStorageHook="GCSHook"),
    "hooks.mongo_hook": _moved(_P + "mongo.hooks.mongo", "MongoHook"),
    "hooks.redis_hook": _moved(_P + "redis.hooks.redis", "RedisHook"),
    "hooks.sftp_hook": _moved(_P + "sftp.hooks.sftp", "SFTPHook"),
    "hooks.snowflake_hook": _moved(_P + "snowflake.hooks.snowflake", "SnowflakeHook"),
    "hooks.ssh_hook": _moved(_P + "ssh.hooks.ssh", "SSHHook"),
    "operators.bigquery_operator": _moved(
        _P + "google.cloud.operators.bigquery", BigQueryOperator="BigQueryInsertJobOperator"
    ),
    "operators.databricks_operator": _moved(
        _P + "databricks.operators.databricks", "DatabricksSubmitRunOperator", "DatabricksRunNowOperator"
    ),
    "operators.ecs_operator": _moved(_P + "amazon.aws.operators.ecs", ECSOperator="EcsRunTaskOperator"),
    "operators.sftp_operator": _moved(_P + "sftp.operators.sftp", "SFTPOperator"),
    "operators.snowflake_operator": _moved(_P + "snowflake.operators.snowflake", "SnowflakeOperator"),
    "operators.spark_submit_operator": _moved(_P + "apache.spark.operators.spark_submit", "SparkSubmitOperator"),
    "operators.ssh_operator": _moved(_P + "ssh.operators.ssh", "SSHOperator"),
}

TABLE: dict[str, Names] = {
    **{f"airflow.operators.{name}": names for name, names in OPERATORS.items()},
    **{f"airflow.hooks.{name}": names for name, names in HOOKS.items()},
    **{f"airflow.sensors.{name}": names for name, names in SENSORS.items()},
    **{
        f"airflow.utils.log.{name}": _refused("where logs go is a setting: see the reference of settings", kind)
        for name, kind in LOG_HANDLERS.items()
    },
    **{f"airflow.contrib.{name}": names for name, names in _ALIASES_OF_CONTRIB.items()},
    **_INSIDES,
}
