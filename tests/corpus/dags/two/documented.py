"""Documents: the DAG's, tasks', a function's."""
from datetime import datetime

from airflow import DAG
from airflow.decorators import task
from airflow.operators.empty import EmptyOperator

with DAG("documented", start_date=datetime(2023, 1, 1), schedule=None, description="short") as dag:
    dag.doc_md = """
    ### What it does
    Nothing.
    """
    one = EmptyOperator(task_id="one", doc_md="# one")
    two = EmptyOperator(task_id="two", doc="plain", doc_json="{}", doc_yaml="a: 1", doc_rst="rst")
    two.doc_md = __doc__

    @task
    def three():
        """Counts."""

    three()
