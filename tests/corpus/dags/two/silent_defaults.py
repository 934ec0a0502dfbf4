"""Says nothing of schedule and catchup: in Airflow 2 it runs daily and catches up."""
from datetime import datetime

from airflow.models import DAG
from airflow.operators.empty import EmptyOperator

with DAG("silent_defaults", start_date=datetime(2024, 1, 1)):
    EmptyOperator(task_id="only")
