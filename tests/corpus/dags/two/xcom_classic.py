"""XComs by hand, and `.output` of classic operators."""
from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator


def push(ti):
    ti.xcom_push(key="k", value={"a": [1, 2]})
    return "returned"


def take(value, ti):
    print(value, ti.xcom_pull(task_ids=["push"], key="k"))


with DAG("xcom_classic", start_date=datetime(2023, 1, 1), schedule_interval=None) as dag:
    pushing = PythonOperator(task_id="push", python_callable=push)
    taking = PythonOperator(task_id="take", python_callable=take, op_args=[pushing.output])
    shell = BashOperator(task_id="shell", bash_command="echo {{ ti.xcom_pull(task_ids='push') }}", do_xcom_push=False)
    pushing >> shell
    BashOperator(task_id="by_output", bash_command=f"echo {pushing.output}", env={"KEY": pushing.output["k"]})
