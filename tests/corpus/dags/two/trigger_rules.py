"""Every trigger rule of Airflow 2, by enum and by text."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.trigger_rule import TriggerRule

with DAG("trigger_rules", start_date=datetime(2023, 1, 1), schedule=None, catchup=False) as dag:
    start = EmptyOperator(task_id="start")
    for rule in (
        "all_success all_failed all_done one_success one_failed one_done none_failed none_skipped all_skipped always "
        "none_failed_min_one_success none_failed_or_skipped dummy"
    ).split():
        start >> EmptyOperator(task_id=f"by_{rule}", trigger_rule=rule)
    start >> EmptyOperator(task_id="by_member", trigger_rule=TriggerRule.ONE_FAILED)
    start >> EmptyOperator(task_id="by_old_member", trigger_rule=TriggerRule.NONE_FAILED_OR_SKIPPED)
