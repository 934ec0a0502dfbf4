"""One DAG for each preset, made in a loop and put into the module's names."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.trigger_rule import TriggerRule

for preset in ("@once", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly", None):
    name = f"preset_{(preset or 'none').strip('@')}"
    with DAG(name, schedule_interval=preset, start_date=datetime(2023, 1, 1), catchup=False) as one:
        EmptyOperator(task_id="work") >> EmptyOperator(task_id="end", trigger_rule=TriggerRule.ALL_DONE)
    globals()[name] = one
