"""Schedules, by text, delta and timetable."""
from datetime import datetime, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import (
    DAG,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)

SCHEDULES = {
    "cron": "15 3 * * *",
    "delta": timedelta(hours=5),
    "once": "@once",
    "monthly": "@monthly",
    "trigger": CronTriggerTimetable("0 1 * * 3", timezone="Europe/Rome", interval=timedelta(days=1)),
    "interval": CronDataIntervalTimetable("@weekly", timezone="UTC"),
    "delta_interval": DeltaDataIntervalTimetable(timedelta(minutes=30)),
    "delta_trigger": DeltaTriggerTimetable(timedelta(days=1)),
    "several": MultipleCronTriggerTimetable("0 8 * * *", "0 20 * * *", timezone="UTC"),
}
for name, schedule in SCHEDULES.items():
    with DAG(f"sdk_schedules_{name}", schedule=schedule, start_date=datetime(2025, 1, 1)):
        EmptyOperator(task_id="only")
