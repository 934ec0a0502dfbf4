"""Sensors of the team's own, by old and new base classes."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.sensors.base_sensor_operator import BaseSensorOperator
from airflow.sensors.python import PythonSensor


class Ready(BaseSensorOperator):
    template_fields = ("what",)

    def __init__(self, what, **kwargs):
        super().__init__(**kwargs)
        self.what = what

    def poke(self, context):
        return True


with DAG("sensor_subclass", start_date=datetime(2023, 1, 1), schedule=None) as dag:
    Ready(task_id="ready", what="{{ ds }}", poke_interval=5, timeout=60, mode="reschedule")
    PythonSensor(
        task_id="by_function", python_callable=lambda: True, exponential_backoff=True, max_wait=timedelta(minutes=5)
    )
