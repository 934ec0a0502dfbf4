"""Functions in environments of their own."""
from datetime import datetime

from airflow import DAG
from airflow.decorators import task
from airflow.operators.python import ExternalPythonOperator, PythonVirtualenvOperator


def work():
    import json

    return json.dumps({"a": 1})


with DAG("virtualenvs", start_date=datetime(2023, 1, 1), schedule=None) as dag:
    PythonVirtualenvOperator(task_id="classic", python_callable=work, requirements=["idna==3.7"], system_site_packages=False)
    ExternalPythonOperator(task_id="external", python_callable=work, python="/usr/bin/python3")

    @task.virtualenv(requirements=["idna"], python_version=None)
    def decorated():
        return 1

    @task.external_python(python="/usr/bin/python3")
    def outside():
        return 2

    decorated() >> outside()
