"""provide_context and templates_dict, with functions above the DAG."""
from datetime import datetime

from airflow import DAG
from airflow.operators.python_operator import PythonOperator


def push(**kwargs):
    kwargs["ti"].xcom_push(key="rows", value=[1, 2, 3])
    return kwargs["ds"]


def pull(ti, templates_dict=None, **kwargs):
    print(ti.xcom_pull(task_ids="push", key="rows"), templates_dict["day"], kwargs["execution_date"])


dag = DAG("python_context", start_date=datetime(2021, 6, 1), schedule_interval="0 */4 * * *", catchup=True)
pushing = PythonOperator(task_id="push", python_callable=push, provide_context=True, dag=dag)
pulling = PythonOperator(
    task_id="pull", python_callable=pull, provide_context=True, templates_dict={"day": "{{ ds }}"}, dag=dag
)
pushing >> pulling
