"""Three DAGs with markers between them; what is below a marked task, setups and other days among it."""

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.sensors.external_task import ExternalTaskMarker
from pendulum import datetime

start = {"start_date": datetime(2026, 1, 1), "schedule": None}

with DAG("parent", **start):
    first = EmptyOperator(task_id="first")
    same_day = ExternalTaskMarker(task_id="same_day", external_dag_id="child", external_task_id="wait")
    other_day = ExternalTaskMarker(
        task_id="other_day",
        external_dag_id="grandchild",
        external_task_id="later",
        execution_date="{{ (logical_date + macros.timedelta(days=1)).isoformat() }}",
    )
    nowhere = ExternalTaskMarker(task_id="nowhere", external_dag_id="nobody", external_task_id="x")
    first >> [same_day, other_day, nowhere] >> EmptyOperator(task_id="last")

with DAG("child", **start):
    wait = EmptyOperator(task_id="wait")
    setup = EmptyOperator(task_id="setup").as_setup()
    work = EmptyOperator(task_id="work")
    teardown = EmptyOperator(task_id="teardown").as_teardown(setups=setup)
    on = ExternalTaskMarker(task_id="on", external_dag_id="grandchild", external_task_id="one", recursion_depth=1)
    EmptyOperator(task_id="beside")
    wait >> work >> on
    setup >> work >> teardown

with DAG("grandchild", **start):
    back = ExternalTaskMarker(task_id="back", external_dag_id="parent", external_task_id="first")
    EmptyOperator(task_id="one") >> EmptyOperator(task_id="two") >> back
    EmptyOperator(task_id="later") >> EmptyOperator(task_id="latest")
