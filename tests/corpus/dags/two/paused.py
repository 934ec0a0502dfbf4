"""Paused at creation, with what no longer has an effect."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.state import State

STATES = [State.SUCCESS, State.FAILED]

with DAG(
    "paused",
    start_date=datetime(2023, 1, 1),
    schedule_interval="@daily",
    catchup=False,
    is_paused_upon_creation=True,
    default_view="graph",
    orientation="TB",
    tags=["b", "a"],
    owner_links={"airflow": "mailto:team@example.com"},
) as dag:
    EmptyOperator(task_id="only", owner="somebody")
