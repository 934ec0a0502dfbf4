"""Operators of the standard provider in a DAG of the SDK."""
import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, chain

with DAG("sdk_plain", schedule="@daily", start_date=pendulum.datetime(2025, 1, 1, tz="UTC"), tags=["new"]) as dag:
    chain(EmptyOperator(task_id="a"), [BashOperator(task_id=n, bash_command="true") for n in "bc"], EmptyOperator(task_id="d"))
