"""Sensors of the standard provider."""
from datetime import datetime, time, timedelta

from airflow.providers.standard.sensors.bash import BashSensor
from airflow.providers.standard.sensors.date_time import DateTimeSensor
from airflow.providers.standard.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.providers.standard.sensors.time import TimeSensor
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.providers.standard.sensors.weekday import DayOfWeekSensor
from airflow.sdk import DAG, BaseSensorOperator, PokeReturnValue, task


class Own(BaseSensorOperator):
    def poke(self, context):
        return PokeReturnValue(is_done=True, xcom_value=1)


with DAG("sdk_sensors", start_date=datetime(2025, 1, 1), schedule="@hourly"):
    TimeDeltaSensor(task_id="delta", delta=timedelta(minutes=5))
    TimeSensor(task_id="time", target_time=time(5, 0), mode="reschedule")
    DateTimeSensor(task_id="moment", target_time="{{ data_interval_end }}")
    FileSensor(task_id="file", filepath="x/*.csv", recursive=True, soft_fail=True)
    BashSensor(task_id="bash", bash_command="exit 0", timeout=10)
    PythonSensor(task_id="python", python_callable=lambda: True, op_kwargs={"a": 1}, silent_fail=True)
    DayOfWeekSensor(task_id="day", week_day={"Saturday", "Sunday"})
    ExternalTaskSensor(task_id="other", external_dag_id="x", external_task_ids=["a", "b"], skipped_states=["skipped"])
    ExternalTaskMarker(task_id="mark", external_dag_id="x", external_task_id="y", recursion_depth=3)
    Own(task_id="own", exponential_backoff=True)

    @task.sensor(poke_interval=timedelta(seconds=30), timeout=300)
    def ready() -> bool:
        return True

    ready()
