"""Retries: growing delays, numbers for deltas."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG("retries", start_date=datetime(2023, 1, 1), schedule=None, default_args={"retries": 5}) as dag:
    BashOperator(
        task_id="growing",
        bash_command="true",
        retry_delay=timedelta(seconds=10),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(minutes=10),
    )
    BashOperator(task_id="seconds", bash_command="true", retry_delay=90)
    BashOperator(task_id="none", bash_command="true", retries=0, execution_timeout=timedelta(minutes=1))
