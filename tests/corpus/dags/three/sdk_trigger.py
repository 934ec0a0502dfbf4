"""Starting other DAGs."""
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

with DAG("sdk_trigger"):
    TriggerDagRunOperator(
        task_id="fire",
        trigger_dag_id="{{ params.target }}",
        conf={"a": [1, "{{ ds }}"]},
        logical_date="{{ logical_date }}",
        params={"target": "x"},
    ) >> TriggerDagRunOperator(
        task_id="wait", trigger_dag_id="x", wait_for_completion=True, skip_when_already_exists=True, fail_when_dag_is_paused=True
    )
