"""Datasets: written by one DAG, read by others."""
from datetime import datetime

from airflow import DAG
from airflow.datasets import Dataset
from airflow.operators.bash import BashOperator

ORDERS = Dataset("s3://lake/orders.parquet", extra={"team": "sales"})
USERS = Dataset("s3://lake/users.parquet")

with DAG("datasets_writer", start_date=datetime(2023, 1, 1), schedule="@daily", catchup=False):
    BashOperator(task_id="orders", bash_command="true", outlets=[ORDERS])
    BashOperator(task_id="users", bash_command="true", inlets=[ORDERS], outlets=[USERS])

with DAG("datasets_reader", start_date=datetime(2023, 1, 1), schedule=[ORDERS, USERS], catchup=False):
    BashOperator(task_id="read", bash_command="true")

with DAG("datasets_either", start_date=datetime(2023, 1, 1), schedule=(ORDERS | USERS), catchup=False):
    BashOperator(task_id="read", bash_command="true")
