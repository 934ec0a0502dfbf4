"""A start date with a zone: the schedule is read in it."""
import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils import timezone

local = pendulum.timezone("America/New_York")

with DAG("zones", start_date=pendulum.datetime(2023, 3, 1, tz=local), schedule_interval="0 5 * * *", catchup=False):
    EmptyOperator(task_id="only", start_date=pendulum.datetime(2023, 4, 1, tz="Asia/Tokyo"))

with DAG("zones_aware", start_date=timezone.datetime(2023, 3, 1), end_date=timezone.datetime(2024, 3, 1), schedule="@daily"):
    EmptyOperator(task_id="only", end_date=timezone.datetime(2023, 12, 31))
