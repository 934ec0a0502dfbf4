"""depends_on_past and its relatives, in default_args and on tasks."""
from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator

default_args = {"depends_on_past": True, "start_date": datetime(2023, 1, 1), "end_date": datetime(2024, 6, 30)}

with DAG("past", default_args=default_args, schedule_interval="@daily", catchup=True, max_active_runs=1) as dag:
    a = BashOperator(task_id="a", bash_command="true", wait_for_downstream=True)
    b = BashOperator(task_id="b", bash_command="true", depends_on_past=False, ignore_first_depends_on_past=False)
    a >> b
