"""The compat provider's names, as files that run on both write them."""
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowSkipException,
    Asset,
    BaseOperator,
    Context,
    TaskGroup,
    TriggerRule,
    Variable,
    chain,
    conf,
    task,
    timezone,
)
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("sdk_compat", start_date=timezone.datetime(2025, 1, 1), schedule=[Asset("x")]):
    with TaskGroup("g"):
        chain(*[EmptyOperator(task_id=n, trigger_rule=TriggerRule.ALL_DONE) for n in "ab"])

    @task
    def skip():
        raise AirflowSkipException("no")

    skip()
