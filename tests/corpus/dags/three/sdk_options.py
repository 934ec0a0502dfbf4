"""Options of DAG and tasks."""
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, WeightRule

with DAG(
    "sdk_options",
    start_date=datetime(2025, 1, 1),
    end_date=datetime(2025, 12, 31),
    schedule=timedelta(days=1),
    max_active_runs=2,
    max_active_tasks=5,
    max_consecutive_failed_dag_runs=3,
    dagrun_timeout=timedelta(hours=1),
    fail_fast=True,
    is_paused_upon_creation=False,
    dag_display_name="Options",
    description="all of them",
    doc_md="*doc*",
    tags={"x", "y"},
):
    BashOperator(
        task_id="all",
        bash_command="true",
        owner="me",
        retries=2,
        retry_delay=timedelta(seconds=5),
        retry_exponential_backoff=3,
        max_retry_delay=60,
        execution_timeout=timedelta(minutes=2),
        depends_on_past=True,
        ignore_first_depends_on_past=True,
        wait_for_past_depends_before_skipping=True,
        priority_weight=5,
        weight_rule=WeightRule.ABSOLUTE,
        pool="p",
        pool_slots=2,
        queue="q",
        max_active_tis_per_dag=1,
        max_active_tis_per_dagrun=1,
        do_xcom_push=False,
        email="a@example.com, b@example.com",
        email_on_retry=False,
        task_display_name="All",
        doc_md="*task*",
        map_index_template="{{ ti.map_index }}",
        executor_config={"a": 1},
    )
