"""Branches of every kind."""
from datetime import datetime

from airflow.providers.standard.operators.datetime import BranchDateTimeOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.providers.standard.operators.python import BranchPythonOperator, ShortCircuitOperator
from airflow.providers.standard.operators.weekday import BranchDayOfWeekOperator
from airflow.sdk import DAG, BaseBranchOperator, Label, TriggerRule, task


class Own(BaseBranchOperator):
    def choose_branch(self, context):
        return ["yes"]


with DAG("sdk_branches", start_date=datetime(2025, 1, 1), schedule="@daily"):
    yes = EmptyOperator(task_id="yes", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    no = EmptyOperator(task_id="no", trigger_rule="one_done")
    first = LatestOnlyOperator(task_id="latest")
    kinds = [
        BranchPythonOperator(task_id="python", python_callable=lambda: "yes"),
        BranchDateTimeOperator(
            task_id="moment",
            follow_task_ids_if_true="yes",
            follow_task_ids_if_false="no",
            target_lower=datetime(2025, 1, 1),
            target_upper=datetime(2026, 1, 1),
        ),
        BranchDayOfWeekOperator(
            task_id="day", follow_task_ids_if_true="yes", follow_task_ids_if_false="no", week_day="Monday"
        ),
        Own(task_id="own"),
    ]
    first >> kinds
    for kind in kinds:
        kind >> Label("one of") >> [yes, no]

    @task.branch
    def choose():
        return None

    choose() >> [yes, no]
    ShortCircuitOperator(task_id="short", python_callable=lambda: True) >> no
