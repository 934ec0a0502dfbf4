"""Edges from and to groups, with tasks that are already linked inside."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.task_group import TaskGroup

with DAG("group_edges", start_date=datetime(2023, 1, 1), schedule=None) as dag:
    with TaskGroup("first") as first:
        a, b = EmptyOperator(task_id="a"), EmptyOperator(task_id="b")
    with TaskGroup("second") as second:
        c, d = EmptyOperator(task_id="c"), EmptyOperator(task_id="d")
        c >> d
    with TaskGroup("third") as third:
        EmptyOperator(task_id="e")
    first >> second
    [second, first] >> third
    third << EmptyOperator(task_id="alone")
    second >> EmptyOperator(task_id="last")
