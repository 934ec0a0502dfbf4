"""@task.bash, @task.branch, @task.short_circuit, @task.sensor."""
from datetime import datetime

from airflow import DAG
from airflow.decorators import task
from airflow.operators.empty import EmptyOperator

with DAG("task_kinds", start_date=datetime(2023, 1, 1), schedule=None) as dag:

    @task.bash(env={"A": "1"}, append_env=True)
    def shell():
        return "echo $A"

    @task.branch
    def choose():
        return "left"

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def go():
        return True

    @task.sensor(poke_interval=10, timeout=60, mode="reschedule")
    def ready():
        return True

    left, right = EmptyOperator(task_id="left"), EmptyOperator(task_id="right")
    shell() >> choose() >> [left, right]
    ready() >> go() >> left
