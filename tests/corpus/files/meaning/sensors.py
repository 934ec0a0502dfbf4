"""Sensors in every mode, with what ends them; short, since Airflow really waits."""

from __future__ import annotations

import datetime
import os
import tempfile

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.providers.standard.sensors.date_time import DateTimeSensor
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.providers.standard.sensors.time import TimeSensor
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.providers.standard.sensors.weekday import DayOfWeekSensor
from airflow.providers.standard.utils.weekday import WeekDay
from airflow.sdk import DAG, PokeReturnValue, TriggerRule, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

os.environ.setdefault(
    "AIRFLOW_CONN_FS_TEMPORARY", '{"conn_type": "fs", "extra": {"path": "%s"}}' % tempfile.gettempdir()
)
QUICK = {"poke_interval": 0.1, "timeout": 20}


def counted(name, run_id, at=2):
    """True at the second question."""
    path = os.path.join(tempfile.gettempdir(), f"tradewind-corpus-{name}-{os.getppid()}-{run_id}")
    with open(path, "a+") as file:
        file.write("x")
        return file.tell() >= at


def fail(error):
    def ask(**_):
        raise error("no")

    return ask


with DAG("sensors", schedule=None, start_date=datetime.datetime(2026, 1, 1), default_args={"retries": 0}) as dag:
    PythonSensor(task_id="poked", python_callable=lambda: True, **QUICK)
    PythonSensor(task_id="never", python_callable=lambda: False, poke_interval=0.1, timeout=0.2)
    softly = PythonSensor(
        task_id="softly", python_callable=lambda: False, poke_interval=0.1, timeout=0.2, soft_fail=True
    )
    softly >> EmptyOperator(task_id="after_softly")
    PythonSensor(task_id="fails", python_callable=fail(ValueError), **QUICK)
    PythonSensor(task_id="fails_for_good", python_callable=fail(AirflowFailException), soft_fail=True, **QUICK)
    PythonSensor(task_id="skips", python_callable=fail(AirflowSkipException), **QUICK)
    PythonSensor(task_id="silent", python_callable=fail(ValueError), silent_fail=True, poke_interval=0.1, timeout=0.2)
    PythonSensor(task_id="never_fails", python_callable=fail(ValueError), never_fail=True, **QUICK)
    PythonSensor(
        task_id="backs_off",
        python_callable=lambda: False,
        exponential_backoff=True,
        max_wait=0.1,
        timeout=1,
        poke_interval=0.1,
        soft_fail=True,
    )
    PythonSensor(
        task_id="rescheduled_too_late", python_callable=lambda: False, mode="reschedule", poke_interval=0.1, timeout=0.1
    )
    BashSensor(task_id="bash", bash_command="exit 0", **QUICK)
    BashSensor(task_id="bash_fails", bash_command="exit 3", retry_exit_code=4, **QUICK)
    BashSensor(task_id="bash_too_late", bash_command="exit 4", retry_exit_code=4, poke_interval=0.1, timeout=0.2)
    BashSensor(task_id="bash_env", bash_command='test "$A" = "{{ ds[:2] }}"', env={"A": "20"}, **QUICK)
    FileSensor(task_id="file", filepath="/etc/hostname", fs_conn_id="fs_temporary", **QUICK)
    FileSensor(task_id="pattern", filepath="/etc/**/host*", recursive=True, fs_conn_id="fs_temporary", **QUICK)
    FileSensor(task_id="no_file", filepath="absent-{{ ds }}", fs_conn_id="fs_temporary", poke_interval=0.1, timeout=0.2)
    TimeSensor(task_id="time", target_time=datetime.time(0, 0, 0), **QUICK)
    TimeSensor(task_id="too_late", target_time=datetime.time(23, 59, 59), poke_interval=0.1, timeout=0.2)
    TimeSensor(
        task_id="too_late_softly", target_time=datetime.time(23, 59, 59), poke_interval=0.1, timeout=0.2, soft_fail=True
    )
    TimeDeltaSensor(task_id="delta", delta=datetime.timedelta(seconds=0), **QUICK)
    DateTimeSensor(task_id="moment", target_time="{{ data_interval_end.subtract(days=1) }}", **QUICK)
    DateTimeSensor(task_id="far_moment", target_time="2999-01-01", poke_interval=0.1, timeout=0.2)
    DateTimeSensor(task_id="no_moment", target_time="not a date", **QUICK)
    DayOfWeekSensor(task_id="any_day", week_day=set(WeekDay), **QUICK)

    @task.sensor(mode="reschedule", **QUICK)
    def again(run_id=None):
        return PokeReturnValue(is_done=counted("again", run_id), xcom_value=["a", 1])

    @task.sensor(mode="poke", **QUICK)
    def at_once() -> PokeReturnValue:
        return PokeReturnValue(is_done=True, xcom_value={"x": 1})

    BashOperator(task_id="takes", bash_command="echo {{ ti.xcom_pull(task_ids='again')[0] }}").set_upstream(again())
    at_once() >> EmptyOperator(task_id="last", trigger_rule=TriggerRule.ALL_DONE)
