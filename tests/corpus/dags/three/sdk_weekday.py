"""Small things: weekdays, macros, timezones, literals."""
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.utils.weekday import WeekDay
from airflow.sdk import DAG, macros, timezone

today = macros.ds_add("2025-01-31", 1)

with DAG("sdk_weekday", start_date=timezone.parse("2025-02-01T00:00:00+02:00"), description=today):
    for day in (WeekDay.MONDAY, WeekDay.SUNDAY):
        BashOperator(task_id=str(day), bash_command=f"echo {day.value}")
