"""Mapping in every form."""
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import dag, task, task_group


@dag
def sdk_mapping():
    @task
    def make():
        return [1, 2, 3]

    @task
    def work(x, y=0, z=0):
        return x

    made = make()
    mapped = work.partial(z=9, y=1).expand(x=made)
    work.override(task_id="over_mapped").expand(x=mapped)
    work.override(task_id="cross", max_active_tis_per_dagrun=2).expand(x=[1, 2], y=made)
    work.override(task_id="concat").expand(x=made.concat(made))
    work.override(task_id="zipped").expand(x=made.zip(made))
    work.override(task_id="kwargs", map_index_template="{{ x }}").expand_kwargs([{"x": 1}, {"x": 2, "y": 3}])
    BashOperator.partial(task_id="shell", env={"A": "b"}).expand(bash_command=made.map(lambda n: f"echo {n}"))
    PythonOperator.partial(task_id="classic", python_callable=print).expand(op_args=[[1], [2]])

    @task_group
    def each(n):
        @task_group
        def deeper():
            return work(n)

        return work.override(task_id="after")(deeper())

    each.expand(n=made)
    each.override(group_id="again").expand_kwargs([{"n": 1}])


sdk_mapping()
