"""Functions in interpreters of their own."""

from __future__ import annotations

import datetime
import sys

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import (
    BranchExternalPythonOperator,
    ExternalPythonOperator,
    PythonVirtualenvOperator,
)
from airflow.sdk import DAG, task

BARE = {"system_site_packages": False, "expect_airflow": False}


def told(a, b=2, *, ds, run_id, templates_dict=None):
    return {"a": a, "b": b, "ds": len(ds), "manual": run_id.startswith("manual"), "templates": templates_dict}


def strings():
    return virtualenv_string_args  # noqa: F821


def leave(code):
    import sys

    sys.exit(code)


def way():
    return "way_a"


with DAG("environments", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:
    PythonVirtualenvOperator(
        task_id="virtual", python_callable=told, op_args=["{{ 1 + 1 }}"], op_kwargs={"b": [1, {"x": (1, 2)}]},
        templates_dict={"t": "{{ dag.dag_id }}"}, **BARE,
    )
    ExternalPythonOperator(task_id="external", python=sys.executable, python_callable=told, op_kwargs={"a": "{{ 'x' }}"})
    ExternalPythonOperator(task_id="strings", python=sys.executable, python_callable=strings, string_args=["a", " b "])
    ExternalPythonOperator(task_id="fails", python=sys.executable, python_callable=leave, op_args=[3])
    ExternalPythonOperator(
        task_id="skips", python=sys.executable, python_callable=leave, op_args=[3], skip_on_exit_code=3
    )
    ExternalPythonOperator(task_id="absent", python="/absent/python", python_callable=strings)
    BranchExternalPythonOperator(task_id="way", python=sys.executable, python_callable=way) >> [
        EmptyOperator(task_id="way_a"), EmptyOperator(task_id="way_b"),
    ]

    @task.external_python(python=sys.executable, env_vars={"OWN": "{{ 1 }}"}, inherit_env=False)
    def environment(given):
        import os

        return [given, os.environ.get("OWN"), "HOME" in os.environ]

    @task
    def numbers():
        return [1, 2]

    @task.external_python(python=sys.executable, multiple_outputs=True)
    def dates(data_interval_end=None) -> dict:
        import datetime

        return {"kind": isinstance(data_interval_end, datetime.datetime), "day": datetime.date(2026, 1, 2)}

    @task.branch_external_python(python=sys.executable)
    def chooses():
        return "x"

    environment.partial().expand(given=numbers())
    dates()
    chooses() >> [EmptyOperator(task_id="x"), EmptyOperator(task_id="y")]
