"""Limits by their names in 1.10 and 2."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    "limits",
    start_date=datetime(2024, 2, 1),
    schedule_interval=timedelta(hours=6),
    concurrency=4,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=5),
) as dag:
    first = BashOperator(task_id="first", bash_command="true", task_concurrency=2, pool="narrow", pool_slots=2)
    second = BashOperator(
        task_id="second", bash_command="true", execution_timeout=timedelta(minutes=30), priority_weight=7, queue="slow"
    )
    first >> second
