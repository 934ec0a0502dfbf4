"""default_args of DAG, group and inner group, as they add up."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.utils.task_group import TaskGroup

with DAG(
    "groups_defaults",
    start_date=datetime(2023, 4, 1),
    schedule_interval=None,
    default_args={"retries": 1, "owner": "dag", "retry_delay": timedelta(seconds=30), "queue": "dag"},
) as dag:
    BashOperator(task_id="outside", bash_command="true")
    with TaskGroup("outer", default_args={"retries": 2, "owner": "outer"}):
        BashOperator(task_id="a", bash_command="true")
        with TaskGroup("inner", default_args={"owner": "inner", "pool": "inner"}):
            BashOperator(task_id="b", bash_command="true")
            BashOperator(task_id="c", bash_command="true", retries=9, default_args={"queue": "own"})
