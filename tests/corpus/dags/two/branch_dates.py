"""Branches by time and weekday."""
from datetime import datetime, time

from airflow import DAG
from airflow.operators.datetime import BranchDateTimeOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.weekday import BranchDayOfWeekOperator
from airflow.utils.weekday import WeekDay

with DAG("branch_dates", start_date=datetime(2023, 1, 1), schedule="@daily", catchup=False) as dag:
    yes, no = EmptyOperator(task_id="yes"), EmptyOperator(task_id="no")
    by_time = BranchDateTimeOperator(
        task_id="by_time",
        follow_task_ids_if_true="yes",
        follow_task_ids_if_false="no",
        target_lower=time(6),
        target_upper=time(18),
        use_task_logical_date=True,
    )
    by_day = BranchDayOfWeekOperator(
        task_id="by_day",
        follow_task_ids_if_true="yes",
        follow_task_ids_if_false="no",
        week_day={WeekDay.SATURDAY, WeekDay.SUNDAY},
    )
    [by_time, by_day] >> yes
    [by_time, by_day] >> no
