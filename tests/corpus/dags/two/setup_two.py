"""Setup and teardown of 2.7."""
from datetime import datetime

from airflow import DAG
from airflow.decorators import setup, task, teardown
from airflow.operators.bash import BashOperator
from airflow.utils.task_group import TaskGroup

with DAG("setup_two", start_date=datetime(2023, 1, 1), schedule=None) as dag:
    create = BashOperator(task_id="create", bash_command="true").as_setup()
    work = BashOperator(task_id="work", bash_command="true")
    delete = BashOperator(task_id="delete", bash_command="true").as_teardown(setups=create, on_failure_fail_dagrun=True)
    create >> work >> delete

    with TaskGroup("inside"):

        @setup
        def begin():
            return "cluster"

        @teardown
        def finish(cluster):
            print(cluster)

        @task
        def use(cluster):
            print(cluster)

        cluster = begin()
        with finish(cluster):
            use(cluster)
