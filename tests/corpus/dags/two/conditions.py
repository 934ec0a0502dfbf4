"""run_if and skip_if."""
from datetime import datetime

from airflow import DAG
from airflow.decorators import task

with DAG("conditions", start_date=datetime(2023, 1, 1), schedule=None) as dag:

    @task.run_if(lambda context: True)
    @task
    def runs():
        return 1

    @task.skip_if(lambda context: (True, "not today"))
    @task.bash
    def skips():
        return "echo"

    runs() >> skips()
