"""Branches by BranchPythonOperator, joined by the old name of a rule."""
from datetime import datetime

from airflow import DAG
from airflow.operators.dummy import DummyOperator
from airflow.operators.python_operator import BranchPythonOperator

with DAG("branch_classic", start_date=datetime(2022, 3, 1), schedule_interval="@daily", catchup=False) as dag:
    choose = BranchPythonOperator(task_id="choose", python_callable=lambda: "left")
    left = DummyOperator(task_id="left")
    right = DummyOperator(task_id="right")
    join = DummyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    choose >> [left, right] >> join
