"""Names for people, colours of groups."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.task_group import TaskGroup

with DAG("display_names", start_date=datetime(2023, 1, 1), schedule=None, dag_display_name="Names for people") as dag:
    with TaskGroup("group", ui_color="gold", ui_fgcolor="#111") as group:
        EmptyOperator(task_id="one", task_display_name="The first")
