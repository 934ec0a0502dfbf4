"""expand_kwargs, map and zip."""
from datetime import datetime

from airflow.decorators import dag, task


@dag(start_date=datetime(2023, 1, 1), schedule=None)
def mapping_kwargs():
    @task
    def make():
        return [{"x": 1}, {"x": 2}]

    @task
    def names():
        return ["p", "q"]

    @task
    def work(x, y=1):
        return x + y

    @task
    def pair(both):
        print(both)

    work.expand_kwargs(make())
    work.override(task_id="literal").partial(y=2).expand_kwargs([{"x": 5}])
    pair.expand(both=names().zip(make(), fillvalue=None))
    pair.override(task_id="mapped").expand(both=names().map(lambda name: name.upper()))


mapping_kwargs()
