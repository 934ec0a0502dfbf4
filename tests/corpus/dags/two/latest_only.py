"""Only the latest run goes on."""
from datetime import datetime

from airflow import DAG
from airflow.operators.dummy import DummyOperator
from airflow.operators.latest_only_operator import LatestOnlyOperator

with DAG("latest_only", start_date=datetime(2023, 1, 1), schedule_interval="@hourly") as dag:
    latest = LatestOnlyOperator(task_id="latest")
    latest >> DummyOperator(task_id="one") >> DummyOperator(task_id="end", trigger_rule="all_done")
