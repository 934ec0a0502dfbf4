"""Macros and filters of the file's own, native rendering, a search path."""
from datetime import datetime

from airflow import DAG
from airflow.macros import ds_add
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator

with DAG(
    "macros_filters",
    start_date=datetime(2023, 1, 1),
    schedule_interval="@daily",
    catchup=False,
    user_defined_macros={"before": lambda ds: ds_add(ds, -1), "table": "orders"},
    user_defined_filters={"shout": str.upper},
    template_searchpath=["/sql"],
    render_template_as_native_obj=True,
) as dag:
    BashOperator(task_id="shell", bash_command="echo {{ before(ds) }} {{ table | shout }} {{ macros.ds_add(ds, 7) }}")
    PythonOperator(task_id="python", python_callable=print, op_args=["{{ params.n }}"], params={"n": 3})
