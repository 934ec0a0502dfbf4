"""Params of the DAG and of tasks."""
from datetime import datetime

from airflow import DAG
from airflow.decorators import task
from airflow.models.param import Param
from airflow.operators.bash import BashOperator

with DAG(
    "params_two",
    start_date=datetime(2023, 1, 1),
    schedule=None,
    params={
        "n": Param(3, type="integer", minimum=1, maximum=10),
        "day": Param("2024-01-01", type="string", format="date", title="Day", description="which day"),
        "choice": Param("a", enum=["a", "b"]),
        "maybe": Param(None, type=["null", "string"]),
        "plain": "text",
        "many": [1, 2],
    },
) as dag:
    BashOperator(task_id="shell", bash_command="echo {{ params.n }}", params={"own": 1, "n": 5})

    @task
    def show(params=None):
        print(params)

    show()
