"""Constants of Airflow's modules that files import: defaults of operators, bounds, keys."""

from __future__ import annotations

from datetime import timedelta

from tradewind.sdk.states import TriggerRule, WeightRule

DEFAULT_OWNER = "airflow"
DEFAULT_QUEUE = "default"
DEFAULT_EXECUTOR = None
DEFAULT_POOL_NAME = "default_pool"
DEFAULT_POOL_SLOTS = 1
DEFAULT_PRIORITY_WEIGHT = 1
MINIMUM_PRIORITY_WEIGHT = DB_SAFE_MINIMUM = -2147483648
MAXIMUM_PRIORITY_WEIGHT = DB_SAFE_MAXIMUM = 2147483647
DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST = False
DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING = False
DEFAULT_RETRIES = 0
DEFAULT_RETRY_DELAY = timedelta(seconds=300)
MAX_RETRY_DELAY = 24 * 60 * 60
DEFAULT_TRIGGER_RULE = TriggerRule.ALL_SUCCESS
DEFAULT_WEIGHT_RULE = WeightRule.DOWNSTREAM
DEFAULT_TASK_EXECUTION_TIMEOUT = None
DEFAULT_EMAIL_ON_FAILURE = True
DEFAULT_EMAIL_ON_RETRY = True
DEFAULT_DATE_FORMAT = "%Y-%m-%d"
MAX_XCOM_SIZE = 49344
TAG_MAX_LEN = 100
XCOM_LOGICAL_DATE_ISO = "trigger_logical_date_iso"
XCOM_RUN_ID = "trigger_run_id"
DEFAULT_FORMAT_PREFIX, ENV_VAR_FORMAT_PREFIX = "airflow.ctx.", "AIRFLOW_CTX_"
AIRFLOW_VAR_NAME_FORMAT_MAPPING = {
    f"AIRFLOW_CONTEXT_{name.upper()}": {
        "default": f"{DEFAULT_FORMAT_PREFIX}{name}",
        "env_var_format": f"{ENV_VAR_FORMAT_PREFIX}{name.upper()}",
    }
    for name in (
        "dag_id",
        "task_id",
        "logical_date",
        "execution_date",
        "try_number",
        "dag_run_id",
        "dag_owner",
        "dag_email",
    )
}
PAST_DEPENDS_MET = "past_depends_met"
AIRFLOW_V_3_0_PLUS = AIRFLOW_V_3_1_PLUS = AIRFLOW_V_3_1_3_PLUS = AIRFLOW_V_3_2_PLUS = AIRFLOW_V_3_3_PLUS = True
AIRFLOW_V_3_4_PLUS = False


def db_safe_priority(priority: int) -> int:
    """A priority weight within the bounds."""
    return min(max(priority, MINIMUM_PRIORITY_WEIGHT), MAXIMUM_PRIORITY_WEIGHT)


def get_base_airflow_version_tuple() -> tuple[int, int, int]:
    """The version that files of Airflow 3 are told, as numbers: what providers choose their branch by."""
    return 3, 3, 2
