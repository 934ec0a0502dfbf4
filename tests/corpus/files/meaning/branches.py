"""Branches of every kind, short circuits, commands in bash."""

from __future__ import annotations

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.branch import BaseBranchOperator
from airflow.providers.standard.operators.datetime import BranchDateTimeOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import BranchPythonOperator, ShortCircuitOperator
from airflow.providers.standard.operators.weekday import BranchDayOfWeekOperator
from airflow.providers.standard.utils.weekday import WeekDay
from airflow.sdk import DAG, Label, TaskGroup, task

PAST, FUTURE = datetime.datetime(2020, 1, 1), datetime.datetime(2999, 1, 1)


def two(name):
    return [EmptyOperator(task_id=f"{name}_yes"), EmptyOperator(task_id=f"{name}_no")]


with DAG("branches", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:
    for name, lower, upper in (
        ("inside", PAST, FUTURE), ("before", FUTURE, None), ("after", None, PAST),
        ("clock", datetime.time(0, 0, 0), datetime.time(23, 59, 59, 999999)), ("mixed", PAST, datetime.time(23, 59, 59)),
    ):
        BranchDateTimeOperator(
            task_id=name, follow_task_ids_if_true=f"{name}_yes", follow_task_ids_if_false=f"{name}_no",
            target_lower=lower, target_upper=upper, use_task_logical_date=name == "mixed",
        ) >> two(name)
    for name, days in (("any_day", set(WeekDay)), ("no_day", set())):
        BranchDayOfWeekOperator(
            task_id=name, follow_task_ids_if_true=f"{name}_yes", follow_task_ids_if_false=[f"{name}_no"], week_day=days
        ) >> two(name)
    BranchPythonOperator(task_id="of_list", python_callable=lambda: ["of_list_yes", "of_list_no"]) >> two("of_list")
    BranchPythonOperator(task_id="of_none", python_callable=lambda: None) >> two("of_none")
    BranchPythonOperator(task_id="of_nobody", python_callable=lambda: "nobody") >> two("of_nobody")
    BranchPythonOperator(task_id="of_number", python_callable=lambda: 3) >> two("of_number")

    class Own(BaseBranchOperator):
        template_fields = ("way",)

        def __init__(self, way, **kwargs):
            super().__init__(**kwargs)
            self.way = way

        def choose_branch(self, context):
            return self.way

    Own(task_id="own", way="own_{{ 'yes' }}") >> Label("why") >> two("own")

    with TaskGroup("g") as group:
        EmptyOperator(task_id="first") >> EmptyOperator(task_id="second")
    BranchPythonOperator(task_id="to_group", python_callable=lambda: "g") >> [group, EmptyOperator(task_id="not_it")]

    short = ShortCircuitOperator(task_id="short", python_callable=lambda: [])
    short >> EmptyOperator(task_id="below") >> EmptyOperator(task_id="far_below", trigger_rule="all_done")
    gentle = ShortCircuitOperator(task_id="gentle", python_callable=lambda: 0, ignore_downstream_trigger_rules=False)
    gentle >> EmptyOperator(task_id="just_below") >> EmptyOperator(task_id="not_below", trigger_rule="all_done")
    ShortCircuitOperator(task_id="goes_on", python_callable=lambda: {"a": 1}) >> EmptyOperator(task_id="after_that")

    @task.branch
    def decorated(chosen, ti=None):
        return f"{ti.task_id}_{chosen}"

    decorated("yes") >> two("decorated")

    @task.branch(task_id="mapped")
    def each(n):
        return "mapped_yes" if n else "mapped_no"

    each.expand(n=[1, 1]) >> two("mapped")

    BashOperator(task_id="bash", bash_command="echo first; echo '{\"a\": {{ 1 + 1 }}}'", output_processor=len)
    BashOperator(task_id="bash_skips", bash_command="exit 99") >> EmptyOperator(task_id="after_skip")
    BashOperator(task_id="bash_own_skip", bash_command="exit 7", skip_on_exit_code=[6, 7])
    BashOperator(task_id="bash_fails", bash_command="exit 99", skip_on_exit_code=None)
    BashOperator(task_id="bash_env", bash_command="echo $A-$B", env={"A": "{{ dag.dag_id }}"}, append_env=True)
    BashOperator(task_id="bash_cwd", bash_command="pwd", cwd="/usr/bin")
    BashOperator(task_id="bash_no_cwd", bash_command="pwd", cwd="/absent")
    BashOperator(task_id="bash_context", bash_command="echo $AIRFLOW_CTX_DAG_ID/$AIRFLOW_CTX_TASK_ID/$AIRFLOW_CTX_TRY_NUMBER")
    BashOperator(task_id="bash_quiet", bash_command="echo x", do_xcom_push=False)

    @task.bash(env={"WORD": "{{ dag.dag_id }}"}, append_env=True, output_processor=lambda line: line.split())
    def said(word, ti=None):
        return f"echo $WORD {word} {{{{ ti.task_id }}}}"

    @task.bash
    def nothing():
        return "  "

    @task.bash(skip_on_exit_code=[100])
    def away():
        return "exit 100"

    said("hello"), nothing(), away()
