"""Setups and teardowns, as managers, nested, by method, with several on a side."""
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, TaskGroup, setup, task, teardown


def shell(name):
    return BashOperator(task_id=name, bash_command="true")


with DAG("sdk_setup"):
    s1, s2 = shell("s1").as_setup(), shell("s2").as_setup()
    t = shell("t").as_teardown(setups=[s1, s2])
    with t:
        shell("work") >> shell("more")

    @setup
    def outer():
        return 1

    @teardown(on_failure_fail_dagrun=True)
    def close(value):
        print(value)

    @task
    def use(value):
        print(value)

    value = outer()
    with close(value) as scope:
        use(value)
        with shell("t2").as_teardown(setups=shell("s3")):
            shell("within")
    with TaskGroup("g") as g:
        gs = shell("gs").as_setup()
        shell("gw") >> shell("gt").as_teardown(setups=gs)
        gs >> g.get_child_by_label("gw")
    g >> shell("after_group")
