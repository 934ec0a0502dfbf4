"""Functions elsewhere."""
from airflow.providers.standard.operators.python import (
    BranchExternalPythonOperator,
    BranchPythonVirtualenvOperator,
    ExternalPythonOperator,
    PythonVirtualenvOperator,
)
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task


def work(n):
    return n


with DAG("sdk_virtualenvs"):
    PythonVirtualenvOperator(task_id="venv", python_callable=work, op_args=[1], requirements=["idna"], venv_cache_path="/tmp/x")
    ExternalPythonOperator(task_id="external", python_callable=work, op_args=[1], python="/usr/bin/python3", expect_airflow=False)
    end = EmptyOperator(task_id="end")
    BranchPythonVirtualenvOperator(task_id="b1", python_callable=work, op_args=["end"], requirements=[]) >> end
    BranchExternalPythonOperator(task_id="b2", python_callable=work, op_args=["end"], python="/usr/bin/python3") >> end

    @task.virtualenv(requirements="idna\npytz", system_site_packages=False)
    def decorated():
        return 1

    @task.branch_virtualenv(requirements=["idna"])
    def choose():
        return "end"

    decorated() >> choose() >> end
