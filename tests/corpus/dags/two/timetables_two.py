"""Timetables by class."""
from datetime import datetime, timedelta

import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.timetables.events import EventsTimetable
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable

TABLES = {
    "trigger": CronTriggerTimetable("0 1 * * 3", timezone="UTC"),
    "trigger_interval": CronTriggerTimetable("0 18 * * 5", timezone="Europe/Berlin", interval=timedelta(days=4)),
    "interval": CronDataIntervalTimetable("0 6 * * *", timezone=pendulum.timezone("Europe/Paris")),
    "delta": DeltaDataIntervalTimetable(timedelta(hours=8)),
}
for name, table in TABLES.items():
    with DAG(f"timetables_two_{name}", timetable=table, start_date=datetime(2023, 1, 1), catchup=False) as one:
        EmptyOperator(task_id="only")
    globals()[name] = one
