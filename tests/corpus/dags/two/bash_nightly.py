"""A nightly shell job as 1.10 had it: old paths, everything in default_args."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash_operator import BashOperator

default_args = {
    "owner": "data-platform",
    "depends_on_past": False,
    "email": ["alerts@example.com", "lead@example.com"],
    "email_on_failure": True,
    "email_on_retry": False,
    "retries": 3,
    "retry_delay": timedelta(minutes=10),
}

dag = DAG(
    "bash_nightly",
    default_args=default_args,
    description="Nightly extract",
    schedule_interval="30 2 * * *",
    start_date=datetime(2023, 5, 1),
    catchup=False,
    tags=["nightly", "bash"],
)

extract = BashOperator(task_id="extract", bash_command="echo extract {{ ds_nodash }}", dag=dag)
load = BashOperator(task_id="load", bash_command="echo load {{ execution_date }}", retries=0, dag=dag)
load.set_upstream(extract)
