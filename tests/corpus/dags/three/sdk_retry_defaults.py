"""default_args that only some operators take, params in them, None in them."""
from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

defaults = {
    "retries": 2,
    "retry_delay": timedelta(seconds=1),
    "bash_command": "echo default",
    "nobody_takes_this": 1,
    "params": {"p": 1},
    "email": ["x@example.com"],
    "pool": None,
}

with DAG("sdk_retry_defaults", default_args=defaults):
    BashOperator(task_id="uses")
    EmptyOperator(task_id="ignores", retries=None)

    @task(default_args={"retries": 7})
    def own():
        pass

    own()
