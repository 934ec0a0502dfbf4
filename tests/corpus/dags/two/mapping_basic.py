"""expand over literals and over what a task returns."""
from datetime import datetime

from airflow.decorators import dag, task
from airflow.operators.bash import BashOperator


@dag(start_date=datetime(2023, 1, 1), schedule=None, catchup=False)
def mapping_basic():
    @task
    def make():
        return ["a", "b"]

    @task(max_active_tis_per_dag=3)
    def work(x, y=0):
        return x

    @task
    def collect(values):
        print(list(values))

    collect(work.partial(y=1).expand(x=make()))
    work.override(task_id="grid").expand(x=[1, 2, 3], y=[4, 5])
    BashOperator.partial(task_id="shell", retries=2, pool="narrow").expand(bash_command=["echo a", "echo b"])


mapping_basic()
