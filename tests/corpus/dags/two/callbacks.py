"""Callbacks of the DAG and of tasks, in default_args too."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator


def tell(context):
    print(context["task_instance"].task_id)


def tell_dag(context):
    print(context["dag_run"].run_id)


with DAG(
    "callbacks",
    start_date=datetime(2023, 1, 1),
    schedule_interval="@daily",
    catchup=False,
    default_args={"on_failure_callback": tell, "on_retry_callback": [tell]},
    on_success_callback=tell_dag,
    on_failure_callback=[tell_dag],
) as dag:
    PythonOperator(task_id="one", python_callable=print, on_success_callback=tell, on_execute_callback=[tell, tell])
    EmptyOperator(task_id="two", on_failure_callback=None)
