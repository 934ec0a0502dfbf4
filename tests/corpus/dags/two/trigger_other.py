"""Starting other DAGs, with and without waiting."""
from datetime import datetime

from airflow import DAG
from airflow.operators.trigger_dagrun import TriggerDagRunOperator

with DAG("trigger_other", start_date=datetime(2023, 1, 1), schedule_interval="@daily", catchup=False) as dag:
    fire = TriggerDagRunOperator(task_id="fire", trigger_dag_id="target", conf={"day": "{{ ds }}"})
    wait = TriggerDagRunOperator(
        task_id="wait",
        trigger_dag_id="target",
        trigger_run_id="from_{{ run_id }}",
        execution_date="{{ execution_date }}",
        wait_for_completion=True,
        poke_interval=30,
        reset_dag_run=True,
        allowed_states=["success"],
        failed_states=["failed"],
    )
    fire >> wait
