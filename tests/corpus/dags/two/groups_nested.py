"""Groups in groups, edges between groups and tasks, one without a prefix."""
from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.utils.task_group import TaskGroup

with DAG("groups_nested", start_date=datetime(2023, 4, 1), schedule_interval="@daily", catchup=False) as dag:
    start = EmptyOperator(task_id="start")
    with TaskGroup("extract", tooltip="Read the sources") as extract:
        for source in ("orders", "customers"):
            with TaskGroup(source):
                EmptyOperator(task_id="check") >> BashOperator(task_id="copy", bash_command=f"echo {source}")
    with TaskGroup("load", prefix_group_id=False, ui_color="lightblue") as load:
        EmptyOperator(task_id="stage") >> EmptyOperator(task_id="merge")
    start >> extract >> load >> EmptyOperator(task_id="end")
