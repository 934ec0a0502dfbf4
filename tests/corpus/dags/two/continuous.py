"""A run as soon as the last one is over."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.models.param import Param

with DAG("continuous", schedule="@continuous", start_date=datetime(2024, 1, 1), max_active_runs=1, catchup=False,
         params={"n": Param(1, type="integer")}):
    EmptyOperator(task_id="only")
