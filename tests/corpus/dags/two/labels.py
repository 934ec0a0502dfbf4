"""Labels on edges."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.edgemodifier import Label

with DAG("labels", start_date=datetime(2023, 1, 1), schedule=None) as dag:
    a, b, c, d = [EmptyOperator(task_id=name) for name in "abcd"]
    a >> Label("works") >> b
    a >> Label("fails") >> [c, d]
    d << Label("back") << b
