"""Sensors of times and files."""
from datetime import datetime, time, timedelta

from airflow import DAG
from airflow.sensors.bash import BashSensor
from airflow.sensors.date_time import DateTimeSensor
from airflow.sensors.filesystem import FileSensor
from airflow.sensors.time_delta import TimeDeltaSensor
from airflow.sensors.time_sensor import TimeSensor
from airflow.sensors.weekday import DayOfWeekSensor

with DAG("time_sensors", start_date=datetime(2023, 1, 1), schedule="@daily", catchup=False) as dag:
    TimeDeltaSensor(task_id="delta", delta=timedelta(hours=1))
    TimeSensor(task_id="time", target_time=time(4, 30))
    DateTimeSensor(task_id="moment", target_time="{{ next_execution_date }}")
    FileSensor(task_id="file", filepath="/data/{{ ds }}.csv", poke_interval=30)
    BashSensor(task_id="shell", bash_command="test -f /data/x", mode="reschedule")
    DayOfWeekSensor(task_id="weekday", week_day="Monday", use_task_logical_date=True)
