"""Short circuits, one that goes by the rules below it."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import ShortCircuitOperator

with DAG("short_circuit", start_date=datetime(2022, 3, 1), schedule=None) as dag:
    hard = ShortCircuitOperator(task_id="hard", python_callable=lambda: False)
    soft = ShortCircuitOperator(
        task_id="soft", python_callable=lambda: False, ignore_downstream_trigger_rules=False
    )
    hard >> EmptyOperator(task_id="never") >> EmptyOperator(task_id="after_never", trigger_rule="all_done")
    soft >> EmptyOperator(task_id="skipped") >> EmptyOperator(task_id="after_skipped", trigger_rule="all_done")
