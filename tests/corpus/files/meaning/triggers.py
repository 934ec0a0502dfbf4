"""Runs of other DAGs: triggered, waited for, and what becomes of those that fail, exist or are absent."""

from __future__ import annotations

import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from airflow.sdk import DAG, task

START = datetime.datetime(2026, 1, 1)
PAST = "2026-01-02T00:00:00+00:00"

with DAG("a_target", schedule=None, start_date=START):
    EmptyOperator(task_id="one")

with DAG("b_triggers", schedule=None, start_date=START):
    TriggerDagRunOperator(task_id="plain", trigger_dag_id="a_target", trigger_run_id="plain", conf={"x": 1})
    TriggerDagRunOperator(
        task_id="templated",
        trigger_dag_id="a_target",
        trigger_run_id="of_{{ ds[:2] }}",
        conf={"when": "{{ dag.dag_id }}"},
        logical_date="2026-02-0{{ 1 }}",
    )
    TriggerDagRunOperator(task_id="absent", trigger_dag_id="nobody")
    TriggerDagRunOperator(task_id="bad_conf", trigger_dag_id="a_target", conf={"x": object})
    TriggerDagRunOperator(task_id="text_conf", trigger_dag_id="a_target", trigger_run_id="text", conf='{"x": 1}')
    TriggerDagRunOperator.partial(task_id="mapped", trigger_dag_id="a_target").expand(
        trigger_run_id=["m1", "m2"], conf=[{"n": 1}]
    )
    first = TriggerDagRunOperator(
        task_id="first", trigger_dag_id="a_target", trigger_run_id="same", logical_date="2026-03-01"
    )
    again = TriggerDagRunOperator(
        task_id="skipped",
        trigger_dag_id="a_target",
        trigger_run_id="same",
        logical_date="2026-03-01",
        skip_when_already_exists=True,
    )
    refused = TriggerDagRunOperator(
        task_id="refused", trigger_dag_id="a_target", trigger_run_id="same", logical_date="2026-03-01"
    )
    reset = TriggerDagRunOperator(
        task_id="reset", trigger_dag_id="a_target", trigger_run_id="same", logical_date="2026-03-01", reset_dag_run=True
    )
    first >> [again, refused] >> EmptyOperator(task_id="between", trigger_rule="all_done") >> reset

    class Own(TriggerDagRunOperator):
        def execute(self, context):
            self.conf = {"own": context["run_id"] is not None}
            super().execute(context)

    Own(task_id="subclass", trigger_dag_id="a_target", trigger_run_id="own")
    LatestOnlyOperator(task_id="latest") >> EmptyOperator(task_id="after_latest")
    ExternalTaskMarker(task_id="marker", external_dag_id="a_target", external_task_id="one")

    @task
    def seen(ti=None):
        return ti.xcom_pull(task_ids="plain", key="trigger_run_id")

    seen().operator.set_upstream(again)

WAIT = {"poke_interval": 0.1, "timeout": 0.3}
with DAG("c_waits", schedule=None, start_date=START):
    ExternalTaskSensor(
        task_id="nothing_there", external_dag_id="a_target", execution_delta=datetime.timedelta(days=9), **WAIT
    )
    ExternalTaskSensor(
        task_id="softly", external_dag_id="a_target", soft_fail=True, execution_delta=datetime.timedelta(days=9), **WAIT
    )
    ExternalTaskSensor(
        task_id="no_dates",
        external_dag_id="a_target",
        execution_date_fn=lambda when, **_: when + datetime.timedelta(days=3),
        **WAIT,
    )
    ExternalTaskSensor(task_id="twice", external_dag_id="a_target", external_task_ids=["{{ 'one' }}", "one"], **WAIT)
