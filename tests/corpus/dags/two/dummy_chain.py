"""Dummies in a chain, by the helper's old path."""
from datetime import datetime

from airflow.models import DAG
from airflow.operators.dummy_operator import DummyOperator
from airflow.utils.helpers import chain, cross_downstream

with DAG(dag_id="dummy_chain", start_date=datetime(2022, 1, 1), schedule_interval="@weekly", catchup=False) as dag:
    a, b, c, d, e, g = [DummyOperator(task_id=name) for name in "abcdeg"]
    chain(a, [b, c], d)
    cross_downstream([d], [e, g])
