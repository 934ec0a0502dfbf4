"""Waiting for other DAGs, the way most files do."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor

with DAG("external_sensor", start_date=datetime(2023, 1, 1), schedule_interval="0 6 * * *", catchup=False) as dag:
    wait = ExternalTaskSensor(
        task_id="wait",
        external_dag_id="upstream",
        external_task_id="done",
        execution_delta=timedelta(hours=2),
        allowed_states=["success", "skipped"],
        failed_states=["failed", "upstream_failed"],
        mode="reschedule",
        timeout=3600,
        poke_interval=120,
    )
    whole = ExternalTaskSensor(task_id="whole", external_dag_id="other", external_task_id=None, check_existence=True)
    group = ExternalTaskSensor(task_id="group", external_dag_id="other", external_task_group_id="load")
    mark = ExternalTaskMarker(task_id="mark", external_dag_id="downstream", external_task_id="wait")
    [wait, whole, group] >> EmptyOperator(task_id="work") >> mark
