"""Several outputs, by argument and by annotation; override and reuse of one function."""
from datetime import datetime
from typing import Dict

from airflow.decorators import dag, task


@task(multiple_outputs=True)
def given():
    return {"a": 1, "b": 2}


@task
def annotated() -> Dict[str, int]:
    return {"c": 3}


@task
def use(x, y):
    print(x, y)


@dag(start_date=datetime(2023, 1, 1), schedule=None)
def taskflow_outputs():
    one, two = given(), annotated()
    use(one["a"], two["c"])
    use.override(task_id="again", retries=4)(one["b"], 7)
    use(1, 2)


taskflow_outputs()
