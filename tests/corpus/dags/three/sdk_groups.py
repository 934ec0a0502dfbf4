"""Groups: decorators, arguments, defaults, collisions."""
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup, task, task_group

with DAG("sdk_groups", default_args={"owner": "dag"}):

    @task
    def one(n=1):
        return n

    @task_group(group_id="named", default_args={"owner": "group", "retries": 1}, prefix_group_id=False, tooltip="tip")
    def named(n):
        return one(n) >> EmptyOperator(task_id="two")

    @task_group
    def twice():
        """The document."""
        one()

    named(1)
    twice()
    twice()
    with TaskGroup("collide", add_suffix_on_collision=True):
        EmptyOperator(task_id="x")
    with TaskGroup("collide", add_suffix_on_collision=True):
        EmptyOperator(task_id="x")
