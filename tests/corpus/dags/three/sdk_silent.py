"""Says nothing: in Airflow 3 it runs when asked and catches up with nothing."""
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("sdk_silent"):
    EmptyOperator(task_id="only")
