"""Edges with labels, lists, groups and references."""
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, EdgeModifier, Label, TaskGroup, chain, chain_linear, cross_downstream, task

with DAG("sdk_edges"):
    t = [EmptyOperator(task_id=f"t{n}") for n in range(12)]
    with TaskGroup("g") as g:
        EmptyOperator(task_id="in") >> EmptyOperator(task_id="out")

    @task
    def value():
        return 1

    chain(t[0], Label("a"), [t[1], t[2]], [t[3], t[4]], t[5])
    chain_linear(t[5], [t[6], t[7]], [t[8], t[9]])
    cross_downstream([t[8], t[9]], [t[10], t[11]])
    t[10] >> Label("into") >> g
    g >> value() >> t[11]
