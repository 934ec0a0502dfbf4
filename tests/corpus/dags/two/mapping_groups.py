"""A mapped group, and a group by decorator that returns a value."""
from datetime import datetime

from airflow.decorators import dag, task, task_group


@dag(start_date=datetime(2023, 1, 1), schedule=None)
def mapping_groups():
    @task
    def inner(x):
        return x

    @task_group
    def each(x):
        """One file."""
        return inner.override(task_id="second")(inner(x))

    @task_group(group_id="once", tooltip="just once")
    def plain(y):
        return inner(y)

    each.expand(x=[1, 2, 3])
    plain(4)


mapping_groups()
