"""Start dates counted from today, in the DAG and in default_args."""
from airflow import DAG
from airflow.operators.dummy import DummyOperator
from airflow.utils.dates import days_ago

with DAG("days_ago_start", start_date=days_ago(2), schedule_interval="@daily") as dag:
    DummyOperator(task_id="one") >> DummyOperator(task_id="two")

with DAG("days_ago_in_defaults", default_args={"start_date": days_ago(1, hour=3)}, schedule_interval=None) as other:
    DummyOperator(task_id="only")
