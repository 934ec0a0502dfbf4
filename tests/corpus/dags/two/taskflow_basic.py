"""TaskFlow as Airflow 2 had it."""
from datetime import datetime

from airflow.decorators import dag, task


@dag(schedule_interval="@hourly", start_date=datetime(2023, 1, 1), catchup=False, tags=["taskflow"])
def taskflow_basic():
    """Numbers, summed."""

    @task
    def numbers():
        return [1, 2, 3]

    @task(retries=2)
    def add(values: list) -> int:
        return sum(values)

    @task
    def show(total):
        print(total)

    show(add(numbers()))


taskflow_basic()
